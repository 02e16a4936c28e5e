"""`marketflow backup` makes a copy under load and `marketflow restore` puts it back: nothing is bought or sold twice, and ledger
and exchange agree afterwards."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import make_url

from demo.broker import MemoryBroker
from tests.chaos.harness import PARTITIONS, TOPIC, Chaos, chaos
from tests.chaos.test_set_back import BOUGHT, SOLD, said
from tests.chaos.test_two_programs import bought_twice
from tests.running import Ended, run_command
from tests.servers.postgres import PostgresServer

WITHIN = 60.0


@pytest.fixture
def broker(memory_broker: MemoryBroker) -> str:
    memory_broker.create_topic(TOPIC, partitions=PARTITIONS)
    return memory_broker.address


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, PostgresServer | None]:
    """Returns the ledger's address, and its server if it has one."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}", None
    return request.getfixturevalue("postgres_url"), request.getfixturevalue("postgres")


async def command(world: Chaos, *words: str) -> Ended:
    ended = await run_command(*words, settings=world.program.settings, within=WITHIN)
    assert ended.code == 0, ended.stdout + ended.stderr
    return ended


@pytest.mark.timeout(400)
async def test_a_copy_made_under_load_and_put_back_trades_nothing_twice(
    tmp_path: Path, broker: str, place: tuple[str, PostgresServer | None]
) -> None:
    (url, server), copy = place, str(tmp_path / "copy")
    async with chaos(tmp_path, broker, seed=22, database_url=url) as world:
        await world.program.start()
        await said(world, BOUGHT, {"WIFUSDT": "s1"})
        trading = asyncio.gather(said(world, SOLD, {"WIFUSDT": "s3"}), said(world, BOUGHT, {"SOLUSDT": "s2", "DOGEUSDT": "s4"}))
        made = await command(world, "backup", copy)
        assert "a complete copy of the ledger" in made.stdout
        await trading
        await said(world, SOLD, {"SOLUSDT": "s5"})  # certainly after the copy
        before = [order.order_id for order in world.venue.orders]
        assert await world.program.stop() == 0
        if server is not None:
            name = make_url(url).database
            await server.execute(f'ALTER DATABASE "{name}" RENAME TO "{name}_before"')
            await server.execute(f'CREATE DATABASE "{name}"')
        restored = await command(world, "restore", copy)
        assert "DIFFERENCE: SOLUSDT" in restored.stdout
        assert "Restored. Start MarketFlow" in restored.stdout
        await world.program.start()
        await world.settle()
        await world.agreed(within=WITHIN)
        assert bought_twice(world) == {}
        assert [order.order_id for order in world.venue.orders] == before
        assert (await command(world, "reconcile")).code == 0
