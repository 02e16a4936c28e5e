"""The browser of the tests."""

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser, async_playwright, expect

from tests.servers.chromium import WAIT_MS, Chromium, ChromiumUnavailableError, find_chromium


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """Starts the tests' own browser process; skips the test where there is none."""
    try:
        running = Chromium(find_chromium(), tmp_path_factory.mktemp("chromium"))
    except ChromiumUnavailableError as lacking:
        pytest.skip(f"needs Chromium: {lacking}")
    running.start()
    with pytest.MonkeyPatch.context() as patch:
        # Each test has its own Playwright, which starts in two thirds of the time when it need not be compiled again.
        patch.setenv("NODE_COMPILE_CACHE", str(tmp_path_factory.mktemp("playwright")))
        yield running
    running.stop()


@pytest.fixture
async def browser(chromium: Chromium) -> AsyncIterator[Browser]:
    """Yields that browser, in this test's event loop."""
    expect.set_options(timeout=WAIT_MS)
    async with async_playwright() as playwright:
        connected = await playwright.chromium.connect_over_cdp(chromium.address)
        yield connected
        await connected.close()
