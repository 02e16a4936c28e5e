"""Old records that led to nothing are deleted, everything that is looked up later stays, and trading never waits for it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest
from sqlalchemy import Table, func, select

from bot.jobs.retention_job import PAUSE_SECONDS, RetentionJob
from core.adapters.ledger.pruning import PASSING, LedgerPruning
from core.adapters.ledger.queries import LedgerQueries
from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.ledger.stories import LedgerStories
from core.adapters.ledger.tables import notification_tables, order_tables, result_tables, signal_tables
from core.domain.approval import Approval, ApprovalState
from core.domain.delivery import MAIN_READER, Delivery
from core.domain.digest import Digest, Occasion
from core.domain.events.orders import OrderExecuted
from core.domain.events.signals import SignalRefused
from core.domain.messages import (
    Body,
    CodeRefused,
    CodeUsed,
    ControlsRequested,
    DeadLetter,
    DigestDue,
    ManualInstruction,
    Message,
    SignalReceived,
    StoredMessage,
)
from core.domain.order_state_machine import OrderState
from core.domain.reasons import reason
from core.domain.signal import BY_HAND, Side
from core.domain.signal_conflict import Conflict
from core.domain.trading_state import Pause
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from tests.core.adapters.ledger import values
from tests.core.adapters.ledger.values import NOW
from tests.core.virtual_time import VirtualClock

OLD, DAYS = NOW - timedelta(days=40), 30
TODAY = NOW.date().isoformat()


async def stored(ledger: SqlLedger, message: Message, at: datetime) -> int:
    (found,) = await ledger.store([replace(message, received_at=at)])
    assert isinstance(found, StoredMessage)
    return found.seq


async def refused(ledger: SqlLedger, number: int, at: datetime = OLD, *, order: OrderState | None = None) -> int:
    """Stores a signal that led to nothing, with an alert; with `order`, also an order that never reached the exchange, after an
    approval."""
    seq = await stored(ledger, values.message(number), at)
    why = reason("below_min_notional", value="4.80", quote="USDC", minimum="5")
    batch = CommitBatch(
        outcomes=[MessageOutcome(seq, "denied", at, why)], events=[SignalRefused(values.signal(number), "denied", why, seq)]
    )
    if order is not None:
        batch.orders.append(replace(values.order(seq, number, order), updated_at=at))
        asked = Approval(f"t{number}", values.signal(number), seq, Side.BUY, values.order(seq).qty, values.order(seq).price,
                         ApprovalState.DECLINED, at, at, at, "Ann")  # fmt: skip
        batch.approvals.append(asked)
    await ledger.commit(batch)
    return seq


async def executed(ledger: SqlLedger, number: int, at: datetime = OLD) -> int:
    seq = await stored(ledger, values.message(number), at)
    await ledger.commit(values.intent(seq, number))
    done = replace(values.order(seq, number, OrderState.FILLED), order_id="28", executed_qty=values.order(seq).qty)
    filled = CommitBatch(
        orders=[done], fills=[(done.client_order_id, values.fill(str(number)))], executions=[values.execution(number)]
    )
    await ledger.commit(filled)
    return seq


async def rows(ledger: SqlLedger, table: Table) -> Sequence[dict[str, Any]]:
    return [dict(row) for row in await ledger.reader.read(select(table))]


async def count(ledger: SqlLedger, table: Table) -> int:
    (row,) = await ledger.reader.read(select(func.count().label("n")).select_from(table))
    return int(row["n"])


async def pruned(ledger: SqlLedger) -> None:
    await RetentionJob(LedgerPruning(ledger), DAYS, _Now()).run()


class _Now(VirtualClock):
    """A clock that shows the values' time, or later; it waits for nothing."""

    def __init__(self, later: timedelta = timedelta()) -> None:
        super().__init__()
        self._later = later

    def now(self) -> datetime:
        return NOW + self._later

    async def sleep(self, seconds: float) -> None:
        assert seconds <= PAUSE_SECONDS


