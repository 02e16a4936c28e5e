"""The time limit of a plan: when its position is sold whatever the price, and which exits of plans are void. Pure."""

from datetime import datetime

from core.domain.plan_leg import leg_of
from core.domain.signal import Signal
from core.domain.trade_plan import TradePlan

TIMED_OUT = "SELL_TIME_LIMIT"


def ends_at(plan: TradePlan) -> datetime | None:
    """Returns when the position is sold at the latest; None if there is no limit."""
    return None if plan.exits.time_limit is None else plan.created_at + plan.exits.time_limit


def is_over(plan: TradePlan, now: datetime) -> bool:
    """Tells whether the time of the plan is over."""
    end = ends_at(plan)
    return end is not None and now >= end


def is_void(signal: Signal, plan: TradePlan | None, now: datetime) -> bool:
    """Tells whether an exit that a plan has made comes too late: `plan`, the one of its symbol now, is another one, or has more
    time. What waited in the symbol's mailbox may have been overtaken there by the end of its plan and a new entry."""
    if not signal.is_planned or signal.is_again or signal.step is not None:
        return False
    leg = leg_of(signal.signal_id)
    if plan is None or leg is None or leg.plan_id != plan.plan_id:
        return True
    return signal.signal_type == TIMED_OUT and not is_over(plan, now)
