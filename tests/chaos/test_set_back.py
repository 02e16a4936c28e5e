"""The ledger is set back to a copy that lacks the last seconds: nothing is bought or sold twice, and the books agree afterwards.

`make chaos` tries every way; otherwise some.
"""

import asyncio
import contextlib
import json
import os
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import make_url

from demo.broker import MemoryBroker
from tests.chaos.harness import PARTITIONS, SYMBOLS, TOPIC, Chaos, chaos
from tests.chaos.test_two_programs import bought_twice
from tests.running import run_command
from tests.servers.postgres import PostgresServer

EVERY = int(os.environ.get("KILLS", "3")) > 10
BOUGHT, SOLD = "🟩 BUY_SM executed", "🔴 SELL_SM executed"


@dataclass(frozen=True)
class Copies:
    """How a ledger is copied, and how the copy is put in its place."""

    url: str
    take: Callable[[], Awaitable[None]]
    put_back: Callable[[], Awaitable[None]]


def of_file(path: Path) -> Copies:
    """With SQLite's own means; what is put back takes the place of the file and of its log."""
    copy = path.with_name("copy.db")

    def backup() -> None:
        with contextlib.closing(sqlite3.connect(path)) as live, contextlib.closing(sqlite3.connect(copy)) as target:
            live.backup(target)

    async def take() -> None:
        await asyncio.to_thread(backup)

    def replace() -> None:
        for name in ("-wal", "-shm"):
            Path(f"{path}{name}").unlink(missing_ok=True)
        copy.replace(path)

    async def put_back() -> None:
        await asyncio.to_thread(replace)

    return Copies(f"sqlite+aiosqlite:///{path}", take, put_back)


def of_server(postgres: PostgresServer, url: str) -> Copies:
    """As a replica that lagged when it had to take over."""
    name = make_url(url).database or ""

    async def take() -> None:
        await postgres.copy(name, f"{name}_copy")

    async def put_back() -> None:
        await postgres.put_back(f"{name}_copy", name)

    return Copies(url, take, put_back)


@pytest.fixture
def copies(request: pytest.FixtureRequest, tmp_path: Path) -> Copies:
    if request.param == "sqlite":
        return of_file(tmp_path / "ledger.db")
    return of_server(request.getfixturevalue("postgres"), request.getfixturevalue("postgres_url"))


@pytest.fixture
def broker(memory_broker: MemoryBroker) -> str:
    memory_broker.create_topic(TOPIC, partitions=PARTITIONS)
    return memory_broker.address


WAYS = [
    ("sqlite", "stopped", "*"),
    ("sqlite", "running", "listed"),
    ("postgresql", "stopped", "listed"),
    ("postgresql", "running", "*"),
    ("sqlite", "stopped", "listed"),
    ("sqlite", "running", "*"),
    ("postgresql", "stopped", "*"),
    ("postgresql", "running", "listed"),
]


async def said(world: Chaos, kind: str, symbol: str, number: int, told: str) -> None:
    """A signal, and what the owner hears of it."""
    last = world.chat.owner.received[-1]
    record = {"signal_type": kind, "close": SYMBOLS[symbol], "symbol": symbol, "signal_id": f"s{number}"}
    await world.producer.send_and_wait(TOPIC, json.dumps(record).encode(), partition=list(SYMBOLS).index(symbol) % PARTITIONS)
    await world.chat.owner.wait_for(lambda one: told in one.text and symbol in one.text, after=last, within=20)


async def set_back(world: Chaos, copies: Copies, when: str) -> None:
    if when == "stopped":
        assert await world.program.stop() == 0
        await copies.put_back()
        return
    await copies.put_back()
    assert await world.program.ended(within=20) == 1
    await world.program.kill()  # what watched over it
    assert "Traceback" not in world.program.log
    told = await world.chat.owner.wait_for("🛑 The ledger went backwards", within=10)
    assert f"process {world.program.last_pid} on" in told.text


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("copies", "when", "symbols"), WAYS if EVERY else WAYS[:4], indirect=["copies"])
async def test_a_ledger_that_is_set_back_costs_no_second_order(
    tmp_path: Path, broker: str, copies: Copies, when: str, symbols: str
) -> None:
    allowed = {"SYMBOLS": "*"} if symbols == "*" else {}
    async with chaos(tmp_path, broker, seed=21, database_url=copies.url, changes=allowed) as world:
        await world.program.start()
        await said(world, "BUY_SM", "WIFUSDT", 1, BOUGHT)
        await copies.take()
        await said(world, "BUY_SM", "SOLUSDT", 2, BOUGHT)
        await said(world, "SELL_SM", "WIFUSDT", 3, SOLD)
        await said(world, "BUY_SM", "DOGEUSDT", 4, BOUGHT)
        before = [order.order_id for order in world.venue.orders]
        await set_back(world, copies, when)
        # The records of the last minute are read again: they are young enough to be traded.
        await world.program.start()
        await world.settle()
        await asyncio.sleep(3)
        assert bought_twice(world) == {}
        assert [order.order_id for order in world.venue.orders] == before
        reconciled = await run_command("reconcile", settings=world.program.settings)
        assert reconciled.code == 0, reconciled.stdout
        # What was taken over is the program's own: it can be sold, and no more than that.
        await said(world, "SELL_SM", "SOLUSDT", 5, SOLD)
        await said(world, "SELL_SM", "DOGEUSDT", 6, SOLD)
        assert (await run_command("reconcile", settings=world.program.settings)).code == 0
