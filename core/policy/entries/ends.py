"""Tells why an entry that rests is to be taken off the exchange. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.domain.order import Order
from core.domain.position import Position
from core.domain.reasons import Reason, reason
from core.domain.trade_plan import PlanState, TradePlan
from core.domain.trading_state import Mode, Pause, TradingState
from core.policy.entries.adding import is_added
from core.policy.entries.steps import belongs
from core.policy.risk.signal_age import CLOCK_TOLERANCE

TIMEOUT = "entry_timeout"
OVER, LEFT = "entry_over", "entry_left"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The state of an entry's book: its position and plan (None: it has none), and whether an exit is pending; whether its
    strategy is paused."""

    position: Position
    plan: TradePlan | None
    exit_pending: bool
    trading_state: TradingState
    is_paused: bool = False


def why_ends(order: Order, now: datetime, around: Surroundings) -> Reason | None:
    """Returns why an entry may rest no longer; None if it may. Whatever ends it for another reason than its time ends the wish to
    buy as well: those come first."""
    if order.signal.is_step and not belongs(order.signal.step, around.position):
        return reason(OVER)
    if around.trading_state.pause is not Pause.OFF or around.is_paused:
        return reason("entry_paused")
    if around.trading_state.mode is Mode.OBSERVE:
        return reason("entry_observed")
    if around.exit_pending:
        return reason(LEFT)
    if _has_sold(order, around):
        return reason("entry_sold")
    return timed_out(order, now)


def timed_out(order: Order, now: datetime) -> Reason | None:
    """Returns the end of its time; None while it lasts, and for a step, whose time is its position's. One whose time nobody knows
    has none left; nor has one whose end is further away than when it was sent: the clock was set back since."""
    if order.signal.is_step:
        return None
    if order.expires_at is None:
        return reason("entry_lost")
    length, left = order.expires_at - order.created_at, order.expires_at - now
    if left > length + CLOCK_TOLERANCE:
        return reason("entry_clock")
    return None if left > timedelta() else reason(TIMEOUT, seconds=f"{length.total_seconds():.0f}")


def _has_sold(order: Order, around: Surroundings) -> bool:
    """Tells whether some of what it bought is sold already: a plan loses its position by that alone. Of a position that it adds
    to some may have been sold before."""
    plan, position = around.plan, around.position
    is_gone = plan is not None and plan.state is PlanState.EXPOSED and not position.is_open
    return is_gone or (position.trip_sold > 0 and not _adds(order, around))


def _adds(order: Order, around: Surroundings) -> bool:
    if order.signal.is_step:  # of this position, see above
        return True
    if around.plan is not None:
        return is_added(around.plan, order)
    return around.position.opened_at is not None and order.created_at > around.position.opened_at
