"""A signal is good for a limited time: from when it was made, or since a person confirmed it. Steps and a panic's exits
never age."""

from datetime import datetime, timedelta

from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.domain.trading_state import Pause, TradingState
from core.policy.decision_context import DecisionContext, RiskLimits

CLOCK_TOLERANCE = timedelta(seconds=30)
_CLOCK_OFF = timedelta(seconds=5)


def lasts(signal: Signal, trading_state: TradingState) -> bool:
    """Tells whether `signal` never ages: a step, which is good while its position is open, and an exit of /panic, until somebody
    ends the pause that came with it."""
    return signal.is_step or (signal.is_panic and trading_state.pause is Pause.ALL)


def good_for(signal: Signal, limits: RiskLimits) -> timedelta:
    """Returns how old a signal may become: an entry SIGNAL_MAX_AGE, an exit EXIT_MAX_AGE, or its own `valid_for`."""
    return signal.good_for(limits.signal_max_age if signal.side is Side.BUY else limits.exit_max_age)


def signal_age(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """Refuses a signal that is too old, and an entry dated more than 30 s ahead of this machine's clock. A wrong clock never
    blocks an exit; and if it is ours that is wrong, by the exchange's clock, the sender is not blamed."""
    if lasts(signal, decision_context.trading_state):
        return None
    refused = _refused_at(decision_context.now, signal, decision_context)
    offset = decision_context.clock_offset
    if (
        refused is None
        or offset is None
        or abs(offset) < _CLOCK_OFF
        or _refused_at(decision_context.now + offset, signal, decision_context)
    ):
        return refused
    if signal.side is Side.SELL:
        return None
    return reason("clock_wrong", offset=f"{-offset.total_seconds():+.0f}")


def _refused_at(now: datetime, signal: Signal, decision_context: DecisionContext) -> Reason | None:
    age = now - max(decision_context.approved_at or signal.ts, signal.ts)
    limit = good_for(signal, decision_context.limits)
    if age > limit:
        return reason("expired", age=f"{age.total_seconds():.0f}", limit=f"{limit.total_seconds():.0f}")
    if signal.side is Side.BUY and -age > CLOCK_TOLERANCE:
        return reason("from_future", ahead=f"{-age.total_seconds():.0f}")
    return None
