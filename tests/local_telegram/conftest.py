"""The settings of python-telegram-bot in these tests."""

import pytest


@pytest.fixture(autouse=True)
def _durations_as_timedelta(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns on durations as timedelta; otherwise python-telegram-bot 22 warns of its next major version at every RetryAfter."""
    monkeypatch.setenv("PTB_TIMEDELTA", "true")
