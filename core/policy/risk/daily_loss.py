"""After a bad day, no new entries until the next one (UTC)."""

from decimal import Decimal

from core.domain.money import EXACT, ZERO, amount, on_grid, plain
from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.policy.conversion_rates import Unknown
from core.policy.decision_context import DecisionContext
from core.policy.risk.rule import Entry, RuleMeasurement
from core.policy.sizing.order_size import SizedOrder


def daily_loss(_signal: Signal, sized: SizedOrder, decision_context: DecisionContext) -> Reason | None:
    """Refuses an entry once today's net result in the report asset is at or below -DAILY_LOSS_LIMIT, or unknown."""
    if sized.side is Side.SELL:
        return None
    limits, found = decision_context.limits, result_today(decision_context)
    if isinstance(found, Reason):
        return found
    if found > -limits.daily_loss_limit:
        return None
    limit = plain(limits.daily_loss_limit)
    return reason("daily_loss", result=amount(found), quote=limits.report_asset, limit=limit)


def measure_daily_loss(_signal: Signal, _entry: Entry, decision_context: DecisionContext) -> RuleMeasurement | None:
    """Returns today's net result, in the report asset."""
    limits, result = decision_context.limits, result_today(decision_context)
    if isinstance(result, Reason):
        return None
    return RuleMeasurement("daily_loss", plain(on_grid(result)), plain(-limits.daily_loss_limit), limits.report_asset)


def result_today(decision_context: DecisionContext) -> Decimal | Reason:
    """Returns today's results of every quote asset in the report asset, each at its worst current rate; or why it is unknown."""
    if decision_context.results_today is None:
        return reason("daily_loss_unknown", quote=decision_context.limits.report_asset)
    total = ZERO
    for asset, result in sorted(decision_context.results_today.items()):
        rate = decision_context.rate(asset)
        if isinstance(rate, Unknown):
            return rate.reason
        total = EXACT.add(total, rate.at_worst(result))
    return total
