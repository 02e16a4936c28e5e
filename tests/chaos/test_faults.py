"""One thing breaks at a time, for real: the disk, the database's connection, the broker, the process itself."""

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path

import pytest
from sqlalchemy import make_url, select

from core.adapters.ledger.tables import result_tables
from demo.broker import MemoryBroker
from tests.chaos.harness import AT_LENGTH, PARTITIONS, SETTLE_SECONDS, TOPIC, Chaos, chaos
from tests.running import Program, run_command
from tests.servers.kafka import KafkaServer
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy, proxy_to

ROUNDS = int(os.environ.get("ROUNDS", "1"))


async def _topic(broker: MemoryBroker) -> str:
    await asyncio.to_thread(broker.create_topic, TOPIC, partitions=PARTITIONS)
    return broker.address


@contextlib.asynccontextmanager
async def _under_load(world: Chaos):  # type: ignore[no-untyped-def]
    """Applies load while the block runs, then compares everything."""
    loading = asyncio.create_task(world.load(every=0.1))
    await asyncio.sleep(1)
    yield
    await asyncio.sleep(1)
    world.enough = True
    await loading
    await world.settle()
    print(f"\n{await world.summary()}")
    assert await world.judged() == []


async def test_a_second_process_is_told_who_holds_the_ledger(tmp_path: Path, memory_broker: MemoryBroker) -> None:
    async with chaos(tmp_path, await _topic(memory_broker), seed=1) as world:
        await world.program.start()
        ended = await run_command("run", settings=world.program.settings | {"HTTP_PORT": "0", "METRICS_PORT": "0"})
    assert ended.code == 1
    assert f"is in use by process {world.program.last_pid} on " in ended.stderr
    assert "two at once would trade twice" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.timeout(180)
async def test_a_process_suspended_past_its_lease_trades_no_more(tmp_path: Path, memory_broker: MemoryBroker) -> None:
    async with chaos(tmp_path, await _topic(memory_broker), seed=2) as world:
        first = world.program
        await first.start()
        held = world.venue.faults.hold("POST order")
        await world.say("WIFUSDC", "BUY_SM", "n1")
        async with asyncio.timeout(10):
            await held.arrived.wait()
        first.send(signal.SIGSTOP)  # its order is at the exchange, the answer unread
        held.release()
        (tmp_path / "second").mkdir()
        elsewhere = {name: value for name, value in first.settings.items() if not name.endswith("_PORT")}
        second = Program(tmp_path / "second", elsewhere, installed=AT_LENGTH)
        try:
            await second.start()
            await world.chat.owner.wait_for("🟩 BUY_SM executed", within=20)
            await world.say("WIFUSDC", "SELL_SM", "n2")
            await world.chat.owner.wait_for("🔴 SELL_SM executed", within=20)
            first.send(signal.SIGCONT)
            assert await first.ended(within=20) == 1
            assert "another MarketFlow has taken this ledger over" in first.log
            assert "Traceback" not in first.log
            world.program = second
            await world.say("WIFUSDC", "BUY_SM", "n3")
            await world.settle()
            async with asyncio.timeout(10):
                while len(world.venue.orders) < 3:  # noqa: ASYNC110 - the venue tells nobody
                    await asyncio.sleep(0.05)
            await world.settle()
        finally:
            await second.kill()
        assert [order.side for order in world.venue.orders] == ["BUY", "SELL", "BUY"]
        executed = await world.reader.read(select(result_tables.executions.c.side))
        assert [row["side"] for row in executed] == ["BUY", "SELL", "BUY"]


async def test_a_full_disk_stops_trading_and_loses_nothing(tmp_path: Path, memory_broker: MemoryBroker) -> None:
    async with chaos(tmp_path, await _topic(memory_broker), seed=3) as world:
        await world.program.start()
        await world.say("WIFUSDC", "BUY_SM", "n1")
        await world.chat.owner.wait_for("🟩 BUY_SM executed")
        world.program.limit_files(4096)  # bytes: no file can grow, as on a full disk
        await world.say("WIFUSDC", "SELL_SM", "n2")
        began = time.monotonic()
        # nothing can be stored, the owner is notified
        away = await world.chat.owner.wait_for("The database isn't responding", within=20)
        print(f"\ntold {time.monotonic() - began:.1f} s after the disk was full")
        assert "Open positions: WIFUSDC" in away.text
        assert len(world.venue.orders) == 1
        assert not world.program.is_ready()
        world.program.limit_files(None)
        await world.chat.owner.wait_for("🔴 SELL_SM executed", within=30)
        told = await world.chat.owner.wait_for("The database is back", within=30)
        assert "Nothing was traded meanwhile." in told.text
        over = await world.chat.owner.wait_for("The database was down", within=30)
        assert "SELL_SM WIFUSDC" in over.text
        assert "sold late" in over.text
        await world.settle()
        assert [order.side for order in world.venue.orders] == ["BUY", "SELL"]
        assert world.program.is_ready()


async def _cut_and_silence(world: Chaos, proxy: Proxy, postgres: PostgresServer, database: str | None) -> None:
    """Returns once the program is ready again."""
    for _ in range(3):
        await postgres.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")
        await asyncio.sleep(1)
    for _ in range(3):
        proxy.lose_the_answer_to(b"SUBMITTED")  # the commit of an order's intent
        await asyncio.sleep(0.5)
    proxy.go_silent()
    began = time.monotonic()
    async with asyncio.timeout(30):
        while world.program.is_ready():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.2)
    print(f"\nnot ready {time.monotonic() - began:.1f} s after the database went silent")
    await asyncio.sleep(world.random.uniform(0, 4))
    proxy.come_back()
    began = time.monotonic()
    async with asyncio.timeout(SETTLE_SECONDS):
        while not world.program.is_ready():
            assert world.program.is_alive, f"it has ended by itself{world.end_of_log()}"
            await asyncio.sleep(0.2)
    print(f"ready {time.monotonic() - began:.1f} s after it was back")


@pytest.mark.timeout(120 + 60 * ROUNDS)
async def test_a_database_that_cuts_and_one_that_is_silent(
    tmp_path: Path, memory_broker: MemoryBroker, postgres: PostgresServer, postgres_url: str
) -> None:
    url = make_url(postgres_url)
    async with proxy_to(postgres.port) as proxy:
        far = url.set(port=proxy.port).render_as_string(hide_password=False)
        async with chaos(tmp_path, await _topic(memory_broker), seed=4, database_url=far) as world:
            await world.program.start()
            async with _under_load(world):
                for _ in range(ROUNDS):
                    await _cut_and_silence(world, proxy, postgres, url.database)


async def test_a_broker_that_goes_and_comes_back(tmp_path: Path, memory_broker: MemoryBroker) -> None:
    async with chaos(tmp_path, await _topic(memory_broker), seed=5) as world:
        await world.program.start()
        async with _under_load(world):
            memory_broker.set_down()
            await asyncio.sleep(2)
            memory_broker.set_up()


@pytest.mark.timeout(180)
async def test_a_real_broker_that_is_killed_and_started_again(tmp_path: Path, real_kafka: KafkaServer) -> None:
    with contextlib.suppress(Exception):  # another test may have created it
        await real_kafka.create_topic(TOPIC, PARTITIONS)
    async with chaos(tmp_path, real_kafka.plain_address, seed=6) as world:
        await world.program.start()
        async with _under_load(world):
            await asyncio.to_thread(real_kafka.kill)
            await asyncio.sleep(1)
            await asyncio.to_thread(real_kafka.start)
