"""A maximum fall of the equity from its peak: beyond it no entries until somebody has looked, and resets it."""

from decimal import Decimal

from core.domain.money import plain
from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.policy.decision_context import DecisionContext
from core.policy.drawdown import drawdown_pct, follow
from core.policy.risk.rule import Entry, RuleMeasurement
from core.policy.sizing.order_size import SizedOrder


def drawdown(_signal: Signal, sized: SizedOrder, decision_context: DecisionContext) -> Reason | None:
    """Refuses an entry while the equity is MAX_DRAWDOWN_PCT or more below its peak, or unknown. Exits are always allowed."""
    limit = decision_context.limits.max_drawdown_pct
    if sized.side is Side.SELL or limit is None:
        return None
    found = _drawdown(decision_context)
    if isinstance(found, Reason):
        return found
    return reason("drawdown", pct=f"{found:.2f}", limit=plain(limit)) if found >= limit else None


def measure_drawdown(_signal: Signal, _entry: Entry, decision_context: DecisionContext) -> RuleMeasurement | None:
    """Returns how far the equity is below its peak, in per cent."""
    limit, found = decision_context.limits.max_drawdown_pct, _drawdown(decision_context)
    return None if limit is None or isinstance(found, Reason) else RuleMeasurement("drawdown", f"{found:.2f}", plain(limit), "%")


def _drawdown(decision_context: DecisionContext) -> Decimal | Reason:
    funds, report = decision_context.funds, decision_context.limits.report_asset
    if isinstance(funds, Reason):
        return funds
    return drawdown_pct(follow(decision_context.equity_mark, funds, report, decision_context.now))
