"""Kills the program with -9 under load and faults, and restores an older copy of the ledger each time: there is no second order,
and ledger and exchange agree afterwards. `make chaos` does it more often."""

import asyncio
import os
from pathlib import Path

import pytest
from sqlalchemy import select

from core.adapters.ledger.reader import open_reader
from core.adapters.ledger.tables import signal_tables
from demo.broker import MemoryBroker
from tests.chaos.copies import of_file
from tests.chaos.harness import PARTITIONS, SETTLE_SECONDS, TOPIC, Chaos, chaos
from tests.chaos.test_two_programs import bought_twice
from tests.running import STARTED
from tests.simulation.accidents import SET_BACK

TIMES = min(max(int(os.environ.get("KILLS", "3")) // 10, 2), 10)
SEED = int(os.environ.get("CHAOS_SEED", "1"))
AGREED_WITHIN, READ_WITHIN = 60.0, 30.0
LONGEST = (TIMES + 1) * STARTED + READ_WITHIN + SETTLE_SECONDS + AGREED_WITHIN + 10 * TIMES + 30


async def _has_read(world: Chaos) -> None:
    """Returns once each partition was read from: a ledger that has no position starts at the partition's end."""
    async with asyncio.timeout(READ_WITHIN):
        while len(await world.reader.read(select(signal_tables.source_positions))) < PARTITIONS:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.2)


@pytest.mark.timeout(LONGEST)
async def test_killed_and_set_back_again_and_again(tmp_path: Path, memory_broker: MemoryBroker) -> None:
    await asyncio.to_thread(memory_broker.create_topic, TOPIC, partitions=PARTITIONS)
    copies = of_file(tmp_path / "ledger.db")
    async with chaos(tmp_path, memory_broker.address, seed=SEED, database_url=copies.url) as world:
        await world.program.start()
        working = [asyncio.create_task(world.load(every=0.15)), asyncio.create_task(world.trouble())]
        await _has_read(world)
        for _ in range(TIMES):
            await copies.take()
            ordered = len(world.venue.orders)
            await asyncio.sleep(world.random.uniform(1.0, 4.0))
            await world.program.kill()
            world.kills += 1
            await world.reader.close()  # otherwise it keeps reading the replaced file
            await copies.put_back()
            world.reader = open_reader(copies.url)
            print(f"\nset back by {len(world.venue.orders) - ordered} orders")
            await world.program.start()
        await asyncio.sleep(3)
        world.enough = True
        await asyncio.gather(*working)
        await world.settle()
        await world.agreed(within=AGREED_WITHIN)
        broken = await world.judged(SET_BACK)
        print(f"\nseed {SEED}: {await world.summary()}")
    assert bought_twice(world) == {}
    assert broken == []
