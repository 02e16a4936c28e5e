"""How python-telegram-bot is used here."""

import pytest


@pytest.fixture(autouse=True)
def _durations_as_timedelta(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it python-telegram-bot 22 warns of its next major version at every RetryAfter."""
    monkeypatch.setenv("PTB_TIMEDELTA", "true")
