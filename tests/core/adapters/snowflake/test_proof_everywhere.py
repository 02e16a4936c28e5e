"""The whole pipeline with a history: signals from everywhere, and the proof that all records agree, or the differences."""

import asyncio
import hashlib
import hmac
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from bot.cli.daily_reconciliation import Prover
from bot.clock import SystemClock
from bot.factories import export_feed
from core.adapters.binance.binance_client import BinanceClient
from core.adapters.ledger.opening import look_into_ledger
from core.adapters.ledger.queries import LedgerQueries
from core.adapters.snowflake.connection import SnowflakeConnection
from core.adapters.snowflake.history import SnowflakeHistory
from core.domain.daily_proof import Proof
from tests.core.adapters.keys import credentials_of
from tests.ring import Ring
from tests.running import Program
from tests.venue.venue import Venue

SECRET = "webhook-secret-17"


def snowflake_settings(connection: SnowflakeConnection) -> dict[str, str]:
    options = connection.options
    names = ("account", "user", "password", "warehouse", "database", "schema", "host", "port", "protocol")
    return {f"SNOWFLAKE_{name.upper()}": str(getattr(options, name)) for name in names}


async def hook(program: Program, body: dict[str, Any]) -> int:
    content = json.dumps(body).encode()
    signature = "sha256=" + hmac.new(SECRET.encode(), content, hashlib.sha256).hexdigest()
    async with httpx.AsyncClient() as client:
        url = f"http://127.0.0.1:{program.settings['HTTP_PORT']}/signals"
        return (await client.post(url, content=content, headers={"X-Signature": signature})).status_code


async def add_row(connection: SnowflakeConnection, signal_id: str, signal_type: str, symbol: str) -> None:
    row = (signal_id, signal_type, symbol, "0.4801", datetime.now(UTC).isoformat())
    insert = "INSERT INTO SIGNALS SELECT %s, %s, %s, %s, %s::TIMESTAMP_TZ"
    await connection.ask(insert, *row)


async def exported(connection: SnowflakeConnection, count: int) -> bool:
    """Waits until the history has so many rows of the last hour."""
    now = datetime.now(UTC)
    async with asyncio.timeout(20):
        while len(await SnowflakeHistory(connection).rows(now - timedelta(hours=1), now + timedelta(hours=1))) != count:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return True


async def test_signals_from_everywhere_at_once(ring: Ring, connection: SnowflakeConnection) -> None:
    columns = "signal_id VARCHAR, signal_type VARCHAR, symbol VARCHAR, close NUMBER(20, 10), ts TIMESTAMP_TZ"
    await connection.ask(f"CREATE TABLE SIGNALS ({columns})")
    program = await ring.run(
        **snowflake_settings(connection),
        SNOWFLAKE_SIGNALS_TABLE="SIGNALS",
        SNOWFLAKE_SIGNALS_POLL="0.2",
        WEBHOOK_SECRET=SECRET,
        SYMBOLS="WIFUSDC,WIFUSDT,BTCUSDC",
        TRADE_QUOTE="20",
    )
    await add_row(connection, "one", "BUY_DBT", "WIFUSDT")
    signal = {"signal_type": "BUY_TV", "symbol": "BTCUSDC", "close": "64000", "signal_id": "one"}
    assert [await hook(program, signal), await hook(program, signal)] == [202, 409]
    for _ in range(2):
        await ring.publish("BUY_SM", 0.4801, signal_id="one")
    for alert in ("BUY_SM executed", "BUY_TV executed", "BUY_DBT executed"):
        await ring.told(alert)

    assert [side for side, _ in ring.orders] == ["BUY"] * 3
    found = program.ledger("SELECT source, source_id, outcome FROM inbox WHERE kind = 'signal' ORDER BY source")
    assert [tuple(row.values()) for row in found] == [
        ("kafka:trading_signals", "one", "ordered"),
        ("snowflake:SIGNALS", "one", "ordered"),
        ("webhook", "one", "ordered"),
    ]
    metrics = await program.metrics()
    for source in ("kafka", "snowflake", "webhook"):
        assert metrics[f'marketflow_signals_total{{outcome="ordered",source="{source}"}}'] == 1
    status = (await ring.chat.owner.ask("/status")).text
    assert "The history (Snowflake)" in status
    assert await exported(connection, 3)
    assert await program.stop() == 0
    checked = await ring.command("check", SNOWFLAKE_SIGNALS_TABLE="SIGNALS", **snowflake_settings(connection))
    assert f"ok    snowflake test: executions go to {connection.options.database}.RAW.EXECUTIONS" in checked.stdout
    assert "ok    snowflake signals come from SIGNALS, which has 1 rows" in checked.stdout
    today = await ring.command("prove", "--day", f"{datetime.now(UTC):%Y-%m-%d}", **snowflake_settings(connection))
    assert (today.code, today.stderr) == (0, "")
    assert "3 signals, 3 executed orders, 3 fills, 3 executions, 3 rows in the history" in today.stdout


