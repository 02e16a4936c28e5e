"""`python -m bench.status`: how soon /status answers while signals are executed, and whether a long history slows it down."""

import argparse
import asyncio
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from statistics import median, quantiles

from sqlalchemy import func, select

from core.adapters.ledger.opening import open_ledger
from core.adapters.ledger.tables import result_tables
from local_telegram.room import Room
from local_telegram.server import running_chat
from tests.bot.conftest import PEOPLE, until
from tests.bot.firm import ROOMY, Firm, firm_on
from tests.bot.parts import FastClock

SYMBOLS = ("WIFUSDC", "SOLUSDC")
LIMITS = replace(ROOMY, daily_loss_limit=Decimal(10**9))
_TRADE = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
INSERT INTO trades (trade_id, symbol, opened_at, closed_at, qty, entry_cost, proceeds, profit, profit_pct, gross,
quote_asset, trading_mode)
SELECT 'h' || i, 'WIFUSDC', {at}, {at}, '20', '9.6', '9.7', '0.1', '1.0', '0.1', 'USDC', 'paper' FROM n
"""
_EXECUTION = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
INSERT INTO executions (execution_id, symbol, executed_at, side, qty, price, profit_pct, signal_type, signal_id,
client_order_id, order_id, quote_qty, fee, fee_asset, profit_quote, trading_mode, base_asset, quote_asset)
SELECT 'h' || i, 'WIFUSDC', {at}, 'SELL', '20', '0.48', '1.0', 'SELL_SM', 'h' || i, 'h' || i, 'h' || i, '9.7',
'0.01', 'USDC', '0.1', 'paper', 'WIF', 'USDC' FROM n
"""
_AT = "strftime('%Y-%m-%dT%H:%M:%S', 1700000000 + i * 10, 'unixepoch') || '.000000Z'"


async def history(path: Path, count: int) -> None:
    """Writes a ledger of `count` closed trades."""
    clock = FastClock()
    await (await open_ledger(f"sqlite+aiosqlite:///{path / 'ledger.db'}", clock)).close()
    with closing(sqlite3.connect(path / "ledger.db")) as connection, connection:
        for rows in (_TRADE, _EXECUTION):
            connection.execute(rows.format(count=count, at=_AT))


async def answers(firm: Firm, count: int) -> list[float]:
    """Returns the milliseconds from each command to its answer in the chat, one after the other."""
    took = []
    for _ in range(count):
        began = time.perf_counter()
        await firm.owner.ask("/status", within=30)
        took.append((time.perf_counter() - began) * 1_000)
    return took


async def load(firm: Firm, rate: float) -> None:
    """Sends `rate` signals a second, each executed, until cancelled."""
    began, sent = time.perf_counter(), 0
    while True:
        kind, symbol = ("BUY_SM", "SELL_SM")[sent // 2 % 2], SYMBOLS[sent % 2]
        await firm.signal(kind, symbol)
        sent += 1
        await asyncio.sleep(max(began + sent / rate - time.perf_counter(), 0))


async def under_load(folder: Path, rate: float, count: int) -> tuple[list[float], float]:
    """Returns the answers' milliseconds, and how many orders a second were executed at the same time."""
    done = select(func.count().label("n")).select_from(result_tables.executions)
    async with running_chat(Room(PEOPLE)) as server, firm_on(server, folder, speed=1, limits=LIMITS) as firm:
        loading = asyncio.create_task(load(firm, rate))
        await asyncio.sleep(1)
        before, began = (await firm.ledger.reader.read(done))[0]["n"], time.perf_counter()
        took = await answers(firm, count)
        executed = ((await firm.ledger.reader.read(done))[0]["n"] - before) / (time.perf_counter() - began)
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)
        await until(lambda: not len(firm.trading.inbox) and not firm.portfolio.in_flight, within=30)
        return took, executed


async def after(folder: Path, trades: int, count: int) -> list[float]:
    """Returns the answers' milliseconds on a ledger of `trades` trades."""
    await history(folder, trades)
    async with running_chat(Room(PEOPLE)) as server, firm_on(server, folder, speed=1, limits=LIMITS) as firm:
        await answers(firm, 5)
        return await answers(firm, count)


def report(loaded: Sequence[float], rate: float, short: Sequence[float], long: Sequence[float], trades: int) -> str:
    """Returns the measurements as text."""
    at_99, ratio = quantiles(loaded, n=100)[98], median(long) / median(short)
    under = f"median {median(loaded):.1f} ms, 99th of 100 {at_99:.1f} ms"
    grown = f"after 1,000 trades {median(short):.1f} ms, after {trades:,} {median(long):.1f} ms: {ratio:.2f}x"
    return f"/status while {rate:.0f} signals a second are executed: {under}\n/status {grown}"


async def run(trades: int, count: int, rate: float) -> str:
    """Measures everything in one run on this machine."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        for name in ("loaded", "short", "long"):
            await asyncio.to_thread((base / name).mkdir)
        loaded, executed = await under_load(base / "loaded", rate, count)
        short = await after(base / "short", 1_000, count)
        long = await after(base / "long", trades, count)
    return report(loaded, executed, short, long, trades)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.status", description=__doc__)
    parser.add_argument("--trades", type=int, default=1_000_000)
    parser.add_argument("--answers", type=int, default=100)
    parser.add_argument("--rate", type=float, default=200)
    chosen = parser.parse_args()
    sys.stdout.write(asyncio.run(run(chosen.trades, chosen.answers, chosen.rate)) + "\n")
