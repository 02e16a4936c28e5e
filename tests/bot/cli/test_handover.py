"""`marketflow run --standby` and `marketflow handover` where there is nothing to take over, and what they say."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.ring import Ring
from tests.running import Program, run_command


@asynccontextmanager
async def standing_by(ring: Ring, name: str, url: str) -> AsyncIterator[Program]:
    """Runs `marketflow run --standby`, waiting or active."""
    folder = ring.folder / name
    await asyncio.to_thread(folder.mkdir)
    program = Program(folder, ring.settings(DATABASE_URL=url), standby=True, installed=name == "second")
    try:
        await program.start()
        yield program
    finally:
        await program.kill()


async def test_on_sqlite_there_is_no_standby(ring: Ring, tmp_path: Path) -> None:
    ended = await run_command("run", "--standby", settings=ring.settings(DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path}/l.db"))
    assert (ended.code, ended.stdout) == (1, "")
    assert ended.stderr.startswith("marketflow: a standby needs the ledger on PostgreSQL: a SQLite file belongs to one machine")
    await ring.run()
    ended = await ring.command("handover")
    assert ended.code == 1
    assert ended.stderr == "marketflow: a handover needs the ledger on PostgreSQL: on SQLite no standby can wait\n"


async def test_where_nobody_trades_there_is_nothing_to_hand_over(ring: Ring, postgres_ledger_url: str) -> None:
    ended = await run_command("handover", settings=ring.settings(DATABASE_URL=postgres_ledger_url))
    assert (ended.code, ended.stderr) == (1, "marketflow: nobody holds the ledger: there is nothing to hand over\n")


async def test_without_a_standby_nothing_is_handed_over(ring: Ring, postgres_url: str) -> None:
    settings = ring.settings(DATABASE_URL=postgres_url)
    async with standing_by(ring, "first", postgres_url) as program:
        ended = await run_command("handover", settings=settings)
        assert ended.code == 1
        assert "no standby waits for the ledger; start one first: marketflow run --standby" in ended.stderr
        program.send(signal.SIGUSR1)
        await ring.publish("BUY_SM", 0.4801)
        await ring.told("🟩 BUY_SM executed")
        assert program.is_ready()
        assert "no handover: no standby waits for the ledger" in program.log
        assert (await program.metrics())["marketflow_standbys_waiting"] == 0


@pytest.mark.timeout(90)
async def test_one_that_waits_says_so_and_can_be_ended(ring: Ring, postgres_url: str) -> None:
    async with (
        standing_by(ring, "first", postgres_url) as active,
        standing_by(ring, "second", postgres_url) as standby,
    ):
        assert active.is_ready()
        assert standby.is_waiting()
        assert (await standby.metrics())["marketflow_standby"] == 1
        async with asyncio.timeout(10):
            while (await active.metrics())["marketflow_standbys_waiting"] != 1:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.1)
        assert (await active.metrics())["marketflow_standby"] == 0
        status = await ring.chat.owner.ask("/status")
        process = f"Active: process {active.last_pid} on "
        assert process in status.text
        assert f"Standby: process {standby.last_pid} on " in status.text
        standby.send(signal.SIGUSR1)
        standby.send(signal.SIGTERM)
        assert await standby.ended(within=20) == 0
        assert "this process is the standby: it has nothing to hand over" in standby.log
        assert active.is_ready()