# --- planted differences: the change, and the proof's name for it

Plant = Callable[[sqlite3.Connection, Venue], object]


def sql(statement: str) -> Plant:
    def change(ledger: sqlite3.Connection, _: Venue) -> None:
        ledger.execute("PRAGMA foreign_keys=OFF")
        assert ledger.execute(statement).rowcount > 0

    return change


def at_venue(change: Callable[[Venue], object]) -> Plant:
    return lambda _, venue: change(venue)


def edit_trade(venue: Venue, **changes: Any) -> None:
    old = venue.trades[-1]
    new = replace(old, **changes)
    venue.trades[-1] = new
    order = next(order for order in venue.orders if order.order_id == old.order_id and order.symbol == old.symbol)
    order.trades[:] = [new if trade is old else trade for trade in order.trades]


LEDGER_CHANGES: list[tuple[Plant, str]] = [
    (sql("DELETE FROM fills WHERE rowid = (SELECT max(rowid) FROM fills)"), "missing in the ledger"),
    (sql("UPDATE fills SET fee = '0.00000001' WHERE rowid = (SELECT max(rowid) FROM fills)"), "fee is 0.00000001 in the ledger"),
    (sql("UPDATE fills SET price = '0.4802' WHERE rowid = (SELECT max(rowid) FROM fills)"), "price is 0.4802 in the ledger"),
    (sql("UPDATE executions SET qty = '19.9' WHERE side = 'BUY'"), "quantity is 19.9, its fills make 20"),
    (sql("UPDATE executions SET fee = '0.03' WHERE side = 'BUY'"), "fee is 0.03 WIF, its fills make 0.02 WIF"),
    (sql("DELETE FROM executions WHERE side = 'SELL'"), "executed, but there is no execution"),
    (sql("UPDATE day_results SET profit = '0.8172'"), "result of the day in USDC: 0.8172 is kept"),
    (sql("DELETE FROM orders WHERE side = 'SELL'"), "decided to order, but there is no order"),
    (
        sql("UPDATE orders SET quote_qty = '9.603' WHERE side = 'BUY'"),
        "quote amount is 9.603 in the ledger, 9.602 on the exchange",
    ),
    (
        sql(
            "UPDATE inbox SET outcome = NULL, received_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-11 minutes') WHERE seq = 1"
        ),
        "nothing was decided about it",
    ),
    (at_venue(lambda venue: venue.orders.pop()), "executed in the ledger, unknown to the exchange"),
    (at_venue(lambda venue: edit_trade(venue, commission_asset="BNB")), "fee in USDC in the ledger, in BNB on the exchange"),
]

HISTORY_CHANGES = [
    ("DELETE FROM EXECUTIONS WHERE side = 'SELL'", "missing in the history"),
    ("UPDATE EXECUTIONS SET fee = 0.0200000000000001 WHERE side = 'BUY'", "fee is 0.02 in the ledger, 0.0200000000000001 in the"),
    (
        "UPDATE EXECUTIONS SET execution_id = 'mf-other' WHERE side = 'BUY'",
        "execution mf-other: in the history, not in the ledger",
    ),
    ("UPDATE EXECUTIONS SET profit_pct = NULL WHERE side = 'SELL'", "in the ledger, None in the history"),
]