async def all_told(ledger: SqlLedger) -> None:
    newest = await ledger.newest()
    for priority, seq in newest.items():
        if seq:
            await ledger.keep_cursor(MAIN_READER, {priority: seq}, Delivery(5, seq, priority, 1, seq))


async def test_what_came_to_nothing_goes_and_what_was_executed_stays(ledger: SqlLedger) -> None:
    nothing = [await refused(ledger, 1), await refused(ledger, 2, order=OrderState.DECLINED)]
    done = await executed(ledger, 3)
    young = await refused(ledger, 4, NOW - timedelta(days=29), order=OrderState.DENIED)
    kept = {
        table: await rows(ledger, table)
        for table in (result_tables.executions, order_tables.fills, result_tables.positions, result_tables.day_results)
    }
    steps = [
        row
        for row in await rows(ledger, order_tables.order_steps)
        if row["client_order_id"] != values.order(1, 2).client_order_id
    ]
    await pruned(ledger)
    for table, before in kept.items():
        assert await rows(ledger, table) == before, table.name
    assert await rows(ledger, order_tables.order_steps) == steps
    assert sorted(row["inbox_seq"] for row in await rows(ledger, order_tables.orders)) == [done, young]
    assert [row["inbox_seq"] for row in await rows(ledger, order_tables.approvals)] == [young]
    inbox = {row["seq"]: row for row in await rows(ledger, signal_tables.inbox)}
    assert {seq: row["kind"] for seq, row in inbox.items()} == {
        **dict.fromkeys(nothing, "pruned"),
        done: "signal",
        young: "signal",
    }
    assert all(inbox[seq]["facts"] is None and inbox[seq]["reason"] is None for seq in nothing)
    assert [story.seq for story in await LedgerQueries(ledger.reader).recent_signals(10)] == [young, done]


async def test_a_pruned_signal_that_is_brought_again_is_known_and_another_content_under_its_id_is_a_conflict(
    ledger: SqlLedger,
) -> None:
    await refused(ledger, 1)
    await pruned(ledger)
    assert await ledger.store([values.message(1)]) == [None]
    assert (await ledger.find_signals("kafka:t", ["t/0/1"])).keys() == {"t/0/1"}
    other = values.message(1, "SELL_SM")
    (answer,) = await ledger.store([other])
    assert isinstance(answer, Conflict)


async def test_why_says_that_a_signal_was_pruned(ledger: SqlLedger) -> None:
    seq = await refused(ledger, 1)
    stories = LedgerStories(ledger.reader)
    assert await stories.pruned(seq) is None
    assert await stories.pruned_before() is None
    await pruned(ledger)
    left = await stories.pruned(seq)
    assert left is not None
    assert (left.signal_type, left.symbol, left.outcome, left.received_at) == ("BUY_SM", "WIFUSDC", "denied", OLD)
    assert await stories.story(seq) is None
    await refused(ledger, 2, NOW)
    assert await stories.pruned_before() == NOW


@pytest.mark.parametrize("state", [state for state in OrderState if not state.final])
async def test_what_is_not_settled_is_left_alone(ledger: SqlLedger, state: OrderState) -> None:
    seq = await refused(ledger, 1)
    await ledger.commit(CommitBatch(orders=[values.order(seq, 1, state)]))
    waiting = await stored(ledger, values.message(2), OLD)
    await pruned(ledger)
    assert [row["kind"] for row in await rows(ledger, signal_tables.inbox)] == ["signal", "signal"]
    assert [one.seq for one in (await ledger.load(TODAY)).waiting] == [waiting]


async def test_an_order_that_the_exchange_knows_stays_also_where_nothing_of_it_was_filled(ledger: SqlLedger) -> None:
    """Keeps it because the exchange may show it at any time, with our mark: the ledger must recognise it then."""
    seq = await refused(ledger, 1)
    await ledger.commit(CommitBatch(orders=[replace(values.order(seq, 1, OrderState.EXPIRED), order_id="77")]))
    await pruned(ledger)
    assert await count(ledger, order_tables.orders) == 1


