"""One ledger, one process: a second one is turned away, and one that lost the ledger can do nothing more."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import update

from core.adapters.ledger import process_identity
from core.adapters.ledger.lease import STALE_SECONDS, SURE_SECONDS
from core.adapters.ledger.opening import look_into_ledger, open_ledger
from core.adapters.ledger.process_identity import has_ended, number_here, this_process
from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.ledger.tables import upkeep_tables
from core.domain.errors import LeaseLost, LedgerInUse, LedgerUnavailable
from core.records.commit_batch import CommitBatch
from tests.core.adapters.ledger import values
from tests.core.virtual_time import VirtualClock
from tests.servers.postgres import PostgresServer

TODAY = values.NOW.date().isoformat()

HOLDER = """
import asyncio, sys
from bot.clock import SystemClock
from core.adapters.ledger.opening import open_ledger

async def main():
    ledger = await open_ledger(sys.argv[1], SystemClock())
    print("holds", flush=True)
    await ledger.keep_lease()

asyncio.run(main())
"""


class JumpingClock(VirtualClock):
    """A clock that jumps over every sleep; `meanwhile` has happened when the sleep is over."""

    def __init__(self, meanwhile: Callable[[], Awaitable[None]] | None = None) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    async def sleep(self, seconds: float) -> None:
        self._seconds += seconds
        await asyncio.sleep(0)
        if self._meanwhile is not None:
            await self._meanwhile()


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


async def opened(database_url: str, clock: JumpingClock, stack: AsyncExitStack) -> SqlLedger:
    ledger = await open_ledger(database_url, clock)
    stack.push_async_callback(ledger.close)
    return ledger


async def test_the_second_is_told_who_holds_it(database_url: str, clock: JumpingClock, stack: AsyncExitStack) -> None:
    first = await opened(database_url, clock, stack)

    async def work() -> None:
        await first.commit(CommitBatch(positions=[values.position("1")]))

    with pytest.raises(LedgerInUse, match=r"in use by process \d+ on .* since 2026-03-01 12:00:00 UTC: two at once"):
        await open_ledger(database_url, JumpingClock(work))


async def test_a_clean_end_lets_the_next_in_at_once(database_url: str, clock: JumpingClock, stack: AsyncExitStack) -> None:
    for _ in range(3):
        ledger = await open_ledger(database_url, clock)
        await ledger.commit(CommitBatch(positions=[values.position("1")]))
        await ledger.close()
    assert clock.monotonic() == 0


async def test_who_shows_no_sign_of_life_loses_it_and_can_write_nothing(
    database_url: str, clock: JumpingClock, stack: AsyncExitStack
) -> None:
    first = await opened(database_url, clock, stack)
    await first.commit(CommitBatch(positions=[values.position("1")]))
    assert first.lease is not None
    assert first.lease.sure
    second = await opened(database_url, clock, stack)
    assert clock.monotonic() >= STALE_SECONDS > SURE_SECONDS
    assert not first.lease.sure
    for _ in range(2):
        with pytest.raises(LeaseLost):
            await first.commit(CommitBatch(positions=[values.position("2")]))
    with pytest.raises(LeaseLost):
        await first.keep_lease()
    assert first.lost
    await second.commit(CommitBatch(positions=[values.position("3")]))
    assert (await second.load(TODAY)).positions == [values.position("3")]


async def test_an_idle_holder_proves_that_it_lives(database_url: str, clock: JumpingClock, stack: AsyncExitStack) -> None:
    first = await opened(database_url, clock, stack)
    keeping = asyncio.create_task(first.keep_lease())
    lease = first.lease
    assert lease is not None

    async def a_proof() -> None:
        before = lease._proved_at
        async with asyncio.timeout(10):
            while lease._proved_at == before:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.001)

    with pytest.raises(LedgerInUse):
        await open_ledger(database_url, JumpingClock(a_proof))
    assert lease.sure
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def test_whoever_only_reads_needs_no_lease_and_cannot_write(
    database_url: str, clock: JumpingClock, stack: AsyncExitStack
) -> None:
    first = await opened(database_url, clock, stack)
    await first.commit(CommitBatch(positions=[values.position("1")]))
    looking = await look_into_ledger(database_url, clock)
    stack.push_async_callback(looking.close)
    assert (await looking.load(TODAY)).positions == [values.position("1")]
    with pytest.raises(LedgerUnavailable, match="open for reading only"):
        await looking.commit(CommitBatch(positions=[values.position("2")]))
    await first.commit(CommitBatch(positions=[values.position("3")]))


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_process_that_was_killed_is_followed_at_once_and_a_suspended_one_after_a_while(
    database_url: str, stack: AsyncExitStack, end: signal.Signals
) -> None:
    clock = JumpingClock(lambda: asyncio.sleep(0.05))  # PostgreSQL takes a moment to notice that a client is gone
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, database_url, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"holds\n"
        process.send_signal(end)
        if end is signal.SIGKILL:
            await process.wait()
        ledger = await opened(database_url, clock, stack)
        waited = clock.monotonic()
        await ledger.commit(CommitBatch(positions=[values.position("1")]))
    finally:
        process.send_signal(signal.SIGCONT) if end is signal.SIGSTOP else None
        if end is signal.SIGSTOP:
            assert await asyncio.wait_for(process.wait(), 20) == 1  # it noticed by itself, and ended
    assert waited < 2 if end is signal.SIGKILL else waited >= STALE_SECONDS


async def test_a_lease_that_was_taken_while_a_commit_was_in_doubt_is_found_out(
    database_url: str, clock: JumpingClock, stack: AsyncExitStack
) -> None:
    first = await opened(database_url, clock, stack)
    assert first.lease is not None
    await first.writing.run(lambda connection: connection.execute(update(upkeep_tables.lease).values(epoch=77)))
    with pytest.raises(LeaseLost):
        await first.lease.was_committed(1)


async def test_a_living_holder_that_took_over_is_not_taken_for_gone(
    database_url: str, clock: JumpingClock, stack: AsyncExitStack
) -> None:
    """Suspends the previous holder, which wakes up, learns that it lost the ledger, and ends: that says nothing about the new
    one."""
    first = await open_ledger(database_url, clock)
    second = await opened(database_url, clock, stack)
    with pytest.raises(LeaseLost):
        await first.commit(CommitBatch(positions=[values.position("1")]))
    await first.close()

    async def work() -> None:
        await second.commit(CommitBatch(positions=[values.position("2")]))

    with pytest.raises(LedgerInUse):
        await open_ledger(database_url, JumpingClock(work))


async def test_a_holder_that_lost_only_its_connection_is_waited_for(
    postgres: PostgresServer, postgres_url: str, clock: JumpingClock, stack: AsyncExitStack
) -> None:
    first = await opened(postgres_url, clock, stack)
    await first.commit(CommitBatch(positions=[values.position("1")]))
    await postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    second = await opened(postgres_url, clock, stack)
    assert clock.monotonic() >= STALE_SECONDS > SURE_SECONDS
    assert not first.may_trade
    await second.commit(CommitBatch(positions=[values.position("2")]))


def test_whether_a_process_has_ended_is_known_only_here() -> None:
    process = subprocess.Popen(["sleep", "60"])
    named = this_process()
    mine = f"/{os.getpid()}/"
    assert mine in named
    stat = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    other = f"{named.partition(mine)[0]}/{process.pid}/{stat[19]}"
    assert [has_ended(named), has_ended(other), has_ended(f"{other}1")] == [False, False, True]
    process.kill()
    process.wait()
    assert has_ended(other)
    assert [has_ended(f"x{other}"), has_ended(other.replace("pid:[", "pid:[1")), has_ended(""), has_ended("7")] == [False] * 4


def test_a_process_that_the_system_hides_from_us_has_not_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = this_process()
    for shown in ("sys/kernel/random/boot_id", "self/ns/pid"):
        (tmp_path / shown).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "sys/kernel/random/boot_id").write_text(Path("/proc/sys/kernel/random/boot_id").read_text())
    (tmp_path / "self/ns/pid").symlink_to(Path("/proc/self/ns/pid").readlink())
    monkeypatch.setattr(process_identity, "_PROC", tmp_path)
    assert not has_ended(named)
    assert has_ended(named.replace(f"/{os.getpid()}/", f"/{2**22 - 1}/"))


def test_a_process_is_sent_a_signal_only_where_it_is_ours_to_send() -> None:
    named = this_process()
    assert number_here(named) == os.getpid()
    assert [number_here(other) for other in (f"x{named}", f"{named}1", named.replace("pid:[", "pid:[1"), "", "7")] == [None] * 5
