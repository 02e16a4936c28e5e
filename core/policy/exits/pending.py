"""The rules of a pending exit: when it is retried, how much of it is left, and what ends it. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.domain.events.orders import OrderFailed
from core.domain.events.signals import ExitPending
from core.domain.events.table import Event
from core.domain.instrument import Instrument
from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.pending_exit import PendingExit
from core.domain.position import Position
from core.domain.reasons import Reason
from core.domain.signal import Side, Signal
from core.policy.decision_context import RiskLimits
from core.policy.exits.pauses import LONGEST_PAUSE_SECONDS, is_over
from core.policy.exits.too_little import TOO_LITTLE

_PAUSES = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # seconds before the next attempt, by the number of failures in a row
_JUST_AFTER = timedelta(milliseconds=1)
_AFTER_A_PART = timedelta(seconds=1)  # the order book was empty: give it a moment to fill
PASSING = frozenset({"unknown_symbol", "not_trading", "market_orders_off", "nothing_free"})
"""Reasons why an exit cannot be sent at the moment: it waits from the first. Once pending it waits for everything but its end."""
ENDS = frozenset({"expired", "no_position", "held_by_others", "below_min_qty", "panic_over", TOO_LITTLE})
"""Reasons that end a pending exit: too old, taken back, or nothing is left that an order may ask for or could sell."""
ALL_SOLD = frozenset({"no_position", "held_by_others", "below_min_qty"})


def of_order(order: Order, held: Decimal, now: datetime) -> PendingExit | None:
    """Returns the exit that an unsettled sale is the first attempt at, for a ledger older than pending exits; None if it is an
    entry, or the exchange has named it already, as with an adopted order: nobody knows who requested that. `held` is the symbol's
    position, in base asset. Never sells more than was ordered then."""
    if order.side is not Side.SELL or not held or order.order_id is not None or order.signal.is_again:
        return None
    since, by, at = min(order.signal.ts, now), order.approved_by, order.approved_at
    return PendingExit(order.signal, min(order.qty, held), since, now, approved_by=by, approved_at=at)


def waits(why: Reason, *, pending: bool, lasts: bool, part: bool = False) -> bool:
    """Tells whether an exit of an open position, refused for `why`, waits and is retried. `pending` if it is pending already,
    `lasts` if nothing but its owner ends it (a panic), `part` if a person asks for less than the whole position.

    An amount that the symbol's current rules do not let an order ask for is not sold: the rules may change again, and if they
    do not, the exit ends with an alert when it gets too old.
    """
    if why.code in ALL_SOLD:
        return not lasts and (pending or not part)
    return why.code not in ENDS if pending else why.code in PASSING


def put_off(
    pending: PendingExit, why: Reason, now: datetime, limits: RiskLimits, retry_after: float = 0.0
) -> tuple[PendingExit, bool]:
    """Returns the exit after an attempt that sold nothing, and whether that needs reporting. Waits `retry_after` (seconds), but
    not beyond the exit's own end: that is reported in time."""
    pause = timedelta(seconds=max(_PAUSES[min(pending.failures, len(_PAUSES) - 1)], min(retry_after, LONGEST_PAUSE_SECONDS)))
    end = good_until(pending, limits)
    due_at = now + pause if end is None else min(now + pause, max(end + _JUST_AFTER, now))
    is_news = pending.why is None or pending.why.code != why.code
    after = replace(pending, due_at=due_at, failures=pending.failures + 1, why=why, until=end)
    return after, is_news


def is_due(pending: PendingExit, now: datetime) -> bool:
    """Tells whether it is to be retried."""
    return is_over(pending.due_at, now)


def after_fills(pending: PendingExit, order: Order, position: Position, instrument: Instrument, now: datetime) -> PendingExit:
    """Returns the exit after an order that sold something and left `position`: what is left of it is due, or it is over."""
    left = min(pending.qty - order.executed_qty, position.qty)
    if not position.is_open or instrument.is_remainder(left, order.average_price):
        return replace(pending, qty=max(left, Decimal(0)), ended_at=now)
    due_at = now if order.state is OrderState.FILLED else now + _AFTER_A_PART
    return replace(pending, qty=left, due_at=due_at, failures=0, why=None, until=None)


def after_purchase(pending: PendingExit | None, bought: Decimal) -> list[PendingExit]:
    """Returns the exit of a position for which an entry that rested when it came has `bought` more (base asset): that is sold
    with it, unless a part is wanted."""
    if pending is None or not pending.is_open or not pending.sells_all or bought <= 0:
        return []
    return [replace(pending, qty=pending.qty + bought)]


def good_until(pending: PendingExit, limits: RiskLimits) -> datetime | None:
    """Returns when it is given up, with an alert; None for a panic, which lasts."""
    return (
        None
        if pending.signal.is_panic
        else max(pending.since, pending.approved_at or pending.since) + pending.signal.good_for(limits.exit_max_age)
    )


def waiting_event(pending: PendingExit, signal: Signal, seq: int, limits: RiskLimits) -> ExitPending:
    """Returns the event that reports what a pending exit waits for; `seq` is the message of the attempt."""
    if pending.why is None:
        raise ValueError("it waits for nothing")
    return ExitPending(signal, pending.why, good_until(pending, limits), seq)


def after_failure(
    pending: PendingExit | None, order: Order, now: datetime, limits: RiskLimits, retry_after: float = 0.0
) -> tuple[list[PendingExit], list[Event]]:
    """Returns what follows from an order that sold nothing: a pending exit waits, and reports so once; any other order failed."""
    if pending is None or order.reason is None:
        return [], [OrderFailed(order)]
    after, is_news = put_off(pending, order.reason, now, limits, retry_after)
    return [after], [waiting_event(after, order.signal, order.inbox_seq, limits)] if is_news else []
