"""After several losses in a row something is wrong with the strategy or the market: entries wait for their owner."""

from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.policy.decision_context import DecisionContext
from core.policy.risk.rule import Entry, RuleMeasurement
from core.policy.sizing.order_size import SizedOrder


def losing_exits(_signal: Signal, sized: SizedOrder, decision_context: DecisionContext) -> Reason | None:
    """Refuses an entry once the last MAX_LOSING_EXITS positions were closed at a loss, until somebody resets it. Exits are always
    allowed."""
    limit, found = decision_context.limits.max_losing_exits, decision_context.losing_exits
    if sized.side is Side.SELL or limit is None or found < limit:
        return None
    return reason("losing_exits", count=found, limit=limit)


def measure_losing_exits(_signal: Signal, _entry: Entry, decision_context: DecisionContext) -> RuleMeasurement | None:
    """Returns how many positions in a row were closed at a loss."""
    limit = decision_context.limits.max_losing_exits
    return None if limit is None else RuleMeasurement("losing_exits", str(decision_context.losing_exits), str(limit))
