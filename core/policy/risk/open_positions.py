"""A maximum number of open positions; entries under way count."""

from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.policy.decision_context import DecisionContext
from core.policy.risk.rule import Entry, RuleMeasurement
from core.policy.sizing.order_size import SizedOrder


def open_positions(signal: Signal, sized: SizedOrder, decision_context: DecisionContext) -> Reason | None:
    """Refuses an entry if MAX_OPEN_POSITIONS are open or under way, of all strategies or of its own. What is added to one of them
    makes no other. Exits are always allowed."""
    limit, own = decision_context.limits.max_open_positions, decision_context.most_own
    held = int(decision_context.position.is_open)
    if sized.side is Side.SELL:
        return None
    if own is not None and decision_context.own_count - held >= own:
        return reason("own_positions", count=decision_context.own_count, limit=own, strategy=signal.strategy)
    if decision_context.open_count - held < limit:
        return None
    return reason("open_positions", count=decision_context.open_count, limit=limit)


def measure_open_positions(_signal: Signal, _entry: Entry, decision_context: DecisionContext) -> RuleMeasurement:
    """Returns the number of open positions, entries under way included."""
    limit = decision_context.limits.max_open_positions
    return RuleMeasurement("open_positions", str(decision_context.open_count), str(limit))
