"""The dashboard in a real browser, beside a real demo, with nothing set: trades appear by themselves."""

import asyncio
import csv
import io
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from bot.clock import SystemClock
from core.adapters.ledger.opening import open_ledger
from core.domain.instrument import Quote
from core.domain.plan_leg import LegKind
from core.domain.trade_plan import PlanState
from core.records.commit_batch import CommitBatch
from tests.core.adapters.ledger.test_guards import PLAN, entry_at_limit, leg
from tests.core.adapters.ledger.values import NOW, message, position
from tests.ledgers import make_ledger
from tests.running import MARKETFLOW
from tests.servers.chromium import WAIT_MS
from tests.servers.ports import free_port
from tests.servers.process import ServerProcess


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


class Beside:
    """Processes that share a folder for temporary files, as those of one user do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder)}

    def demo(self) -> ServerProcess:
        port = free_port()
        command = [MARKETFLOW, "demo", "--no-browser", "--port", str(port)]
        return ServerProcess(
            "demo", command, log=self.folder / "demo.log", ready=lambda: answers(f"http://127.0.0.1:{port}/"), env=self.env
        )

    def dashboard(self, port: int, **env: str) -> ServerProcess:
        return ServerProcess(
            "dashboard",
            [sys.executable, "-m", "dashboard", "--server.port", str(port)],
            log=self.folder / "dashboard.log",
            ready=lambda: answers(f"http://127.0.0.1:{port}/_stcore/health"),
            env=self.env | env,
        )


@pytest.fixture
def beside(tmp_path: Path) -> Beside:
    return Beside(tmp_path)


@pytest.fixture
def started() -> Iterator[list[ServerProcess]]:
    processes: list[ServerProcess] = []
    yield processes
    for process in reversed(processes):
        process.stop()


@asynccontextmanager
async def opened(browser: Browser, port: int) -> AsyncIterator[Page]:
    """Yields the page, which sends requests only to its own server."""
    context = await browser.new_context(viewport={"width": 1280, "height": 3000}, locale="en-US", accept_downloads=True)
    context.set_default_timeout(WAIT_MS)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = await context.new_page()
    try:
        await page.goto(f"http://127.0.0.1:{port}/")
        yield page
    finally:
        await context.close()
    assert [url for url in asked if not url.startswith((f"http://127.0.0.1:{port}/", "data:", "blob:"))] == []


async def metric(page: Page, label: str) -> str:
    found = page.get_by_test_id("stMetric").filter(has_text=label).get_by_test_id("stMetricValue")
    return await found.inner_text()


async def choose(page: Page, label: str, option: str) -> None:
    await page.get_by_role("combobox", name=label).click()
    await page.get_by_role("option", name=option, exact=True).click()


async def test_trades_appear_by_themselves_beside_the_demo(
    browser: Browser, beside: Beside, started: list[ServerProcess]
) -> None:
    port = free_port()
    for process in (beside.demo(), beside.dashboard(port)):
        started.append(process)
        await asyncio.to_thread(process.start)
    async with opened(browser, port) as page:
        await expect(page.get_by_test_id("stMetric").filter(has_text="Last Profit")).to_be_visible()
        await expect(page.get_by_test_id("stMetric").filter(has_text="✅ alive")).to_be_visible()
        async with asyncio.timeout(60):
            while "%" not in await metric(page, "Last Profit"):  # noqa: ASYNC110 - a round trip takes a while
                await asyncio.sleep(0.5)
        async with page.expect_download() as downloading:
            await page.get_by_role("button", name="Trades as CSV").click()
        path = await (await downloading.value).path()
        rows = list(csv.DictReader(io.StringIO(path.read_text())))
        assert {row["side"] for row in rows} == {"BUY", "SELL"}
        assert all(row["client_order_id"].startswith("mf-") for row in rows)
        seen = len(rows)
        async with asyncio.timeout(60):
            while True:
                async with page.expect_download() as downloading:
                    await page.get_by_role("button", name="Trades as CSV").click()
                path = await (await downloading.value).path()
                if len(list(csv.DictReader(io.StringIO(path.read_text())))) > seen:
                    break
                await asyncio.sleep(1)
        await page.get_by_role("link", name="Results").click()
        for words in ("By symbol", "Equity: net profit so far"):
            await expect(page.get_by_text(words)).to_be_visible()
        await choose(page, "Time", "today")
        await page.get_by_role("link", name="Signals").click()
        for words in ("from signal to order: p50", "✅ alive (process"):
            await expect(page.get_by_text(words)).to_be_visible()
        await expect(page.get_by_role("combobox", name="Time")).to_have_value("today")
        assert await page.get_by_test_id("stException").count() == 0


async def test_it_shows_what_protects_a_position_and_what_rests(
    browser: Browser, beside: Beside, started: list[ServerProcess], tmp_path: Path
) -> None:
    port, url = free_port(), make_ledger(tmp_path / "ledger.db")
    ledger = await open_ledger(url, SystemClock())
    await ledger.store([message(1)])
    legs = [leg(LegKind.STOP, 1, "0.475"), leg(LegKind.TARGET, 1, "0.6")]
    lost = replace(PLAN, plan_id="mf-lost", symbol="BTCUSDC", state=PlanState.EXPOSED, exposed_since=NOW)
    held = [position("10"), replace(position("5"), symbol="BTCUSDC"), replace(position("7"), symbol="ETHUSDC", strategy="waves")]
    await ledger.commit(CommitBatch(orders=[*legs, entry_at_limit()], positions=held, plans=[PLAN, lost]))
    await ledger.mark([Quote("WIFUSDC", Decimal("0.5"), Decimal("0.51"), NOW)])
    process = beside.dashboard(port, DATABASE_URL=url)
    started.append(process)
    await asyncio.to_thread(process.start)
    async with opened(browser, port) as page:
        await expect(page.get_by_role("heading", name="Resting orders")).to_be_visible()
        cells = page.get_by_role("gridcell", include_hidden=True)
        for words in ("🛡 guarded", "exposed since 12:00:00 UTC", "0.475 (-5.00%)", "target 2 of 2", "2026-03-01 12:05:00"):
            await expect(cells.filter(has_text=words).first).to_be_attached()
        await choose(page, "Strategy", "waves")
        await expect(page).to_have_url(re.compile("[?]strategy=waves$"))
        await expect(page.get_by_text("Not shown: 2 of another symbol or strategy")).to_be_visible()
        await expect(page.get_by_text("No order rests on the exchange.")).to_be_visible()
        assert await metric(page, "Open positions") == "1"
        await page.get_by_role("link", name="Results").click()
        await expect(page).to_have_url(re.compile("/results[?]strategy=waves$"))
        await page.goto(f"http://127.0.0.1:{port}/?strategy=tides&mode=moon")
        await expect(page.get_by_role("combobox", name="Strategy")).to_have_value("tides")
        await expect(page.get_by_role("combobox", name="Mode")).to_have_value("all")
        await expect(page.get_by_text("Not shown: 3 of another symbol or strategy").first).to_be_visible()
        assert await page.get_by_test_id("stException").count() == 0
    await ledger.close()


async def test_without_a_ledger_it_says_what_to_do(
    browser: Browser, beside: Beside, started: list[ServerProcess], tmp_path: Path
) -> None:
    port = free_port()
    process = beside.dashboard(port, DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path}/none/ledger.db")
    started.append(process)
    await asyncio.to_thread(process.start)
    async with opened(browser, port) as page:
        await expect(page.get_by_text("Start MarketFlow once, or set DATABASE_URL.")).to_be_visible()
        assert await page.get_by_test_id("stException").count() == 0
