"""The state of a ledger at the moment at which a replay begins, from what was recorded before. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import takewhile

from core.domain.approval import Approval, ApprovalState
from core.domain.day_result import DayResult
from core.domain.instrument import Instrument
from core.domain.money import ZERO, divide, multiply
from core.domain.order import Booked, ExecutionReport, Fill, Order
from core.domain.order_state_machine import OrderState
from core.domain.position import Position
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import PlanState, TradePlan
from core.policy.exits.protection import STOPPED
from core.policy.profit import book
from core.records.ledger_state import LedgerState, TradingRecord
from core.records.recording import RecordedOrder, Recording


def state_at_start(recording: Recording, instruments: Mapping[str, Instrument]) -> LedgerState:
    """Returns what was open when the recording begins, and what limits and protections look back on."""
    since = recording.since
    if since is None:
        return LedgerState()
    resting = list(resting_orders(recording))
    books = {one.order.book for one in recording.orders.values() if _before(one, since)}
    positions = [_position(recording, of_book, instruments) for of_book in sorted(books)]
    return LedgerState(
        positions=[one for one in positions if one.qty],
        orders=[order_at(one, since) for one in resting],
        plans=[_plan_at(one, since, resting) for one in recording.plans if _was_open(one, since)],
        approvals=list(open_approvals(recording)),
        today=_results_of_day(recording, since),
        record=_record(recording, since),
    )


def open_approvals(recording: Recording) -> Iterator[Approval]:
    """Yields the approvals that were open when the recording begins."""
    since = recording.since
    for one in recording.approvals:
        if since is not None and one.asked_at < since and (one.decided_at is None or one.decided_at >= since):
            yield replace(one, state=ApprovalState.OPEN, decided_at=None, decided_by=None)


def resting_orders(recording: Recording) -> Iterator[RecordedOrder]:
    """Yields the orders that rested on the exchange when the recording begins."""
    since = recording.since
    for one in recording.orders.values():
        order = one.order
        if since is None or order.created_at >= since or not order.terms.may_rest or order.order_id is None:
            continue
        if not order.state.final or order.updated_at >= since:
            yield one


def order_at(recorded: RecordedOrder, at: datetime) -> Order:
    """Returns an order that rests as it was at that moment."""
    fills = _before(recorded, at)
    executed = sum((fill.qty for fill in fills), ZERO)
    worth = sum((multiply(fill.qty, fill.price) for fill in fills), ZERO)
    state = OrderState.PARTIALLY_FILLED if executed else OrderState.ACCEPTED
    moved = replace(recorded.order, state=state, executed_qty=executed, quote_qty=worth, reason=None, updated_at=at)
    return replace(moved, booked=Booked())


def _before(recorded: RecordedOrder, at: datetime) -> tuple[Fill, ...]:
    return tuple(fill for fill in recorded.fills if fill.at < at)


def _position(recording: Recording, of_book: StrategyBook, instruments: Mapping[str, Instrument]) -> Position:
    """Returns what a book held, by the recorded fills of before."""
    position, since = Position.empty(of_book), recording.since or recording.until
    own = [one for one in recording.orders.values() if one.order.book == of_book]
    done = [(fills[0].at, one, fills) for one in own if (fills := _before(one, since))]
    for _, one, fills in sorted(done, key=lambda each: each[0]):
        report = _report(one.order, fills)
        order = replace(one.order, executed_qty=report.executed_qty, quote_qty=report.quote_qty)
        rates = _rates(recording, one)
        position = book(order, report, position, instruments[of_book.symbol], rates).position
    return position


def _report(order: Order, fills: tuple[Fill, ...]) -> ExecutionReport:
    executed = sum((fill.qty for fill in fills), ZERO)
    return ExecutionReport(
        client_order_id=order.client_order_id,
        order_id=order.order_id or "",
        symbol=order.symbol,
        side=order.side,
        state=order.state if executed == order.executed_qty else OrderState.PARTIALLY_FILLED,
        executed_qty=executed,
        quote_qty=sum((multiply(fill.qty, fill.price) for fill in fills), ZERO),
        at=fills[-1].at,
        fills=fills,
    )


def _rates(recording: Recording, recorded: RecordedOrder) -> Mapping[str, Decimal]:
    """Returns what a third asset was worth that paid the order's commissions."""
    value = recording.fee_values.get(recorded.order.client_order_id)
    paid = sum((fill.fee for fill in recorded.fills), ZERO)
    return {recorded.fills[0].fee_asset: divide(value, paid)} if value is not None and paid else {}


def _was_open(plan: TradePlan, since: datetime) -> bool:
    return plan.created_at < since and (plan.closed_at is None or plan.closed_at >= since)


def _plan_at(plan: TradePlan, since: datetime, resting: list[RecordedOrder]) -> TradePlan:
    """Returns a plan as it was, as far as that is known: guarded if its orders rested."""
    legs = [one.order.leg for one in resting if one.order.protects and one.order.leg is not None]
    own = [leg.generation for leg in legs if leg.plan_id == plan.plan_id]
    if own:
        return replace(plan, state=PlanState.GUARDED, generation=max(own) + 1, exposed_since=None, closed_at=None, why=None)
    return replace(plan, state=PlanState.EXPOSED, exposed_since=since, closed_at=None, due_at=None, why=None)


def _results_of_day(recording: Recording, since: datetime) -> list[DayResult]:
    day, sums = since.date(), dict[str, Decimal]()
    for one in recording.executions:
        if one.profit_quote is not None and one.executed_at < since and one.executed_at.date() == day:
            sums[one.quote_asset] = sums.get(one.quote_asset, ZERO) + one.profit_quote
    return [DayResult(day.isoformat(), asset, profit, 0, 0) for asset, profit in sums.items()]


def _record(recording: Recording, since: datetime) -> TradingRecord:
    reset = recording.loss_reset
    counted = [one for one in recording.trades if one.closed_at < since and (reset is None or one.closed_at > reset.at)]
    stops = [one for one in recording.executions if one.executed_at < since and one.signal_type == STOPPED]
    losing = {}
    for name in {one.strategy for one in counted}:
        own = (one for one in reversed(counted) if one.strategy == name)
        losing[name] = sum(1 for _ in takewhile(lambda one: one.profit < 0, own))
    return TradingRecord(stopped={one.symbol: one.executed_at for one in stops}, losing_exits=losing)