class HastyClock(SystemClock):
    """Leaves no pause between two questions."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(0)


class Traded:
    """A round trip in the ledger, on the exchange and in the history; each question uses a copy of the ledger."""

    def __init__(self, ring: Ring, session: SnowflakeConnection, day: datetime) -> None:
        self.venue = ring.venue
        self.session = session
        self.day = day
        self._ledger = ring.folder / "ledger.db"

    async def change(self, statement: str) -> None:
        """Changes the history."""
        await self.session.ask(statement)

    async def keep(self) -> None:
        """Copies the whole ledger into the history."""
        ledger = await look_into_ledger(f"sqlite+aiosqlite:///{self._ledger}", SystemClock())
        rows = await LedgerQueries(ledger.reader).executions_after(0, 10)
        await ledger.close()
        await SnowflakeHistory(self.session).keep([execution for _, execution in rows])

    async def prove(self, plant: Plant | None = None) -> Proof:
        copy = self._ledger.with_name(f"{uuid4().hex}.db")
        shutil.copy(self._ledger, copy)
        if plant is not None:
            with closing(sqlite3.connect(copy)) as changed, changed:
                plant(changed, self.venue)
        clock = HastyClock()
        ledger = await look_into_ledger(f"sqlite+aiosqlite:///{copy}", clock)
        client = BinanceClient(api_url=self.venue.api_url, clock=clock, credentials=credentials_of(self.venue))
        try:
            history = (SnowflakeHistory(self.session), export_feed(ledger, self.session.options))
            prover = Prover(ledger, client, history, clock, frozenset({"WIFUSDC"}))
            return await prover.prove(self.day)
        finally:
            await client.close()
            await ledger.close()


@pytest.fixture
async def traded(ring: Ring, connection: SnowflakeConnection) -> Traded:
    program = await ring.run(**snowflake_settings(connection))
    await ring.publish("BUY_SM", 0.4801)
    await ring.told("BUY_SM executed")
    ring.venue.set_price("WIFUSDC", "0.5220")
    await ring.publish("SELL_SM", 0.5220)
    await ring.told("SELL_SM executed")
    assert await exported(connection, 2)
    assert await program.stop() == 0
    at = datetime.fromisoformat(program.ledger("SELECT max(executed_at) AS at FROM executions")[0]["at"])
    return Traded(ring, connection, at.replace(hour=0, minute=0, second=0, microsecond=0))


async def test_every_planted_difference_is_named(traded: Traded) -> None:
    clean = await traded.prove()
    assert clean.differences == ()
    assert (clean.signals, clean.orders, clean.fills, clean.executions, clean.in_history) == (2, 2, 2, 2, 2)
    for plant, words in LEDGER_CHANGES:
        orders, trades = list(traded.venue.orders), list(traded.venue.trades)
        of_orders = [list(order.trades) for order in orders]
        differences = (await traded.prove(plant)).differences
        assert any(words in difference for difference in differences), (words, differences)
        traded.venue.orders[:], traded.venue.trades[:] = orders, trades
        for order, mine in zip(orders, of_orders, strict=True):
            order.trades[:] = mine
    assert (await traded.prove()).differences == ()


async def test_every_difference_of_the_history_is_named_and_mended_by_sending_again(ring: Ring, traded: Traded) -> None:
    day, settings = f"{traded.day:%Y-%m-%d}", snowflake_settings(traded.session)
    ring.installed = True
    for statement, words in HISTORY_CHANGES:
        await traded.change(statement)
        differences = (await traded.prove()).differences
        assert any(words in difference for difference in differences), differences
        await traded.change("DELETE FROM EXECUTIONS")
        if statement == HISTORY_CHANGES[0][0]:
            sent = await ring.command("resend", "--day", day, **settings)
            assert (sent.code, sent.stdout) == (0, f"{day}: 2 executions sent\n")
        else:
            await traded.keep()
        assert (await traded.prove()).differences == ()
    await traded.change(HISTORY_CHANGES[0][0])
    today = await ring.command("prove", "--day", day, **settings)
    ring.installed = False
    assert (today.code, today.stderr) == (1, "")
    assert "DIFFERENCE: execution mf-" in today.stdout
    assert "1 differences\n" in today.stdout
    before = await ring.command("prove", "--day", f"{traded.day - timedelta(days=1):%Y-%m-%d}", **settings)
    assert (before.code, before.stdout.count("\n")) == (0, 1)
    gone = await ring.command("prove", **settings | {"SNOWFLAKE_PORT": "1"})
    assert (gone.code, gone.stderr) == (1, "")
    assert gone.stdout.splitlines()[-2].startswith("NOT COMPARED with the history: Snowflake: ")
    assert "history not compared" in gone.stdout
    ahead = await ring.command("prove", "--day", f"{traded.day + timedelta(days=2):%Y-%m-%d}", **settings)
    assert (ahead.code, ahead.stdout) == (1, "")
    assert "has not begun yet" in ahead.stderr
