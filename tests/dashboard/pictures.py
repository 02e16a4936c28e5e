"""`python -m tests.dashboard.pictures`: the dashboard beside a real demo as pictures for docs/dashboard.md, to look at."""

import asyncio
import io
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from playwright.async_api import Browser, async_playwright

from tests.paths import ROOT
from tests.running import MARKETFLOW
from tests.servers.ports import free_port
from tests.servers.process import ServerProcess

IMAGES = ROOT / "docs" / "images"
TRADING_SECONDS = 180
PHONE, WIDE = {"width": 390, "height": 1150}, {"width": 1440, "height": 1000}
SEEN: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "dashboard": [("", {"viewport": WIDE})],
    "dashboard-phone": [
        ("", {"viewport": PHONE}),
        ("chart?lang=ru", {"viewport": PHONE, "color_scheme": "dark"}),
        ("results?lang=ru", {"viewport": PHONE}),
        ("signals?signal=1", {"viewport": PHONE, "color_scheme": "dark"}),
    ],
    "dashboard-chart": [("chart", {"viewport": WIDE, "color_scheme": "dark"})],
}
"""The pages in each picture, beside each other."""


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


def server(name: str, command: list[str], folder: Path, ready: str) -> ServerProcess:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder)}
    return ServerProcess(name, command, log=folder / f"{name}.log", ready=lambda: answers(ready), env=env)


async def picture(browser: Browser, address: str, window: dict[str, Any]) -> Image.Image:
    """Returns what a window of this kind shows of the page."""
    context = await browser.new_context(locale="en-US", **window)
    page = await context.new_page()
    await page.goto(address)
    await page.locator(".tile, .vega-embed, .story").first.wait_for(timeout=30_000)
    await page.wait_for_timeout(3_000)  # until charts have grown to their width
    found = Image.open(io.BytesIO(await page.screenshot())).convert("RGB")
    await context.close()
    return found


def beside(parts: list[Image.Image]) -> Image.Image:
    """Returns pictures beside each other."""
    gap = 16 if len(parts) > 1 else 0
    whole = Image.new("RGB", (sum(part.width + gap for part in parts) - gap, max(part.height for part in parts)), "#888888")
    left = 0
    for part in parts:
        whole.paste(part, (left, 0))
        left += part.width + gap
    return whole.quantize(160, method=Image.Quantize.FASTOCTREE)


async def main() -> None:
    """Writes the pictures."""
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp))
    chat, port = free_port(), free_port()
    demo = server("demo", [MARKETFLOW, "demo", "--no-browser", "--port", str(chat)], folder, f"http://127.0.0.1:{chat}/")
    pages = server(
        "dashboard",
        [sys.executable, "-m", "dashboard", "--demo", "--server.port", str(port)],
        folder,
        f"http://127.0.0.1:{port}/_stcore/health",
    )
    try:
        await asyncio.to_thread(demo.start)
        await asyncio.sleep(TRADING_SECONDS)
        await asyncio.to_thread(pages.start)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            for name, shown in SEEN.items():
                parts = [await picture(browser, f"http://127.0.0.1:{port}/{path}", window) for path, window in shown]
                beside(parts).save(IMAGES / f"{name}.png", optimize=True)
            await browser.close()
    finally:
        pages.stop()
        demo.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    asyncio.run(main())
