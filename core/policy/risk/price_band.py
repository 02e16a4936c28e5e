"""An entry far above the signal's price is not the trade that was meant."""

from core.domain.money import plain
from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.policy.decision_context import DecisionContext
from core.policy.risk.rule import Entry, RuleMeasurement
from core.policy.sizing.market_orders import SizedOrder


def price_band(signal: Signal, sized: SizedOrder, decision_context: DecisionContext) -> Reason | None:
    """Refuses an entry if the market has moved more than PRICE_BAND_PCT above the signal's price. Exits are always allowed."""
    if sized.side is Side.SELL:
        return None
    moved = signal.moved(sized.price)
    limit = decision_context.limits.price_band_pct
    if moved <= limit:
        return None
    return reason("price_band", moved=f"{moved:+.2f}", close=plain(signal.close), price=plain(sized.price), limit=plain(limit))


def measure_price_band(signal: Signal, entry: Entry, decision_context: DecisionContext) -> RuleMeasurement | None:
    """Returns the market's move since the signal, in per cent."""
    if entry.price is None:
        return None
    limit = plain(decision_context.limits.price_band_pct)
    return RuleMeasurement("price_band", f"{signal.moved(entry.price):+.2f}", limit, "%")
