"""A real Chromium for the tests, headless, that reaches nothing but this machine; and a visit to the local chat's page."""

import contextlib
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page
from playwright.sync_api import sync_playwright

from tests.servers.process import ServerProcess

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
WAIT_MS = 15_000  # the limit for finding anything on the page
_GRACE = 5.0  # seconds for its own processes to end
_FLAGS = (
    "--headless=new",
    "--remote-debugging-port=0",
    "--no-sandbox",  # it refuses to run as root otherwise, and shows nothing but our own page
    "--disable-gpu",
    "--disable-features=SpareRendererForSitePerProcess",  # a process for a page that no test opens
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-proxy-server",
    "--password-store=basic",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


class ChromiumUnavailableError(Exception):
    """This machine cannot run Chromium; the text names what it lacks."""


class Chromium:
    """One browser process; each test has an isolated window in it."""

    def __init__(self, program: str, folder: Path) -> None:
        """Builds it; `folder` takes its profile and log."""
        self._endpoint = folder / "profile" / "DevToolsActivePort"
        self._process = ServerProcess(
            "Chromium",
            [program, *_FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"],
            log=folder / "chromium.log",
            ready=lambda: len(self._read()) == 2,
        )

    @property
    def address(self) -> str:
        """Returns the address for `connect_over_cdp`."""
        port, path = self._read()
        return f"ws://127.0.0.1:{port}{path}"

    def start(self) -> None:
        """Starts it; returns when it accepts connections."""
        self._process.start()

    def stop(self) -> None:
        """Stops it in an orderly way, leaving none of its processes behind."""
        self._process.stop(_GRACE)

    def _read(self) -> list[str]:
        with contextlib.suppress(FileNotFoundError):
            return self._endpoint.read_text().split()
        return []


def find_chromium() -> str:
    """Returns the program: the system's, else the one installed by `playwright install chromium`. Raises
    ChromiumUnavailableError."""
    for name in _NAMES:
        if program := shutil.which(name):
            return program
    with sync_playwright() as playwright:
        program = playwright.chromium.executable_path
    if Path(program).exists():
        return program
    raise ChromiumUnavailableError(f"no {', '.join(_NAMES)} in PATH, and none of Playwright's own")


@contextlib.asynccontextmanager
async def visit(browser: Browser, url: str, *, excused: str = "", **window: Any) -> AsyncIterator[Page]:
    """Opens the page like a person, once; further arguments are those of `new_context`.

    Fails the test if the page was loaded again, requested anything of another origin, threw an uncaught error, or logged a
    console problem that does not match `excused`.
    """
    context = await browser.new_context(**{"viewport": {"width": 1000, "height": 800}, "locale": "en-US"} | window)
    context.set_default_timeout(WAIT_MS)
    page = await context.new_page()
    asked: list[str] = []
    loads: list[str] = []
    complaints: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page.on("request", lambda request: loads.append(request.url) if request.is_navigation_request() else None)
    context.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    context.on("weberror", lambda error: complaints.append(f"uncaught: {error.error}"))
    page.on("websocket", lambda socket: asked.append(socket.url))
    try:
        await page.goto(url)
        yield page
        await page.title()  # everything reported before this answer has arrived, too
    except BaseException as error:
        error.add_note("\n".join(["the page complained of:", *complaints]) if complaints else "the page complained of nothing")
        raise
    finally:
        await context.close()
    origin = "/".join(url.split("/", 3)[:3])
    wrong = [f"it asked another origin: {one}" for one in asked if not one.startswith((f"{origin}/", "data:"))]
    wrong += [f"it complained: {one}" for one in complaints if not (excused and re.search(excused, one))]
    wrong += [f"it loaded again: {one}" for one in loads[1:]]
    assert not wrong, "\n".join(["the page did what it must not do", *wrong])
