"""The ledger's promises, on every database that it supports."""

import asyncio
from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, event, inspect, text
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from core.adapters.ledger.column_types import Amount
from core.adapters.ledger.queries import LedgerQueries
from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.ledger.tables import notification_tables, order_tables, paper_tables, result_tables, signal_tables
from core.adapters.ledger.tables.metadata import metadata
from core.adapters.ledger.tables.order_tables import order_row
from core.adapters.ledger.tables.result_tables import execution_row
from core.adapters.ledger.tables.signal_tables import dead_letter_of
from core.domain.access import Invite, Level, Person, QuietHours, Reader, Role, Topic
from core.domain.approval import Approval, ApprovalState
from core.domain.delivery import Delivery
from core.domain.errors import LedgerUnavailable
from core.domain.events.approvals import ApprovalRequested
from core.domain.events.intake import DeadLettersFound
from core.domain.events.orders import OrderExecuted
from core.domain.events.priority import Priority
from core.domain.events.signals import SignalRefused
from core.domain.messages import DeadLetter, SourcePosition, StoredMessage
from core.domain.order_state_machine import OrderState
from core.domain.reasons import reason
from core.domain.signal import Side
from core.domain.trading_state import Mode, Pause, TradingState
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from tests.core.adapters.ledger import values
from tests.core.adapters.ledger.conftest import Reopen
from tests.core.adapters.ledger.values import NOW

TODAY = NOW.date().isoformat()
NOTHING = dict.fromkeys(Priority, 0)
"""The cursor of a reader that has received nothing."""


async def stored(ledger: SqlLedger, number: int = 1, signal_type: str = "BUY_SM") -> StoredMessage:
    (found,) = await ledger.store([values.message(number, signal_type)])
    assert isinstance(found, StoredMessage)
    return found


async def test_a_message_is_stored_once_however_often_it_comes(ledger: SqlLedger) -> None:
    first, second = values.message(1), values.message(2)
    answers = await ledger.store([first, first, second])
    assert [answer.message if isinstance(answer, StoredMessage) else answer for answer in answers] == [first, None, second]
    assert await ledger.store([second, first]) == [None, None]


async def test_what_a_commit_brings_is_stored_with_it_and_once(ledger: SqlLedger, reopen: Reopen) -> None:
    taken: list[object] = []
    one = values.message()
    await ledger.commit(CommitBatch(messages=[one], positions=[values.position("1")]), taken=taken.extend)
    await ledger.commit(CommitBatch(messages=[one]), taken=taken.extend)
    (stored, again) = taken
    assert isinstance(stored, StoredMessage)
    assert (stored.message, again) == (one, None)
    assert (await (await reopen()).load(TODAY)).waiting == [stored]


async def test_the_same_message_brought_by_two_at_once_is_given_to_one(ledger: SqlLedger) -> None:
    answers = await asyncio.gather(*(ledger.store([values.message(7)]) for _ in range(10)))
    assert sum(answer[0] is not None for answer in answers) == 1


async def test_a_restart_finds_everything_again(ledger: SqlLedger, reopen: Reopen) -> None:
    bought, asked, waiting = await stored(ledger, 1), await stored(ledger, 2), await stored(ledger, 3)
    approval = Approval(
        "token", values.signal(2), asked.seq, Side.BUY, Decimal(20), Decimal("0.48"), ApprovalState.OPEN, NOW, NOW
    )
    trading_state = TradingState(Pause.ENTRIES, Mode.CONFIRM, "Owner", NOW)
    await ledger.commit(values.intent(bought.seq))
    await ledger.commit(
        CommitBatch(
            outcomes=[MessageOutcome(asked.seq, "awaiting_approval", NOW)],
            approvals=[approval],
            trading_state=trading_state,
            positions=[values.position("19.98")],
        )
    )
    await ledger.store([], position=SourcePosition("kafka:t", 3, 42, 1, "41:0123456789abcdef"))
    again = await reopen()
    state = await again.load(TODAY)
    assert state.orders == [values.order(bought.seq)]
    assert state.waiting == [waiting]
    assert state.approvals == [approval]
    assert state.trading_state == trading_state
    assert state.positions == [values.position("19.98")]
    assert await again.source_positions("kafka:t") == {3: SourcePosition("kafka:t", 3, 42, 1, "41:0123456789abcdef")}


