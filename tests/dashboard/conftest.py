"""One dashboard for all tests of this folder, behind a password, on a ledger that they share; one connection to the browser."""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from bot.clock import SystemClock
from core.adapters.ledger.demo_location import signpost
from core.adapters.ledger.opening import open_ledger
from core.adapters.ledger.sql_ledger import SqlLedger
from core.domain.instrument import Quote
from core.domain.messages import StoredMessage
from core.domain.plan_leg import LegKind
from core.domain.position import Execution, Trade
from core.domain.trade_plan import PlanState
from core.records.commit_batch import CommitBatch
from tests.core.adapters.ledger.test_guards import PLAN, entry_at_limit, leg
from tests.core.adapters.ledger.values import NOW, execution, intent, message, position, round_trips
from tests.ledgers import make_ledger
from tests.servers.chromium import WAIT_MS, Chromium
from tests.servers.ports import free_port
from tests.servers.process import ServerProcess

PASSWORD = "correct horse battery"
EARLIER = list(round_trips(60))
"""Executions of spring, of two strategies in five symbols."""


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


def traded(number: int, ago: timedelta, profit: str | None = None) -> Execution:
    """Returns an entry of a moment ago, or an exit that brought `profit`."""
    gain = None if profit is None else Decimal(profit)
    return replace(
        execution(number, gain), executed_at=datetime.now(UTC) - ago, signal_type="BUY_SM" if gain is None else "SELL_SM"
    )


@dataclass(frozen=True)
class Dashboard:
    """The running dashboard and the ledger that it shows."""

    port: int
    ledger: SqlLedger
    cookie: str

    @asynccontextmanager
    async def opened(self, browser: Browser, path: str = "", **window: object) -> AsyncIterator[Page]:
        """Yields a page of it, which sends requests only to its own server, for somebody who has given the password."""
        seen = {"viewport": {"width": 390, "height": 900}, "locale": "en-US", "accept_downloads": True} | window
        context = await browser.new_context(**seen)  # type: ignore[arg-type]
        context.set_default_timeout(WAIT_MS)
        await context.add_cookies([{"name": "marketflow_dashboard", "value": self.cookie, "url": self.url()}])
        asked: list[str] = []
        context.on("request", lambda request: asked.append(request.url))
        page = await context.new_page()
        try:
            await page.goto(self.url(path))
            yield page
            assert await page.get_by_test_id("stException").count() == 0
        finally:
            await context.close()
        assert [url for url in asked if not url.startswith((self.url(), "data:", "blob:"))] == []

    def url(self, path: str = "") -> str:
        return f"http://127.0.0.1:{self.port}/{path}"


async def fill(ledger: SqlLedger) -> None:
    """Stores history, three positions with what protects them, a signal that was executed and one that was not."""
    (first,) = await ledger.store([message(1)])
    assert isinstance(first, StoredMessage)
    await ledger.store([message(2, "SELL_SM")])
    legs = [leg(LegKind.STOP, 1, "0.475"), leg(LegKind.TARGET, 1, "0.6")]
    lost = replace(PLAN, plan_id="mf-lost", symbol="BTCUSDC", state=PlanState.EXPOSED, exposed_since=NOW)
    held = [position("10"), replace(position("5"), symbol="BTCUSDC"), replace(position("7"), symbol="ETHUSDC", strategy="waves")]
    entry, closing = traded(1001, timedelta(minutes=70)), traded(1002, timedelta(minutes=40), "0.5")
    qty, cost, proceeds, profit = (Decimal(amount) for amount in ("20", "10", "10.5", "0.5"))
    opened, closed = entry.executed_at, closing.executed_at
    trip = Trade("trip", "WIFUSDC", opened, closed, qty, cost, proceeds, profit, 10 * profit, profit, "USDC", "paper")
    await ledger.commit(intent(first.seq, 1))
    await ledger.commit(CommitBatch(orders=[*legs, entry_at_limit()], positions=held, plans=[PLAN, lost]))
    await ledger.commit(CommitBatch(executions=[*EARLIER, entry, closing], trades=[trip]))
    await ledger.mark([Quote("WIFUSDC", Decimal("0.5"), Decimal("0.51"), NOW)])


@pytest.fixture
def _function_scoped_runner(_session_scoped_runner: asyncio.Runner) -> asyncio.Runner:
    """Runs the tests of this folder and their fixtures in one event loop, so that a connection outlives a test."""
    return _session_scoped_runner


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: Chromium) -> AsyncIterator[Browser]:
    """Yields the tests' browser; Playwright starts once."""
    expect.set_options(timeout=WAIT_MS)
    async with async_playwright() as playwright:
        connected = await playwright.chromium.connect_over_cdp(chromium.address)
        yield connected
        await connected.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def dashboard(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Dashboard]:
    """Yields a dashboard that finds its ledger as a demo's: it then shows the demo's simulated market, and needs no exchange."""
    folder, port = tmp_path_factory.mktemp("dashboard"), free_port()
    url = make_ledger(folder / "ledger.db")
    ledger = await open_ledger(url, SystemClock())
    await fill(ledger)
    with pytest.MonkeyPatch.context() as patch, ExitStack() as signs:
        patch.setattr(tempfile, "tempdir", str(folder))
        signs.enter_context(signpost(url))
        patch.undo()
        process = ServerProcess(
            "dashboard",
            [sys.executable, "-m", "dashboard", "--server.port", str(port)],
            log=folder / "dashboard.log",
            ready=lambda: answers(f"http://127.0.0.1:{port}/_stcore/health"),
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), "DASHBOARD_PASSWORD": PASSWORD},
        )
        await asyncio.to_thread(process.start)
        try:
            async with httpx.AsyncClient() as client:
                answer = await client.post(f"http://127.0.0.1:{port}/login", data={"password": PASSWORD})
            yield Dashboard(port, ledger, answer.cookies["marketflow_dashboard"])
        finally:
            process.stop()
            await ledger.close()
