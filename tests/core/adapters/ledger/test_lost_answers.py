"""PostgreSQL behind a network that loses answers: committed data counts, and a silent server is abandoned."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest
from sqlalchemy import Connection, event, make_url, select, text
from sqlalchemy.util import await_only

from bot.clock import SystemClock
from core.adapters.ledger import engines
from core.adapters.ledger.engines import PostgresTransactions
from core.adapters.ledger.opening import open_ledger
from core.adapters.ledger.reader import LedgerReader
from core.adapters.ledger.reading import questions_to
from core.adapters.ledger.sql_ledger import SqlLedger
from core.domain.errors import LedgerUnavailable
from core.domain.messages import SourcePosition, StoredMessage, Unstored
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from tests.core.adapters.ledger import values
from tests.own_time import own_seconds
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy, proxy_to

EndSessions = Callable[[], Awaitable[None]]

COMMIT_OF_FIRST = values.message(1).source_id.encode()
"""Stands in the one request that writes and commits that message."""

TODAY = values.NOW.date().isoformat()


@pytest.fixture
async def proxy(postgres_url: str) -> AsyncIterator[Proxy]:
    port = make_url(postgres_url).port
    assert port is not None
    async with proxy_to(port) as proxy:
        yield proxy


@pytest.fixture
def end_sessions(postgres: PostgresServer, postgres_url: str) -> EndSessions:
    """Returns what ends the server's side of every connection, as the server does with one that it waits for in vain."""
    name = make_url(postgres_url).database
    ended = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"
    return lambda: postgres.execute(ended)


@pytest.fixture
async def ledger(postgres_url: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqlLedger]:
    monkeypatch.setattr(engines, "_ANSWER_SECONDS", 1.0)
    url = make_url(postgres_url).set(port=proxy.port).render_as_string(hide_password=False)
    ledger = await open_ledger(url, SystemClock())
    yield ledger
    proxy.come_back()
    await ledger.close()


async def test_a_commit_whose_answer_is_lost_is_known_to_have_happened(ledger: SqlLedger, proxy: Proxy) -> None:
    proxy.lose_the_answer_to(COMMIT_OF_FIRST)
    (stored,) = await ledger.store([values.message(1)], position=SourcePosition("kafka:t", 0, 2))
    assert isinstance(stored, StoredMessage)
    assert stored.message == values.message(1)
    assert await ledger.store([values.message(1)]) == [None]
    assert ledger.ready[0]


async def test_a_message_whose_commit_lost_its_answer_is_there_with_its_outcome(ledger: SqlLedger, proxy: Proxy) -> None:
    proxy.lose_the_answer_to(COMMIT_OF_FIRST)
    told: list[bool] = []
    unstored = Unstored(SourcePosition("kafka:t", 0, 2), lambda: told.append(True))
    coming = StoredMessage(ledger.next_seq(), values.message(1), unstored=unstored)
    await ledger.commit(CommitBatch(outcomes=[MessageOutcome(coming.seq, "ignored", values.NOW, brings=coming)]))
    assert (told, [one.offset for one in (await ledger.source_positions("kafka:t")).values()]) == ([True], [2])
    assert await ledger.store([values.message(1)]) == [None]
    assert (await ledger.load(TODAY)).waiting == []


async def test_a_message_whose_commit_was_cut_before_its_end_is_not_there(ledger: SqlLedger, proxy: Proxy) -> None:
    proxy.lose_the_answer_to(b"INSERT INTO source_positions")
    unstored = Unstored(SourcePosition("kafka:t", 0, 2), lambda: None)
    coming = StoredMessage(ledger.next_seq(), values.message(1), unstored=unstored)
    with pytest.raises(LedgerUnavailable):
        await ledger.commit(CommitBatch(outcomes=[MessageOutcome(coming.seq, "ignored", values.NOW, brings=coming)]))
    assert (coming.is_stored, await ledger.source_positions("kafka:t")) == (False, {})
    (stored,) = await ledger.store([values.message(1)])
    assert isinstance(stored, StoredMessage)


async def test_each_of_a_group_whose_answer_is_lost_gets_its_own(ledger: SqlLedger, proxy: Proxy) -> None:
    proxy.lose_the_answer_to(COMMIT_OF_FIRST)
    found = await asyncio.gather(*(ledger.store([values.message(number)]) for number in (1, 2, 3)))
    assert [one.message for (one,) in found if isinstance(one, StoredMessage)] == [values.message(number) for number in (1, 2, 3)]
    assert [one.message for one in (await ledger.load(TODAY)).waiting] == [values.message(number) for number in (1, 2, 3)]


async def test_a_transaction_that_was_cut_before_its_end_did_not_happen(ledger: SqlLedger, proxy: Proxy) -> None:
    proxy.lose_the_answer_to(b"INSERT INTO positions")
    with pytest.raises(LedgerUnavailable):
        await ledger.commit(CommitBatch(positions=[values.position("1")]))
    assert not (await ledger.load(TODAY)).positions
    await ledger.commit(CommitBatch(positions=[values.position("2")]))
    assert (await ledger.load(TODAY)).positions == [values.position("2")]