async def test_a_ledger_has_a_mark_for_life_and_knows_every_symbol_it_sent_an_order_for(reopen: Reopen) -> None:
    ledger = await reopen()
    before = await ledger.load(TODAY)
    assert before.mark is not None
    assert 0 < before.mark < 2**53
    assert before.touched == []
    message = await stored(ledger)
    await ledger.commit(values.intent(message.seq))
    await ledger.commit(CommitBatch(orders=[replace(values.order(message.seq), state=OrderState.REJECTED)]))
    again = await (await reopen()).load(TODAY)
    assert (again.mark, again.touched) == (before.mark, ["WIFUSDC"])


async def test_settling_ends_what_was_in_flight(ledger: SqlLedger) -> None:
    message = await stored(ledger)
    await ledger.commit(values.intent(message.seq))
    filled = replace(
        values.order(message.seq, state=OrderState.FILLED), order_id="28", reason=reason("rejected", code=1, message="x")
    )
    await ledger.commit(CommitBatch(orders=[filled], fills=[(filled.client_order_id, values.fill())]))
    state = await ledger.load(TODAY)
    assert not state.orders
    assert not state.waiting


async def test_an_execution_heard_of_twice_counts_once(ledger: SqlLedger) -> None:
    sold = values.execution(1, Decimal("0.75"))
    for batch in (
        CommitBatch(executions=[sold, sold]),
        CommitBatch(executions=[sold]),
        CommitBatch(executions=[values.execution(2)]),
    ):
        await ledger.commit(batch)
    state = await ledger.load(TODAY)
    assert state.totals == {"sell_orders": 1, "buy_orders": 1}
    assert state.last_profit_pct == Decimal("0.75")
    (today,) = state.today
    assert (today.profit, today.exits, today.wins) == (Decimal("0.75"), 1, 1)
    assert [one.execution_id for one in await LedgerQueries(ledger.reader).recent_executions(10)] == [
        values.execution(2).execution_id,
        sold.execution_id,
    ]


async def test_a_fill_heard_of_twice_stands_once(ledger: SqlLedger) -> None:
    message = await stored(ledger)
    await ledger.commit(values.intent(message.seq))
    fills = [(values.order(message.seq).client_order_id, values.fill())]
    await ledger.commit(CommitBatch(fills=fills))
    await ledger.commit(CommitBatch(fills=fills * 2))
    assert await ledger.fills_of(fills[0][0]) == [values.fill()]
    assert await ledger.fills_of("nobody") == []


async def test_a_trade_id_that_begins_anew_is_another_fill(ledger: SqlLedger) -> None:
    """Covers a testnet that is reset and counts its trades from the beginning."""
    for number in (1, 2):
        message = await stored(ledger, number)
        await ledger.commit(values.intent(message.seq, number))
        await ledger.commit(CommitBatch(fills=[(values.order(message.seq, number).client_order_id, values.fill())]))
    assert len(await ledger.reader.read(order_tables.fills.select())) == 2


async def test_a_commit_is_written_whole_or_not_at_all(ledger: SqlLedger) -> None:
    # A fill of a missing order violates its foreign key: the position beside it must not stay.
    broken = CommitBatch(fills=[("nobody", values.fill())], positions=[values.position("1")])
    with pytest.raises(LedgerUnavailable):
        await ledger.commit(broken)
    assert not (await ledger.load(TODAY)).positions


async def test_a_broken_commit_does_not_take_its_neighbours_along(ledger: SqlLedger) -> None:
    broken = CommitBatch(fills=[("nobody", values.fill())])
    good = [CommitBatch(positions=[replace(values.position("1"), symbol=f"S{number}")]) for number in range(5)]
    results = await asyncio.gather(*map(ledger.commit, [*good[:2], broken, *good[2:]]), return_exceptions=True)
    assert [type(result) for result in results] == [type(None), type(None), LedgerUnavailable, *[type(None)] * 3]
    assert len((await ledger.load(TODAY)).positions) == 5


