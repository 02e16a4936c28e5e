"""Kills the program with -9 at random moments, under load and faults: signals = orders, ledger = exchange, every alert sent.

`make chaos KILLS=100` kills more often. Each run prints its seed; CHAOS_SEED repeats it.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from demo.broker import MemoryBroker
from tests.chaos.harness import PARTITIONS, TOPIC, chaos
from tests.servers.kafka import RealKafka

KILLS = int(os.environ.get("KILLS", "3"))
LONGEST_LIFE = 9.0 if KILLS > 10 else 4.0  # seconds
SEED = int(os.environ.get("CHAOS_SEED", "1"))
PLACE = "WS order.place"
WAYS = {(PLACE, "ws-api"), ("POST", "/api/v3/order")}

Broker = Callable[[], Awaitable[str]]


@pytest.fixture(params=["memory", "real"])
def broker(request: pytest.FixtureRequest) -> Broker:
    """Returns the address of a broker that has the topic: the in-memory one, or a real Apache Kafka."""

    async def memory() -> str:
        found: MemoryBroker = request.getfixturevalue("memory_broker")
        await asyncio.to_thread(found.create_topic, TOPIC, partitions=PARTITIONS)
        return found.address

    async def real() -> str:
        found: RealKafka = request.getfixturevalue("real_kafka")
        await found.create_topic(TOPIC, PARTITIONS)
        return found.plain_address

    if request.param == "memory":
        request.getfixturevalue("memory_broker")
        return memory
    request.getfixturevalue("real_kafka")
    return real


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Returns the ledger's address; empty for SQLite in the test's own folder."""
    url: str = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    return url


@pytest.mark.timeout(120 + 15 * KILLS)
@pytest.mark.parametrize(
    ("database_url", "broker", "over_websocket"),
    [("sqlite", "memory", False), ("sqlite", "memory", True), ("postgresql", "real", False)],
    indirect=["database_url", "broker"],
)
async def test_killed_again_and_again(tmp_path: Path, broker: Broker, database_url: str, over_websocket: bool) -> None:
    async with chaos(tmp_path, await broker(), seed=SEED, database_url=database_url, streams=over_websocket) as world:
        if over_websocket:
            world.orders = (PLACE, PLACE, PLACE, "POST order")
        await world.program.start()
        working = [asyncio.create_task(world.load(every=0.15)), asyncio.create_task(world.trouble())]
        await asyncio.sleep(2)
        await world.program.kill()
        world.kills += 1
        for _ in range(KILLS - 1):
            await world.kill_and_start(0.3, LONGEST_LIFE)
        killed = time.monotonic()
        await world.program.start()
        back = time.monotonic() - killed
        await asyncio.sleep(3)
        world.enough = True
        await asyncio.gather(*working)
        await world.settle()
        broken = await world.judged()
        ways = Counter(seen.method for seen in world.venue.requests if (seen.method, seen.path) in WAYS)
        print(f"\nseed {SEED}: {await world.summary()}; {dict(ways)}; back {back:.1f} s after the last kill")
    assert broken == []
    assert (ways[PLACE] > 0) is over_websocket
