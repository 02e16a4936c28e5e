"""On PostgreSQL a commit is one request, and writes what the statements one by one would."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy import make_url, select, text

from bot.clock import SystemClock
from core.adapters.ledger.opening import open_ledger
from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.ledger.tables.registry import TABLES
from core.adapters.ledger.tables.result_tables import day_results
from core.adapters.ledger.tables.signal_tables import inbox
from core.domain.errors import LeaseLost, MessageKnown
from core.domain.messages import SourcePosition, StoredMessage, Unstored
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from tests.core.adapters.ledger import values
from tests.servers.proxy import Proxy, proxy_to

LOOK = 1  # whether the server has closed the connection


@pytest.fixture
async def proxy(postgres_ledger_url: str) -> AsyncIterator[Proxy]:
    port = make_url(postgres_ledger_url).port
    assert port is not None
    async with proxy_to(port) as proxy:
        yield proxy


@pytest.fixture
async def ledger(postgres_ledger_url: str, proxy: Proxy) -> AsyncIterator[SqlLedger]:
    url = make_url(postgres_ledger_url).set(port=proxy.port).render_as_string(hide_password=False)
    ledger = await open_ledger(url, SystemClock())
    yield ledger
    await ledger.close()


def coming(ledger: SqlLedger, number: int) -> CommitBatch:
    """Returns what is committed for a signal that was decided from memory."""
    unstored = Unstored(SourcePosition("kafka:t", 0, number + 1), lambda: None)
    message = StoredMessage(ledger.next_seq(), values.message(number), unstored=unstored)
    outcome = MessageOutcome(message.seq, "ordered", values.NOW, brings=message)
    return CommitBatch(outcomes=[outcome], orders=[values.order(message.seq, number)])


async def rows(ledger: SqlLedger) -> dict[str, Sequence[object]]:
    """Returns every row of every table but the lease, in the order in which they were written as far as that is kept. The numbers
    that the database gives have gaps."""
    found: dict[str, Sequence[object]] = {}
    for entry in TABLES:
        if entry.table.name != "lease":
            stored = [dict(row) for row in await ledger.reader.read(select(entry.table))]
            stored.sort(key=lambda row: (row.get("seq", 0), repr(row)))
            found[entry.table.name] = [row if entry.table is inbox else row | {"seq": None} for row in stored]
    return found


@pytest.mark.parametrize("count", [1, 4])
async def test_signals_that_are_ready_together_are_committed_in_one_request(ledger: SqlLedger, proxy: Proxy, count: int) -> None:
    await ledger.commit(coming(ledger, 0))  # the server learns the statement
    proxy.requests = 0
    await asyncio.gather(*(ledger.commit(coming(ledger, number)) for number in range(1, count + 1)))
    assert proxy.requests == LOOK + 1
    assert [order.inbox_seq for order in (await ledger.load("2026-03-01")).orders] == list(range(1, count + 2))


async def test_what_an_order_has_done_is_committed_in_one_request(ledger: SqlLedger, proxy: Proxy) -> None:
    first, second, *_ = (CommitBatch(executions=[one]) for one in values.round_trips(60) if one.profit_quote is not None)
    await ledger.commit(first)
    proxy.requests = 0
    await ledger.commit(second)
    assert proxy.requests == LOOK + 1


async def _work(ledger: SqlLedger) -> None:
    """Writes of everything that trading writes, some of it twice."""
    await ledger.commit(coming(ledger, 0))
    await ledger.store([values.message(number) for number in (1, 2, 2, 0)], position=SourcePosition("kafka:t", 0, 3))
    await ledger.store([values.message(1), values.message(3, "SELL_SM"), values.message(3, "BUY_SM")])
    await ledger.commit(values.intent(2, 1))
    trips = list(values.round_trips(40))
    await ledger.commit(CommitBatch(executions=trips[:30], positions=[values.position("1"), values.position("2")]))
    await ledger.commit(CommitBatch(executions=trips[20:]))
    await ledger.commit(CommitBatch(executions=[trips[3], trips[3]], positions=[values.position("3")]))
    with pytest.raises(MessageKnown):
        await ledger.commit(coming(ledger, 2))


async def test_it_writes_what_the_statements_one_by_one_write(ledger: SqlLedger) -> None:
    await _work(ledger)
    in_one_request = await rows(ledger)
    assert in_one_request["day_results"]
    names = ", ".join(entry.table.name for entry in TABLES if entry.table.name not in {"lease", "account"})
    await ledger.writing.run(lambda connection: connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY")))
    assert ledger.lease is not None
    ledger.lease._newest = 0  # the counter of the emptied ledger
    ledger.writing.commits_in_one_request = False
    await _work(ledger)
    assert in_one_request == await rows(ledger)


async def test_nothing_is_written_without_the_lease(ledger: SqlLedger, postgres_ledger_url: str) -> None:
    await ledger.commit(coming(ledger, 0))
    before = await rows(ledger)
    await ledger.writing.run(lambda connection: connection.execute(text("UPDATE lease SET epoch = epoch + 1")))
    with pytest.raises(LeaseLost):
        await ledger.commit(coming(ledger, 1))
    assert (await rows(ledger), ledger.lost) == (before, True)


async def test_profits_of_a_day_add_up_to_the_last_digit(ledger: SqlLedger) -> None:
    exits = [one for one in values.round_trips(200) if one.profit_quote is not None]
    for one in exits:
        await ledger.commit(CommitBatch(executions=[one]))
    found = await ledger.reader.read(select(day_results.c.profit))
    assert sum(row["profit"] for row in found) == sum(one.profit_quote for one in exits if one.profit_quote is not None)
