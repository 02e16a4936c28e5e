"""A standby watches the holder of the ledger: it disturbs nobody, takes over in time and not before, and knows what it did not
miss."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress

import pytest

from bot.clock import SystemClock
from core.adapters.ledger.engines import PostgresTransactions
from core.adapters.ledger.lease import STALE_SECONDS
from core.adapters.ledger.lease_watch import LOOK_SECONDS
from core.adapters.ledger.opening import open_as_standby, open_ledger, take_over, this_process_name
from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.ledger.standbys import waiting_standbys
from core.adapters.ledger.tables import upkeep_tables
from core.domain.errors import LeaseLost, LedgerUnavailable
from core.records.commit_batch import CommitBatch
from tests.core.adapters.ledger import values
from tests.core.adapters.ledger.test_lease import TODAY, JumpingClock
from tests.servers.postgres import PostgresServer


class Watching:
    """A standby at work: its task, its clock, and how often it has looked since."""

    def __init__(self, ledger: SqlLedger, taking: "asyncio.Task[None]", clock: JumpingClock) -> None:
        self.ledger = ledger
        self.taking = taking
        self.clock = clock

    async def looks(self, seconds: float) -> None:
        """Lets it look until so many seconds of its clock have passed, or it has taken over."""
        until = self.clock.monotonic() + seconds
        while self.clock.monotonic() < until and not self.taking.done():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.001)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def held(url: str, stack: AsyncExitStack) -> SqlLedger:
    ledger = await open_ledger(url, JumpingClock())
    stack.push_async_callback(ledger.close)
    return ledger


async def watching(url: str, stack: AsyncExitStack) -> Watching:
    clock = JumpingClock()
    ledger, watch = await open_as_standby(url, clock)
    stack.push_async_callback(ledger.close)
    taking = asyncio.create_task(take_over(ledger, watch, clock))

    async def end() -> None:
        taking.cancel()
        with suppress(asyncio.CancelledError):
            await taking

    stack.push_async_callback(end)
    return Watching(ledger, taking, clock)


async def work(ledger: SqlLedger, qty: str) -> None:
    await ledger.commit(CommitBatch(positions=[values.position(qty)]))


async def test_it_takes_over_at_once_from_one_that_gave_the_ledger_back(postgres_ledger_url: str, stack: AsyncExitStack) -> None:
    first = await held(postgres_ledger_url, stack)
    standby = await watching(postgres_ledger_url, stack)
    await standby.looks(1)
    assert not standby.taking.done()
    assert not standby.ledger.may_trade
    with pytest.raises(LedgerUnavailable, match="open for reading only"):
        await work(standby.ledger, "1")
    await work(first, "2")
    await standby.looks(1)
    await first.hand_over()
    at = standby.clock.monotonic()
    await standby.taking
    assert standby.clock.monotonic() - at <= 2 * LOOK_SECONDS
    assert standby.ledger.predecessor == this_process_name()
    assert not first.may_trade
    await work(standby.ledger, "3")
    assert (await standby.ledger.load(TODAY)).positions == [values.position("3")]


async def test_it_takes_over_from_a_silent_one_when_its_lease_has_run_out_and_not_before(
    postgres_ledger_url: str, stack: AsyncExitStack
) -> None:
    first = await held(postgres_ledger_url, stack)
    standby = await watching(postgres_ledger_url, stack)
    for qty in "12":
        await work(first, qty)
        await standby.looks(STALE_SECONDS - 1)
        assert not standby.taking.done()
    at = standby.clock.monotonic()
    await standby.taking
    assert standby.clock.monotonic() - at <= 1 + 2 * LOOK_SECONDS
    with pytest.raises(LeaseLost):
        await work(first, "3")


async def test_the_holder_gets_its_whole_time_again_after_the_database_was_away_for_both(
    postgres: PostgresServer, postgres_ledger_url: str, stack: AsyncExitStack
) -> None:
    first = await held(postgres_ledger_url, stack)
    standby = await watching(postgres_ledger_url, stack)
    await standby.looks(STALE_SECONDS - 1)
    name = postgres_ledger_url.rpartition("/")[2]
    await postgres.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    await postgres.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    await standby.looks(2 * STALE_SECONDS)
    await postgres.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    at = standby.clock.monotonic()
    await standby.taking
    assert standby.clock.monotonic() - at >= STALE_SECONDS
    assert not first.lost  # it has not asked yet


async def test_a_look_keeps_the_holder_from_nothing(postgres_ledger_url: str, stack: AsyncExitStack) -> None:
    """A standby that stops in the middle of a look has its transaction open as long as the server lets it."""
    first = await held(postgres_ledger_url, stack)
    other, watch = await open_as_standby(postgres_ledger_url, JumpingClock())
    stack.push_async_callback(other.close)
    assert isinstance(other.writing, PostgresTransactions)
    async with asyncio.timeout(5), other.writing.engine.begin() as connection:
        _, is_free, _ = await connection.run_sync(watch._read)
        assert not is_free
        await work(first, "1")


@pytest.mark.parametrize("proofs", [0, 1])
async def test_it_knows_what_it_did_not_miss_once_it_saw_the_holder_prove_its_lease(
    postgres_ledger_url: str, stack: AsyncExitStack, proofs: int
) -> None:
    first = await held(postgres_ledger_url, stack)
    standby = await watching(postgres_ledger_url, stack)
    await standby.looks(1)
    for _ in range(proofs):
        await work(first, "1")
    await standby.looks(1)
    await first.hand_over()
    await standby.taking
    if proofs:
        assert standby.ledger.complete_since is not None
        assert standby.ledger.complete_since <= standby.clock.monotonic() - 1
    else:
        assert standby.ledger.complete_since is None


async def test_it_knows_nothing_from_before_its_connection_was_cut(
    postgres: PostgresServer, postgres_ledger_url: str, stack: AsyncExitStack
) -> None:
    first = await held(postgres_ledger_url, stack)
    standby = await watching(postgres_ledger_url, stack)
    await standby.looks(1)
    await work(first, "1")
    await standby.looks(1)
    standbys = "application_name LIKE 'marketflow standby%'"
    await postgres.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {standbys}")
    await standby.looks(2)
    await first.hand_over()
    await standby.taking
    assert standby.ledger.complete_since is None


async def test_a_ledger_whose_number_is_older_was_set_back(postgres_ledger_url: str, stack: AsyncExitStack) -> None:
    first = await held(postgres_ledger_url, stack)
    standby = await watching(postgres_ledger_url, stack)
    for qty in "123":
        await work(first, qty)
        await standby.looks(1)
    row = upkeep_tables.lease
    await first.writing.run(lambda connection: connection.execute(row.update().values(commits=1, holder="", session="")))
    await standby.taking
    assert standby.ledger.complete_since is None


async def test_the_holder_sees_who_waits_and_that_nobody_does_any_more(postgres_ledger_url: str, stack: AsyncExitStack) -> None:
    first = await held(postgres_ledger_url, stack)
    assert await waiting_standbys(first.reader) == []
    async with AsyncExitStack() as waiting:
        standby = await watching(postgres_ledger_url, waiting)
        await standby.looks(1)
        assert await waiting_standbys(first.reader) == [this_process_name()]
    async with asyncio.timeout(5):  # PostgreSQL takes a moment to notice that a client is gone
        while await waiting_standbys(first.reader):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
    standby = await watching(postgres_ledger_url, stack)
    await standby.looks(1)
    await first.hand_over()
    await standby.taking
    assert await waiting_standbys(standby.ledger.reader) == []


async def test_of_two_that_wait_one_takes_over(postgres_ledger_url: str, stack: AsyncExitStack) -> None:
    first = await held(postgres_ledger_url, stack)
    two = [await watching(postgres_ledger_url, stack) for _ in range(2)]
    await asyncio.gather(*(one.looks(1) for one in two))
    await first.hand_over()
    await asyncio.wait([one.taking for one in two], return_when=asyncio.FIRST_COMPLETED)
    winner, other = sorted(two, key=lambda one: not one.taking.done())
    for qty in "12":
        await work(winner.ledger, qty)
        await other.looks(STALE_SECONDS - 1)
    assert not other.taking.done()


async def test_it_makes_the_ledger_where_there_is_none(postgres_url: str, stack: AsyncExitStack) -> None:
    standby = await watching(postgres_url, stack)
    await standby.taking
    await work(standby.ledger, "1")
    assert standby.ledger.predecessor == ""


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:///{folder}/ledger.db", "sqlite+aiosqlite://"])
async def test_on_sqlite_it_says_why_it_cannot_be(url: str, tmp_path: object) -> None:
    with pytest.raises(LedgerUnavailable, match="a standby needs the ledger on PostgreSQL"):
        await open_as_standby(url.format(folder=tmp_path), SystemClock())
