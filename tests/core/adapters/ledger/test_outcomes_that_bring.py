"""An outcome brings its message into the ledger with the position of its source: all of it, or nothing."""

import asyncio

import pytest
from sqlalchemy import delete, insert, select

from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.ledger.tables.signal_tables import inbox, message_row
from core.domain.errors import LedgerUnavailable, MessageKnown
from core.domain.messages import SourcePosition, StoredMessage, Unstored
from core.domain.signal import client_order_id
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from tests.core.adapters.ledger import values
from tests.core.adapters.ledger.conftest import Reopen

TODAY = values.NOW.date().isoformat()


class Coming:
    """A message that its outcome is to bring, and how often it was told that it is stored."""

    def __init__(self, ledger: SqlLedger, number: int = 1, offset: int = 7) -> None:
        self.told = 0
        unstored = Unstored(SourcePosition("kafka:t", 0, offset), self._tell)
        self.stored = StoredMessage(ledger.next_seq(), values.message(number), unstored=unstored)
        outcome = MessageOutcome(self.stored.seq, "ordered", values.NOW, brings=self.stored)
        self.batch = CommitBatch(outcomes=[outcome], orders=[values.order(self.stored.seq, number)])

    def _tell(self) -> None:
        self.told += 1


async def offsets(ledger: SqlLedger) -> list[int]:
    return [position.offset for position in (await ledger.source_positions("kafka:t")).values()]


async def test_message_position_outcome_and_order_are_one_commit(ledger: SqlLedger) -> None:
    coming = Coming(ledger)
    await ledger.commit(coming.batch)
    state = await ledger.load(TODAY)
    assert (state.waiting, [order.inbox_seq for order in state.orders]) == ([], [coming.stored.seq])
    assert (coming.told, coming.stored.is_stored, await offsets(ledger)) == (1, True, [7])
    assert await ledger.store([values.message(1)]) == [None]


async def test_who_observes_hears_of_the_message_before_its_outcome_counts(ledger: SqlLedger) -> None:
    heard: list[tuple[list[object], list[int]]] = []

    class Observer:
        def committed(self, batch: CommitBatch, stored: object, dead: object) -> None:
            heard.append((list(stored), [outcome.seq for outcome in batch.outcomes]))  # type: ignore[call-overload]

    ledger.observers.append(Observer())
    coming = Coming(ledger)
    await ledger.commit(coming.batch)
    assert heard == [([coming.stored], [coming.stored.seq])]


async def test_of_a_known_message_nothing_is_written(ledger: SqlLedger) -> None:
    (known,) = await ledger.store([values.message(1)], position=SourcePosition("kafka:t", 0, 5))
    coming = Coming(ledger)
    with pytest.raises(MessageKnown):
        await ledger.commit(coming.batch)
    state = await ledger.load(TODAY)
    assert (state.waiting, state.orders, await offsets(ledger)) == ([known], [], [5])
    assert (coming.told, coming.stored.is_stored, ledger.ready[0]) == (0, False, True)


async def test_a_known_message_does_not_keep_back_what_is_ready_with_it(ledger: SqlLedger) -> None:
    await ledger.store([values.message(1)])
    known, new = Coming(ledger, 1), Coming(ledger, 2, offset=8)
    found = await asyncio.gather(
        ledger.commit(CommitBatch(positions=[values.position("1")])),
        ledger.commit(known.batch),
        ledger.commit(new.batch),
        return_exceptions=True,
    )
    assert [type(one) for one in found] == [type(None), MessageKnown, type(None)]
    state = await ledger.load(TODAY)
    assert [order.client_order_id for order in state.orders] == [client_order_id(values.signal(2))]
    assert (state.positions, await offsets(ledger)) == ([values.position("1")], [8])


@pytest.mark.parametrize("stored_first", [True, False])
async def test_of_two_of_one_identity_that_are_ready_together_the_first_counts(ledger: SqlLedger, stored_first: bool) -> None:
    coming = Coming(ledger)
    works = [ledger.store([values.message(1)]), ledger.commit(coming.batch)]
    works = works if stored_first else works[::-1]
    found = await asyncio.gather(*works, return_exceptions=True)
    answer, committed = found if stored_first else found[::-1]
    if stored_first:
        assert isinstance(committed, MessageKnown)
        assert isinstance(answer, list)
        assert [one.message for one in answer] == [values.message(1)]
    else:
        assert (answer, committed) == ([None], None)
    assert len((await ledger.load(TODAY)).orders) == (0 if stored_first else 1)


async def test_an_order_without_its_message_is_refused(ledger: SqlLedger) -> None:
    coming = Coming(ledger)
    with pytest.raises(LedgerUnavailable):
        await ledger.commit(CommitBatch(orders=coming.batch.orders))
    assert (await ledger.load(TODAY)).orders == []


async def test_messages_are_numbered_in_the_order_of_their_commits(ledger: SqlLedger) -> None:
    (first,) = await ledger.store([values.message(1)])
    coming = Coming(ledger, 2)
    await ledger.commit(coming.batch)
    (last,) = await ledger.store([values.message(3)])
    assert isinstance(first, StoredMessage)
    assert isinstance(last, StoredMessage)
    assert first.seq < coming.stored.seq < last.seq


async def test_no_number_is_given_twice_though_its_message_is_pruned_before_the_next_start(
    ledger: SqlLedger, reopen: Reopen
) -> None:
    coming = Coming(ledger, 2)
    await ledger.commit(CommitBatch(outcomes=coming.batch.outcomes))
    await ledger.writing.run(lambda connection: connection.execute(delete(inbox)))
    again = await reopen()
    assert again.next_seq() > coming.stored.seq


async def test_a_version_that_leaves_the_numbers_to_the_database_goes_on_after_ours(ledger: SqlLedger) -> None:
    coming = Coming(ledger)
    await ledger.commit(coming.batch)
    await ledger.store([values.message(number) for number in (2, 3)])
    await ledger.writing.run(lambda connection: connection.execute(insert(inbox), [message_row(values.message(4))]))
    found = await ledger.reader.read(select(inbox.c.seq, inbox.c.source_id).order_by(inbox.c.seq))
    assert [row["source_id"] for row in found] == [values.message(number).source_id for number in (1, 2, 3, 4)]


async def test_the_numbers_of_an_empty_ledger_begin_with_one(ledger: SqlLedger) -> None:
    assert ledger.next_seq() == 1