async def test_commits_that_are_ready_together_share_a_transaction(ledger: SqlLedger) -> None:
    commits: list[object] = []
    engine = ledger.writing.engine
    event.listen(engine if isinstance(engine, Engine) else engine.sync_engine, "commit", commits.append)
    await asyncio.gather(*(ledger.commit(CommitBatch(positions=[values.position(str(number))])) for number in range(50)))
    assert len(commits) == 1
    assert (await ledger.load(TODAY)).positions == [values.position("49")]  # the last one wins


async def test_who_gives_up_waiting_leaves_the_writer_well(ledger: SqlLedger) -> None:
    commit = asyncio.create_task(ledger.commit(CommitBatch(positions=[values.position("1")])))
    await asyncio.sleep(0)
    commit.cancel()
    await asyncio.gather(commit, return_exceptions=True)
    await ledger.commit(CommitBatch(positions=[values.position("2")]))
    assert (await ledger.load(TODAY)).positions == [values.position("2")]


@given(
    digits=st.integers(min_value=0, max_value=10**20),
    exponent=st.integers(min_value=-18, max_value=0),
    negative=st.booleans(),
)
def test_amounts_are_written_in_full(digits: int, exponent: int, negative: bool) -> None:
    amount = Decimal(digits).scaleb(exponent) * (-1 if negative else 1)
    text = Amount().process_bind_param(amount, SQLiteDialect())
    assert "E" not in str(text)
    assert Decimal(str(text)) == amount


@pytest.mark.parametrize("text", ["0.00000001", "12345678901234567890.12345678", "9E-17", "-0.5", "0"])
async def test_amounts_come_back_to_the_last_decimal(ledger: SqlLedger, text: str) -> None:
    await ledger.commit(CommitBatch(positions=[values.position(text)]))
    (held,) = (await ledger.load(TODAY)).positions
    assert held.qty == Decimal(text)


async def test_the_outbox_gives_what_is_urgent_first_and_forgets_what_was_told(ledger: SqlLedger) -> None:
    refused = SignalRefused(values.signal(), "ignored", reason("paused"), priority=Priority.CHATTY)
    executed = OrderExecuted(values.order(1), values.execution(), values.position("19.98"), Decimal("0.0096"))
    approval = Approval("t", values.signal(), 1, Side.BUY, Decimal(20), Decimal("0.48"), ApprovalState.OPEN, NOW, NOW)
    asked = ApprovalRequested(approval, "WIF", "USDC")
    await ledger.commit(CommitBatch(events=[refused, executed, asked]))
    items = await ledger.waiting(NOTHING, 10)
    assert [item.event for item in items] == [asked, executed, refused]
    told = {**NOTHING, Priority.URGENT: items[0].seq, Priority.CHATTY: items[2].seq}
    await ledger.keep_cursor("main", told, Delivery(7, 5, Priority.URGENT, items[0].seq, items[0].seq, question=1))
    assert await ledger.cursor("main") == told
    assert [item.event for item in await ledger.waiting(told, 10)] == [executed]
    assert await ledger.pending(told) == 1
    assert await ledger.question_message(7, 1) == 5
    assert await ledger.question_message(8, 1) is None


async def test_each_reader_is_told_in_their_own_time(ledger: SqlLedger) -> None:
    assert await ledger.cursor("main") is None
    for _ in range(3):
        await ledger.commit(CommitBatch(events=[SignalRefused(values.signal(), "ignored", reason("paused"))]))
    await ledger.keep_cursor("main", {**NOTHING, Priority.NORMAL: 2})
    assert await ledger.cursor("1002") is None
    newest = await ledger.newest()
    assert newest == {**NOTHING, Priority.NORMAL: 3}
    await ledger.keep_cursor("1002", newest)
    assert await ledger.pending(newest) == 0
    assert [item.seq for item in await ledger.waiting(await ledger.cursor("main") or NOTHING, 10)] == [3]