async def test_a_commit_that_reaches_the_server_after_it_was_asked_for_changes_nothing(ledger: SqlLedger, proxy: Proxy) -> None:
    proxy.hold(COMMIT_OF_FIRST)
    with pytest.raises(LedgerUnavailable):
        await ledger.store([values.message(1)])
    await ledger.commit(CommitBatch(positions=[values.position("2")]))
    await proxy.let_go()
    (stored,) = await ledger.store([values.message(1)])
    assert isinstance(stored, StoredMessage)
    assert [one.seq for one in (await ledger.load(TODAY)).waiting] == [stored.seq]
    assert (ledger.lost, ledger.ready[0]) == (False, True)


async def test_a_server_that_is_silent_is_given_up_and_found_again(ledger: SqlLedger, proxy: Proxy) -> None:
    await ledger.commit(CommitBatch(positions=[values.position("1")]))
    proxy.go_silent()
    began = own_seconds()
    with pytest.raises(LedgerUnavailable, match="no answer in time"):
        await ledger.commit(CommitBatch(positions=[values.position("2")]))
    with pytest.raises(LedgerUnavailable):
        await ledger.load(TODAY)
    assert own_seconds() - began < 10
    assert not ledger.ready[0]
    proxy.come_back()
    async with asyncio.timeout(20):
        while not ledger.ready[0]:
            try:
                await ledger.commit(CommitBatch(positions=[values.position("3")]))
            except LedgerUnavailable:
                await asyncio.sleep(0.1)
    assert (await ledger.load(TODAY)).positions == [values.position("3")]


class _Notes:
    """A table that says whether a transaction was committed, and a transaction that knows whether its work was done."""

    def __init__(self, transactions: PostgresTransactions) -> None:
        self.transactions = transactions
        self.is_worked = False

    async def make(self) -> None:
        await self.transactions.run(lambda connection: connection.execute(text("CREATE TABLE notes (n int)")))

    async def note(self, within: float) -> bool:
        """Tells whether the database answered in time."""
        try:
            await self.transactions.run(self._work, within=within)
        except TimeoutError:
            return False
        return True

    def _work(self, connection: Connection) -> None:
        connection.execute(text("INSERT INTO notes VALUES (1)"))
        self.is_worked = True

    async def is_noted(self) -> bool:
        """Tells whether it was committed, once nothing of it can be under way any more."""
        await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "transaction"), return_exceptions=True)
        return bool(await self.transactions.run(lambda connection: connection.scalar(text("SELECT count(*) FROM notes"))))


@pytest.fixture
async def notes(postgres_url: str, proxy: Proxy) -> AsyncIterator[_Notes]:
    notes = _Notes(PostgresTransactions(make_url(postgres_url).set(port=proxy.port)))
    await notes.make()
    yield notes
    await notes.transactions.close()


@pytest.mark.parametrize("request_number", range(1, 6))
async def test_what_was_given_up_before_its_work_was_done_is_never_committed(
    notes: _Notes, proxy: Proxy, end_sessions: EndSessions, request_number: int
) -> None:
    proxy.go_silent_at(request_number)
    assert not await notes.note(within=0.3)
    was_worked = notes.is_worked
    assert was_worked == (request_number == 5)  # only the answer to the commit is missing: nobody knows
    await end_sessions()
    proxy.come_back()
    assert was_worked or not await notes.is_noted()


async def test_the_last_request_of_a_transaction_is_its_commit(notes: _Notes, proxy: Proxy) -> None:
    proxy.go_silent_at(6)
    assert await notes.note(within=5)
    proxy.come_back()
    assert await notes.is_noted()


async def test_a_driver_that_forgets_that_it_was_cancelled_commits_nothing(notes: _Notes) -> None:
    async def forget() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)

    event.listen(notes.transactions.engine.sync_engine, "begin", lambda _: await_only(forget()))
    assert not await notes.note(within=0.1)
    assert not await notes.is_noted()
    assert notes.is_worked  # after it was given up


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("request_number", range(1, 4))
async def test_a_question_that_is_cancelled_ends_whatever_the_server_does(
    postgres_url: str, proxy: Proxy, end_sessions: EndSessions, request_number: int, *, pooled: bool
) -> None:
    reader = LedgerReader(questions_to(make_url(postgres_url).set(port=proxy.port), pooled=pooled))
    try:
        assert await reader.read(select(text("1 AS one"))) == [{"one": 1}]
        proxy.go_silent_at(request_number)
        asking = asyncio.create_task(reader.read(select(text("2 AS two"))))
        await proxy.silent.wait()
        asking.cancel()
        await end_sessions()
        proxy.come_back()
        await asyncio.wait([asking])
        assert asking.cancelled()
    finally:
        await reader.close()
