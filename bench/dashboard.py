"""`python -m bench.dashboard`: how soon the dashboard's pages are complete in a browser, on PostgreSQL with a long history."""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import asyncpg
import httpx
from playwright.async_api import Browser, async_playwright
from sqlalchemy.ext.asyncio import create_async_engine

from core.adapters.ledger.schema import upgrade
from tests.servers.chromium import find_chromium
from tests.servers.ports import free_port
from tests.servers.postgres import PostgresServer, find_programs
from tests.servers.process import ServerProcess
from tests.venue.server import running_venue

COMPLETE = {
    "": '[data-figure="Profit factor"] .value:not(:text("…"))',
    "results": ".vega-embed :is(canvas, svg)",
    "chart": ".vega-embed :is(canvas, svg)",
    "signals": 'text="No signals in this time."',
    "health": ".pill",
}
"""The element that is there once a page is complete, by its path."""
_SINCE = "now() - interval '3 years' + i * (interval '3 years' / {count})"
_EXECUTIONS = """
INSERT INTO executions (execution_id, symbol, executed_at, side, qty, price, profit_pct, signal_type, signal_id, client_order_id,
order_id, quote_qty, fee, fee_asset, profit_quote, gross_quote, trading_mode, base_asset, quote_asset, strategy, role)
SELECT 'h' || i, s || 'USDC', {at}, CASE i % 2 WHEN 0 THEN 'SELL' ELSE 'BUY' END, 20, 0.48, CASE i % 2 WHEN 0 THEN p END,
'SELL_SM', 'h' || i, 'h' || i, 'h' || i, 9.6, 0.0096, 'USDC', CASE i % 2 WHEN 0 THEN p END,
CASE i % 2 WHEN 0 THEN p + 0.0192 END, 'live', s, 'USDC', 'strategy ' || i / 2 % 3, CASE i % 2 WHEN 0 THEN 'exit' ELSE 'entry' END
FROM (SELECT i, (ARRAY['WIF', 'SOL', 'BTC', 'ETH', 'DOGE'])[1 + i / 2 % 5] AS s,
round((i::bigint * 7919 % 201 - 98) / 1000.0, 3) AS p FROM generate_series(1, {count}) AS i) AS made
"""
_DAYS = """
INSERT INTO day_results (day, quote_asset, symbol, signal_type, trading_mode, strategy, profit, gross, exits, wins)
SELECT to_char(executed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), quote_asset, symbol, signal_type, trading_mode, strategy,
sum(profit_quote), sum(gross_quote), count(*), count(*) FILTER (WHERE profit_quote > 0)
FROM executions WHERE profit_pct IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6
"""
_POSITIONS = """
INSERT INTO positions (symbol, strategy, qty, cost, value, is_open, opened_at, trip_sold, trip_cost, trip_proceeds, trip_gross)
SELECT DISTINCT symbol, strategy, 20, 9.6, 9.6, strategy = 'strategy 1', now(), 0, 0, 0, 0 FROM executions
"""


async def fill(server: PostgresServer, count: int) -> str:
    """Makes a ledger of `count` executions of three years, up to now; returns its address."""
    await server.execute('CREATE DATABASE "ledger"')
    engine = create_async_engine(server.url("ledger"))
    async with engine.begin() as connection:
        await connection.run_sync(upgrade)
    await engine.dispose()
    filling = await asyncpg.connect(server.dsn("ledger"), timeout=600)
    for statement in (_EXECUTIONS.format(count=count, at=_SINCE.format(count=count)), _DAYS, _POSITIONS, "VACUUM ANALYZE"):
        await filling.execute(statement, timeout=1_800)
    await filling.close()
    return server.url("ledger")


@asynccontextmanager
async def running_dashboard(folder: Path, **env: str) -> AsyncIterator[int]:
    """Yields the port of a dashboard."""
    port = free_port()

    def is_ready() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/_stcore/health", timeout=1).status_code == 200
        except httpx.HTTPError:
            return False

    process = ServerProcess(
        "dashboard",
        [sys.executable, "-m", "dashboard", "--server.port", str(port)],
        log=folder / "dashboard.log",
        ready=is_ready,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder)} | env,
    )
    await asyncio.to_thread(process.start)
    try:
        yield port
    finally:
        process.stop()


async def seconds(browser: Browser, port: int, path: str, query: str = "") -> float:
    """Returns the seconds from opening the address of a page, with an empty cache, until it is complete."""
    context = await browser.new_context(viewport={"width": 390, "height": 900}, locale="en-US")
    page = await context.new_page()
    began = time.perf_counter()
    await page.goto(f"http://127.0.0.1:{port}/{path}{query}")
    await page.locator(COMPLETE[path]).first.wait_for(timeout=120_000)
    took = time.perf_counter() - began
    await context.close()
    return took


def report(took: dict[str, Sequence[float]], first: float, count: int) -> str:
    """Returns the measurements as text."""
    lines = [f"{count:,} executions in PostgreSQL; the first page after the start, history added up: {first:.2f} s"]
    for name, found in took.items():
        lines.append(f"{name or 'now'}: median {median(found):.2f} s ({min(found):.2f} to {max(found):.2f})")
    return "\n".join(lines)


async def run(count: int, rounds: int) -> str:
    """Measures every page."""
    server, folder = PostgresServer(find_programs()), await asyncio.to_thread(tempfile.mkdtemp)
    try:
        server.create()
        server.start()
        url = await fill(server, count)
        async with running_venue() as venue, async_playwright() as playwright:
            venue.walk("WIFUSDC", "0.48", "0.52", "0.47", "0.50")
            browser = await playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
            async with running_dashboard(Path(folder), DATABASE_URL=url, BINANCE_API_URL=venue.api_url) as port:
                first = await seconds(browser, port, "")
                took: dict[str, Sequence[float]] = {}
                for path in COMPLETE:
                    query = "?symbol=WIFUSDC" if path == "chart" else ""
                    took[path] = [await seconds(browser, port, path, query) for _ in range(rounds)]
            await browser.close()
    finally:
        server.remove()
        shutil.rmtree(folder)
    return report(took, first, count)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.dashboard", description=__doc__)
    parser.add_argument("--executions", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    sys.stdout.write(asyncio.run(run(chosen.executions, chosen.rounds)) + "\n")
