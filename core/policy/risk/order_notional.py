"""A maximum worth of one order."""

from core.domain.money import amount, multiply, on_grid, plain
from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.policy.conversion_rates import Unknown
from core.policy.decision_context import DecisionContext
from core.policy.risk.rule import Entry, RuleMeasurement
from core.policy.sizing.order_size import SizedOrder


def order_notional(_signal: Signal, sized: SizedOrder, decision_context: DecisionContext) -> Reason | None:
    """Refuses an entry that may be worth more than MAX_ORDER_NOTIONAL (report asset), or whose worth is unknown. Exits are always
    allowed."""
    if sized.side is Side.SELL:
        return None
    limits, rate = (
        decision_context.limits,
        decision_context.rate(decision_context.instrument.quote if decision_context.instrument else ""),
    )
    if isinstance(rate, Unknown):
        return rate.reason
    worth = rate.at_most(sized.notional)
    if worth <= limits.max_order_notional:
        return None
    return reason("order_notional", value=amount(worth), quote=limits.report_asset, limit=plain(limits.max_order_notional))


def measure_order_notional(_signal: Signal, entry: Entry, decision_context: DecisionContext) -> RuleMeasurement | None:
    """Returns the most that the entry may be worth, in the report asset."""
    if entry.worst_price is None or entry.qty is None or decision_context.instrument is None:
        return None
    rate, limits = decision_context.rate(decision_context.instrument.quote), decision_context.limits
    if isinstance(rate, Unknown):
        return None
    worth = on_grid(rate.at_most(multiply(entry.qty, entry.worst_price)))
    return RuleMeasurement("order_notional", plain(worth), plain(limits.max_order_notional), limits.report_asset)
