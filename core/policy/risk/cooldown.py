"""After a stop the market that hit it is left alone for a while: entries in the symbol wait."""

from datetime import timedelta

from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.policy.decision_context import DecisionContext
from core.policy.risk.rule import Entry, RuleMeasurement
from core.policy.sizing.order_size import SizedOrder


def cooldown(signal: Signal, sized: SizedOrder, decision_context: DecisionContext) -> Reason | None:
    """Refuses an entry for COOLDOWN_AFTER_STOP after a stop sold in its symbol. Exits are always allowed."""
    limit, since = decision_context.limits.cooldown_after_stop, _since(decision_context)
    if sized.side is Side.SELL or limit is None or since is None or since >= limit:
        return None
    # A clock that was set back makes nobody wait longer than the setting says.
    left = min(limit - since, limit)
    return reason("cooldown", symbol=signal.symbol, left=f"{left.total_seconds():.0f}", limit=f"{limit.total_seconds():g}")


def measure_cooldown(_signal: Signal, _entry: Entry, decision_context: DecisionContext) -> RuleMeasurement | None:
    """Returns the seconds since a stop last sold in the symbol."""
    limit, since = decision_context.limits.cooldown_after_stop, _since(decision_context)
    if limit is None or since is None:
        return None
    return RuleMeasurement("cooldown", f"{since.total_seconds():.0f}", f"{limit.total_seconds():g}", "s")


def _since(decision_context: DecisionContext) -> timedelta | None:
    at = decision_context.stopped_at
    return None if at is None else decision_context.now - at
