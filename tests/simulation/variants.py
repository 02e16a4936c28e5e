"""Wrong programs: each breaks one rule of the protocol, and the simulation must notice. One that it misses is a hole in it."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from sqlalchemy import select
from telegram.error import TelegramError

from bot.access.confirmations import Confirmations, Pending
from bot.commands import panic
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.liquidation import PanicTimer
from bot.notifications.alert_channel import AlertChannel
from bot.notifications.alert_rendering import rendered
from bot.notifications.telegram_notifier import TelegramNotifier
from core.adapters.kafka.record_reader import RecordReader
from core.adapters.kafka.source import KafkaSource
from core.adapters.ledger.lease import Lease
from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.ledger.tables import people_tables
from core.adapters.ledger.writer import Writer
from core.domain.messages import CancelRequested, ControlsRequested, LimitRequested, Message, SourcePosition, StoredMessage
from core.domain.money import ZERO
from core.domain.order import ExecutionReport, NotTaken, Order, Rejected, Unanswered
from core.domain.order_state_machine import OrderState
from core.domain.position import Position
from core.domain.reasons import reason
from core.domain.signal import BY_HAND
from core.engine import approval_flow
from core.engine.approval_flow import ApprovalFlow
from core.engine.control_commands import ControlCommands
from core.engine.inbox import Inbox
from core.execution import settlement
from core.execution.decision_service import USUAL
from core.execution.fence import FENCE_MARGIN, Fence
from core.execution.order_writer import OrderWriter
from core.execution.placement import Placement
from core.execution.reconciler import FateUnknown, NeverPlaced, Reconciler
from core.policy import profit
from core.policy.decision_context import SizeRequest
from core.policy.sizing import order_size as sizing
from core.records.commit_batch import CommitBatch
from core.records.ledger_state import LedgerState
from core.records.message_outcome import MessageOutcome
from core.state.portfolio import Portfolio
from core.trading import Trading
from tests.simulation.account_variants import ACCOUNT_VARIANTS, Swap
from tests.simulation.breaking import Variant, loads, patched, swap
from tests.simulation.wrong_adding import WRONG_ADDING
from tests.simulation.wrong_books import WRONG_BOOKS
from tests.simulation.wrong_entries import WRONG_ENTRIES
from tests.simulation.wrong_exits import WRONG_EXITS
from tests.simulation.wrong_first import WRONG_FIRST
from tests.simulation.wrong_lists import WRONG_LISTS
from tests.simulation.wrong_plans import WRONG_PLANS
from tests.simulation.wrong_sizes import WRONG_SIZES
from tests.simulation.wrong_steps import WRONG_STEPS
from tests.simulation.wrong_stops import WRONG_STOPS


async def _place_first(self: Placement, order: Order, intent: CommitBatch, **_: Any) -> Order:
    self._portfolio.in_flight[order.client_order_id] = order
    answer = await self._send(order)
    await self._submit(order, intent)

    async def already(_order: Order) -> Any:
        return answer

    with patch.object(self, "_send", already):
        return await self._send_until_settled(order)


async def _find_out_once(self: Reconciler, order: Order, _: Fence | None = None) -> ExecutionReport | NeverPlaced | FateUnknown:
    while True:
        try:
            report = await self._venue.find_order(order.symbol, order.client_order_id)
        except Exception:  # noqa: BLE001 - a wrong program
            await self._clock.sleep(1)
            continue
        if report is None:
            return NeverPlaced()
        if report.state.final:
            return await self.with_fills(report) or FateUnknown()
        await self._clock.sleep(1)


def _fenced_by(fence_of: Callable[[Reconciler, Any], Any]) -> Callable[..., Any]:
    """Returns `find_out` with another fence: `fence_of` gives what the time of the answer is compared with, and that time."""

    async def find_out(self: Reconciler, order: Order, _: Fence | None = None) -> ExecutionReport | NeverPlaced | FateUnknown:
        fence = None
        while True:
            try:
                venue_time = await self._venue.server_time()
                now, until = fence_of(self, venue_time)
                fence = fence or until
                report = await self._venue.find_order(order.symbol, order.client_order_id)
                if report is None and now > fence and order.order_id is None:
                    return NeverPlaced()
                if report is not None and report.state.final:
                    return await self.with_fills(report) or FateUnknown()
            except Exception:  # noqa: BLE001 - a wrong program
                pass
            await self._clock.sleep(0.3)

    return find_out


_SEND = Placement._send


async def _timeout_is_refusal(self: Placement, order: Order) -> Any:
    answer = await _SEND(self, order)
    return Rejected(reason("unreachable", detail="timeout")) if isinstance(answer, Unanswered) else answer


async def _timeout_is_tried_again(self: Placement, order: Order) -> Any:
    answer = await _SEND(self, order)
    return NotTaken(reason("exchange_busy")) if isinstance(answer, Unanswered) else answer


async def _offset_first(self: KafkaSource, partition: int, records: Any) -> None:
    deliver = self._deliver

    async def two_steps(messages: Any, dead: Any, position: SourcePosition | None) -> None:
        await deliver([], [], position)
        await deliver(messages, dead, None)

    with patch.object(self, "_deliver", two_steps):
        await _DELIVER_BATCH(self, partition, records)


_DELIVER_BATCH = KafkaSource._deliver_batch


async def _send_once(self: AlertChannel, recipient: Any, message: Any, *_: Any) -> int:
    await self._rate_limiter.take()
    try:
        return await self._sender.send(recipient.chat_id, message, 1)
    except TelegramError:
        return 0


async def _mark_first(self: TelegramNotifier, recipient: Any, items: Any) -> None:
    await self._record_delivery(recipient, items[:1], 1)
    await self._sender.send(recipient.chat_id, rendered(recipient, items[0], self._countdown))


def _double_fills(order: Order, report: ExecutionReport, *rest: Any) -> Any:
    return profit.book(order, replace(report, fills=report.fills * 2), *rest)


_ADD_UP = profit.add_up_fees


def _no_base_fee(*args: Any) -> profit.Fees:
    return replace(_ADD_UP(*args), base=ZERO)


_APPLY = Portfolio.apply


def _keeps_questions(self: Portfolio, batch: CommitBatch) -> None:
    before = dict(self.approvals)
    _APPLY(self, batch)
    self.approvals = before | self.approvals


def _no_recovery(self: Trading, left: LedgerState) -> None:
    for order in left.orders:
        self.portfolio.in_flight.pop(order.client_order_id, None)
    self.inbox.start([], left.waiting)


async def _intent_without_verdict(self: Placement, order: Order, intent: CommitBatch, **more: Any) -> Order:
    outcomes, intent.outcomes = intent.outcomes, []
    settled = await _PLACE(self, order, intent, **more)
    await self._writer.commit(CommitBatch(outcomes=outcomes))
    intent.outcomes = outcomes
    return settled


_PLACE = Placement.place
_COMMIT = OrderWriter.commit


async def _two_commits(self: OrderWriter, batch: CommitBatch) -> None:
    if batch.executions:
        await _COMMIT(self, CommitBatch(orders=batch.orders, fills=batch.fills, executions=batch.executions))
        batch = CommitBatch(positions=batch.positions, trades=batch.trades, events=batch.events)
    await _COMMIT(self, batch)


async def _never_asks(_self: Writer, _number: int) -> bool:
    return False


_STORE = SqlLedger.store


async def _every_record_is_new(self: SqlLedger, messages: Any, **more: Any) -> Any:
    _every_record_is_new.count = getattr(_every_record_is_new, "count", 0) + len(messages)  # type: ignore[attr-defined]
    start = _every_record_is_new.count  # type: ignore[attr-defined]
    renamed = [_renamed(message, start + number) for number, message in enumerate(messages)]
    return await _STORE(self, renamed, **more)


def _renamed(message: Message, number: int) -> Message:
    return replace(message, source_id=f"{message.source_id}#{number}") if message.source.startswith("kafka") else message


def _no_turns(self: Inbox, stored: Any) -> None:
    async def handle(message: StoredMessage) -> None:
        verdict: MessageOutcome = await self._handle(message)
        answer = self._answers.pop(message.seq, None)
        if answer is not None and not answer.done():
            answer.set_result(verdict)

    for message in stored:
        asyncio.create_task(handle(message))  # noqa: RUF006 - a wrong program


async def _settles_before_it_is_final(self: Reconciler, report: ExecutionReport) -> ExecutionReport:
    """Takes whatever trades are shown for all of them."""
    if report.fills:
        return report
    while True:
        try:
            return replace(report, fills=tuple(await self._venue.fills(report.symbol, report.order_id)))
        except Exception:  # noqa: BLE001 - a wrong program
            await self._clock.sleep(1)


async def _ignores_the_clock(self: ApprovalFlow, stored: StoredMessage, answer: Any) -> MessageOutcome:
    """Accepts an answer however late it comes, even after it was reported as expired."""
    approval = self._portfolio.approvals.get(answer.token) or _SEEN.get(answer.token)
    if approval is not None:
        _SEEN[answer.token] = approval
        self._portfolio.approvals[answer.token] = replace(approval, expires_at=approval.expires_at.replace(year=2100))
    return await _ANSWERED(self, stored, answer)


async def _knows_nothing(*_: Any) -> dict[int, Any]:
    return {}


# --- by hand


async def _by_hand_without_verdict(self: Placement, order: Order, intent: CommitBatch, **more: Any) -> Order:
    place = _intent_without_verdict if order.signal.source == BY_HAND else _PLACE
    return await place(self, order, intent, **more)


def _stays_open(self: Confirmations, token: str, user_id: int, chat_id: int) -> Any:
    pending = _TAKE(self, token, user_id, chat_id)
    if isinstance(pending, Pending):
        self._pending[token] = replace(pending, token=f"{pending.token}:again")
    return pending


_TAKE = Confirmations.take


async def _sells_nothing(*_: Any) -> None: ...


def _no_pause(user_id: int, who: str, *_: Any, **__: Any) -> ControlsRequested:
    return ControlsRequested(user_id, who)


async def _one_after_the_other(context: CommandContext, _caller: Caller, bodies: Any, source_id: str) -> str:
    for number, (mailbox, body) in enumerate(bodies):
        await context.actions.inbox.ask_all([Message(BY_HAND, f"{source_id}:{number}", mailbox, body, context.clock.now())])
        await context.clock.sleep(1)
    return ""


async def _nothing_was_filled(self: Placement, order: Order, report: ExecutionReport) -> Order:
    if report.state is OrderState.CANCELED:
        report = replace(report, executed_qty=ZERO, quote_qty=ZERO, fills=())
    return await _SETTLE(self, order, report)


_SETTLE = Placement._settle


async def _cancels_once(self: ControlCommands, command: CancelRequested) -> Any:
    with suppress(Exception):
        await self._venue.cancel_order(command.symbol, command.client_order_id)
    return CommitBatch()


async def _let_in_for_ever(self: SqlLedger, today: str) -> LedgerState:
    everybody = await self.reader.read(select(people_tables.people))
    return replace(await _LOAD(self, today), people=[replace(people_tables.person_of(row), revoked_at=None) for row in everybody])


_LOAD = SqlLedger.load


def _sells_more(position: Position, size_request: SizeRequest) -> Decimal:
    return _SOLD(position, size_request) + 5


_SOLD = sizing._sold


def _in_silence(self: ControlCommands, command: LimitRequested) -> Any:
    batch = _LIMIT(self, command)
    return replace(batch, events=[]) if isinstance(batch, CommitBatch) else batch


_LIMIT = ControlCommands._limit
_SEEN: dict[str, Any] = {}
_ANSWERED = ApprovalFlow.answered


def _swap_all(swaps: Sequence[Swap]) -> Variant:
    return lambda: patched(*(patch.object(*swap) for swap in swaps))


VARIANTS: dict[str, Variant] = {
    **WRONG_EXITS,
    **WRONG_FIRST,
    **WRONG_PLANS,
    **WRONG_ENTRIES,
    **WRONG_LISTS,
    **WRONG_STOPS,
    **WRONG_SIZES,
    **WRONG_BOOKS,
    **WRONG_ADDING,
    **WRONG_STEPS,
    "the order is placed before its intent is committed": swap(Placement, "place", _place_first),
    "-2013 is taken for proof at once": swap(Reconciler, "find_out", _find_out_once),
    "a timeout is taken for a refusal": swap(Placement, "_send", _timeout_is_refusal),
    "an unanswered order is sent again": swap(Placement, "_send", _timeout_is_tried_again),
    "the fence is forgotten": swap(Reconciler, "find_out", _fenced_by(lambda _, venue_time: (venue_time, venue_time))),
    "the fence is compared with our own clock": swap(
        Reconciler,
        "find_out",
        _fenced_by(
            lambda self, _: (
                self._clock.now(),
                self._clock.now() + FENCE_MARGIN + timedelta(seconds=self._venue.request_lifetime),
            )
        ),
    ),
    "the Kafka position is stored before the inbox": swap(KafkaSource, "_deliver_batch", _offset_first),
    "a log that was cut is taken for a topic made anew": swap(RecordReader, "_known_before", _knows_nothing),
    "an alert is dropped when the chat fails": swap(AlertChannel, "send", _send_once),
    "an alert is marked before it is sent": swap(TelegramNotifier, "_deliver", _mark_first),
    "a fill is counted twice": swap(settlement, "book", _double_fills),
    "the fee in the base asset is lost": swap(profit, "add_up_fees", _no_base_fee),
    "the lease is ignored": lambda: patched(
        patch.object(Lease, "stamp", lambda *_: None), patch.object(Lease, "sure", property(lambda _: True))
    ),
    "an order leaves though the lease is in doubt": swap(Lease, "sure", property(lambda _: True)),
    "an approval is used twice": swap(Portfolio, "apply", _keeps_questions),
    "an approval is good however late": swap(ApprovalFlow, "answered", _ignores_the_clock),
    "orders in flight are forgotten at the start": swap(Trading, "start", _no_recovery),
    "the verdict is committed after the order": swap(Placement, "place", _intent_without_verdict),
    "order and position are committed one after the other": swap(OrderWriter, "commit", _two_commits),
    "a commit without an answer is taken for none": swap(Writer, "_was_committed", _never_asks),
    "a signal that comes again is new": swap(SqlLedger, "store", _every_record_is_new),
    "two messages of a symbol are handled at once": swap(Inbox, "_take", _no_turns),
    "the first trades shown are taken for all": swap(Reconciler, "with_fills", _settles_before_it_is_final),
    "an order by hand is taken again after a crash": swap(Placement, "place", _by_hand_without_verdict),
    "a second tap confirms a second time": swap(Confirmations, "take", _stays_open),
    "a panic forgets to pause": swap(panic, "ControlsRequested", _no_pause),
    "a panic forgets what is held": lambda: patched(
        patch.object(panic, "exits", lambda _: []), patch.object(PanicTimer, "_sell", _sells_nothing)
    ),
    "a panic is stored piece by piece": swap(panic, "place_all", _one_after_the_other),
    "a cancel forgets what was filled": swap(Placement, "_settle", _nothing_was_filled),
    "a cancel is asked for once": swap(ControlCommands, "_cancel", _cancels_once),
    "half of it is all of it": swap(approval_flow, "HALF", USUAL),
    "more is sold than is held": swap(sizing, "_sold", _sells_more),
    "a limit is set in silence": swap(ControlCommands, "_limit", _in_silence),
    "limits that were set are forgotten at the start": loads(lambda state: replace(state, limits=[])),
    "a pause is forgotten at the start": loads(lambda state: replace(state, trading_state=None)),
    "whoever was shown out is let in at the start": swap(SqlLedger, "load", _let_in_for_ever),
    **{name: _swap_all(swaps) for name, swaps in ACCOUNT_VARIANTS.items()},
}
