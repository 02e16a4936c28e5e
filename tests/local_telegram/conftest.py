"""The settings of python-telegram-bot in these tests, and one connection to the browser for all of them."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.servers.chromium import WAIT_MS, Chromium


@pytest.fixture(autouse=True)
def _durations_as_timedelta(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns on durations as timedelta; otherwise python-telegram-bot 22 warns of its next major version at every RetryAfter."""
    monkeypatch.setenv("PTB_TIMEDELTA", "true")


@pytest.fixture
def _function_scoped_runner(_session_scoped_runner: asyncio.Runner) -> asyncio.Runner:
    """Runs the tests of this folder and their fixtures in one event loop, so that a connection outlives a test."""
    return _session_scoped_runner


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: Chromium) -> AsyncIterator[Browser]:
    """Yields the tests' browser. Playwright starts once: for each test it would take longer than what many of them look at."""
    expect.set_options(timeout=WAIT_MS)
    async with async_playwright() as playwright:
        connected = await playwright.chromium.connect_over_cdp(chromium.address)
        yield connected
        await connected.close()