async def test_what_people_did_stays_and_what_timers_said_goes(ledger: SqlLedger) -> None:
    digest = Digest(5, Occasion.MORNING, OLD, "off", "auto", "paper", 0, {}, 0, 0, {}, 0)
    by_hand = SignalReceived(replace(values.signal(9), source=BY_HAND), ManualInstruction(7, "Ann"))
    said: tuple[Body, ...] = (
        ControlsRequested(7, "Ann", pause=Pause.ALL),
        by_hand,
        CodeUsed("salt", 1, 7, "Ann"),
        CodeRefused("salt", 7, "Ann"),
        DigestDue(digest),
    )
    for number, body in enumerate(said):
        seq = await stored(ledger, Message(BY_HAND, str(number), "", body, OLD), OLD)
        await ledger.commit(CommitBatch(outcomes=[MessageOutcome(seq, "done", OLD)]))
    await pruned(ledger)
    assert [row["kind"] for row in await rows(ledger, signal_tables.inbox)] == ["controls", "signal"]
    assert len(await LedgerQueries(ledger.reader).acts(10)) == 2


async def test_alerts_go_once_the_owners_chat_was_told(ledger: SqlLedger) -> None:
    await refused(ledger, 1)
    done = await executed(ledger, 2)
    await ledger.commit(
        CommitBatch(events=[OrderExecuted(values.order(done, 2), values.execution(2), values.position("1"), None)])
    )
    later = _Now(timedelta(days=400))  # alerts are dated by this machine's clock
    await RetentionJob(LedgerPruning(ledger), DAYS, later).run()
    assert await count(ledger, notification_tables.outbox) == 2
    await all_told(ledger)
    await RetentionJob(LedgerPruning(ledger), DAYS, later).run()
    assert [row["kind"] for row in await rows(ledger, notification_tables.outbox)] == [
        "order_executed"
    ]  # tax lots are made from it
    assert await count(ledger, notification_tables.deliveries) == 0


async def test_unreadable_records_go_by_their_age(ledger: SqlLedger) -> None:
    letters = [DeadLetter("kafka:t", f"t/0/{number}", "no JSON", b"x", at) for number, at in enumerate((OLD, OLD, NOW))]
    await ledger.store([], dead=letters)
    await pruned(ledger)
    assert [row["position"] for row in await rows(ledger, signal_tables.dead_letters)] == ["t/0/2"]


async def test_it_goes_on_where_it_stopped_and_looks_at_nothing_twice(ledger: SqlLedger) -> None:
    for number in range(25):
        await refused(ledger, number)
    pruning = LedgerPruning(ledger)
    before = NOW - timedelta(days=DAYS)
    assert [await pruning.batch(before, 10) for _ in range(4)] == [10, 10, 5, 0]
    assert await LedgerPruning(ledger).batch(before, 10) == 0
    await refused(ledger, 30)
    assert await pruning.batch(before, 10) == 1


async def test_trading_goes_on_beside_it(ledger: SqlLedger) -> None:
    for number in range(60):
        await refused(ledger, number)
    pruning = LedgerPruning(ledger)

    async def prune() -> None:
        while await pruning.batch(NOW - timedelta(days=DAYS), 5):
            pass

    async def trade() -> None:
        for number in range(100, 130):
            await executed(ledger, number, NOW)

    await asyncio.gather(prune(), trade())
    assert await count(ledger, result_tables.executions) == 30
    assert sum(row["kind"] == "pruned" for row in await rows(ledger, signal_tables.inbox)) == 60


def test_every_kind_of_message_stays_or_passes_on_purpose() -> None:
    stays = {
        "signal",
        "approval_answer",
        "controls",
        "pause_timeout",
        "limit",
        "cancel",
        "accept",
        "plan_request",
        "positions_found",
    }
    stays |= {"panic_ended", "order_found", "fee_paid", "reset", "strategy", "strategy_limit"}
    stays |= {"invite", "invite_used", "invites_withdrawn", "revoke", "authenticator", "authenticator_ended"}
    kinds = {each.__dataclass_fields__["kind"].default for each in get_args(Body)}
    assert {kind for kind in kinds if kind not in stays} == PASSING