async def test_only_some_of_a_priority_are_read_at_a_time_and_only_those_asked_for(ledger: SqlLedger) -> None:
    refused = SignalRefused(values.signal(), "ignored", reason("paused"))
    await ledger.commit(CommitBatch(events=[refused, refused, refused, replace(refused, priority=Priority.URGENT)]))
    assert [item.seq for item in await ledger.waiting(NOTHING, 2)] == [4, 1, 2]
    assert [item.seq for item in await ledger.waiting({Priority.URGENT: 0}, 2)] == [4]


async def test_news_is_heard_by_everybody_who_waits_and_by_who_comes_later(ledger: SqlLedger) -> None:
    seen = await ledger.news(0)  # there may be something at the start
    waiting = [asyncio.create_task(ledger.news(seen)) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(one.done() for one in waiting)
    await ledger.commit(CommitBatch(events=[SignalRefused(values.signal(), "ignored", reason("paused"))]))
    numbers = await asyncio.wait_for(asyncio.gather(*waiting), 5)
    assert numbers == [await ledger.news(seen)] * 2


async def test_people_invitations_and_readers_outlive_a_restart(ledger: SqlLedger, reopen: Reopen) -> None:
    person = Person(7, "Ann", Role.TRADER, "Owner", NOW)
    invite = Invite("d" * 64, Role.VIEWER, "Owner", NOW, NOW + timedelta(hours=24))
    reader = Reader(7, "ru", "Europe/Berlin", {Topic.TRADES: Level.SILENT}, QuietHours(time(23), time(7)), NOW)
    await ledger.commit(CommitBatch(people=[person], invites=[invite], readers=[reader]))
    again = await reopen()
    state = await again.load(TODAY)
    assert (state.people, state.invites, state.readers) == ([person], [invite], [reader])
    await again.commit(CommitBatch(people=[replace(person, revoked_at=NOW)], invites=[replace(invite, used_by=8)]))
    left = await (await reopen()).load(TODAY)
    assert (left.people, left.invites, left.readers) == ([], [], [reader])


async def test_dead_letters_are_kept_with_the_position_and_one_event(ledger: SqlLedger) -> None:
    why = reason("record_not_text", position=0)
    letter = DeadLetter("kafka:t", "t/0/5", str(why), b"\xff\x00\xfe", NOW, why)
    told = DeadLettersFound(2, letter)
    await ledger.store([], dead=[letter, letter], position=SourcePosition("kafka:t", 0, 7), events=[told])
    assert [dead_letter_of(row) for row in await ledger.reader.read(signal_tables.dead_letters.select())] == [letter] * 2
    assert [item.event for item in await ledger.waiting(NOTHING, 10)] == [told]


async def test_a_stranger_is_told_once_even_after_a_restart(ledger: SqlLedger, reopen: Reopen) -> None:
    assert await ledger.first_time_stranger(7, "Mallory")
    assert not await ledger.first_time_stranger(7, "Mallory again")
    again = await reopen()
    assert not await again.first_time_stranger(7, "Mallory")
    assert await again.pending(NOTHING) == 1


async def test_what_became_of_signals_is_told_with_the_reason(ledger: SqlLedger) -> None:
    ignored, ordered = await stored(ledger, 1), await stored(ledger, 2)
    why = reason("in_position", qty="20", base="WIF")
    await ledger.commit(CommitBatch(outcomes=[MessageOutcome(ignored.seq, "ignored", NOW, why)]))
    await ledger.commit(values.intent(ordered.seq, 2))
    newest, oldest = await LedgerQueries(ledger.reader).recent_signals(10)
    assert (oldest.outcome, oldest.reason) == ("ignored", why)
    assert newest.outcome == "ordered"
    (row,) = await ledger.reader.read(signal_tables.inbox.select().where(signal_tables.inbox.c.seq == ignored.seq))
    assert row["reason"] == "position already open: 20 WIF"


async def test_the_migrations_make_what_the_tables_say(ledger: SqlLedger) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    differences = await ledger.writing.run(lambda sync: compare_metadata(MigrationContext.configure(sync), metadata))
    names = await ledger.writing.run(lambda sync: set(inspect(sync).get_table_names()))
    assert differences == []
    assert set(metadata.tables) <= names


async def test_loading_does_not_read_history(ledger: SqlLedger) -> None:
    """Counts the rows fetched, not the time: settled ones must not be among them."""
    messages = await ledger.store([values.message(number) for number in range(2_000)])
    seqs = [one.seq for one in messages if isinstance(one, StoredMessage)]
    await ledger.commit(
        CommitBatch(
            outcomes=[MessageOutcome(seq, "ordered", NOW) for seq in seqs[:-1]],
            orders=[values.order(seq, number, OrderState.FILLED) for number, seq in enumerate(seqs[:-1])],
            executions=[values.execution(number, Decimal(1)) for number in range(1_999)],
        )
    )
    fetched = 0

    def count(_connection: object, cursor: object, *_: object) -> None:
        nonlocal fetched
        fetched += 1

    event.listen(ledger.reader.questions.engine, "after_cursor_execute", count)
    state = await ledger.load(TODAY)
    assert len(state.waiting) == 1
    assert not state.orders
    assert fetched < 30  # queries, however long the history


async def test_sqlite_asks_only_indexes_for_what_is_unsettled(ledger: SqlLedger) -> None:
    if ledger.writing.dialect != "sqlite":
        return
    conditions = (
        ("inbox", signal_tables.UNDECIDED),
        ("orders", order_tables.IN_FLIGHT),
        ("approvals", order_tables.IS_OPEN),
        ("paper_orders", paper_tables.IS_OPEN),
        ("outbox", text("priority = 1 AND seq > 5")),
        ("deliveries", text(f"{notification_tables.ASKS.text} AND question = 5")),
    )

    def look(connection: Connection) -> tuple[list[str], list[Any]]:
        asked = [f"EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE {condition.text}" for table, condition in conditions]
        plans = [str(row.detail) for statement in asked for row in connection.exec_driver_sql(statement)]
        return plans, [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]

    plans, pragmas = await ledger.reader.questions.run(look)
    assert all("USING INDEX" in plan for plan in plans)
    assert pragmas == ["wal", 2]


async def test_a_ledger_that_cannot_be_opened_says_so_without_the_password() -> None:
    from bot.clock import SystemClock
    from core.adapters.ledger.opening import open_ledger

    for url in ("postgresql+asyncpg://me:hunter2@127.0.0.1:1/db", "sqlite+aiosqlite:////nonexistent/x.db"):
        with pytest.raises(LedgerUnavailable) as caught:
            await open_ledger(url, SystemClock())
        assert "hunter2" not in str(caught.value)


def test_the_executions_table_has_the_names_that_others_rely_on() -> None:
    names = [column.name for column in result_tables.executions.columns]
    first = "execution_id symbol executed_at side qty price profit_pct signal_type"
    then = "signal_id client_order_id order_id quote_qty fee fee_asset profit_quote trading_mode"
    assert " ".join(names[:16]) == f"{first} {then}"
    assert set(execution_row(values.execution())) <= set(names)
    assert set(order_row(values.order(1))) == {column.name for column in order_tables.orders.columns}


async def test_when_an_order_was_last_on_the_exchange(ledger: SqlLedger) -> None:
    queries = LedgerQueries(ledger.reader)
    assert await queries.last_on_exchange() is None
    (stored,) = await ledger.store([values.message()])
    assert isinstance(stored, StoredMessage)
    sent = values.order(stored.seq)
    await ledger.commit(CommitBatch(orders=[sent]))
    assert await queries.last_on_exchange() is None  # it may never have arrived there
    await ledger.commit(CommitBatch(orders=[replace(sent, order_id="7", state=OrderState.FILLED, updated_at=values.NOW)]))
    later = replace(sent, state=OrderState.REJECTED, updated_at=values.NOW + timedelta(hours=1))
    await ledger.commit(CommitBatch(orders=[later]))
    assert await queries.last_on_exchange() == values.NOW
