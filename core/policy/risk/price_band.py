"""An entry far above the signal's price is not the trade that was meant."""

from decimal import Decimal

from core.domain.money import plain
from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.policy.decision_context import DecisionContext
from core.policy.risk.rule import Entry, RuleMeasurement
from core.policy.sizing.order_size import SizedOrder


def price_band(signal: Signal, sized: SizedOrder, decision_context: DecisionContext) -> Reason | None:
    """Refuses an entry if the market has moved more than PRICE_BAND_PCT above the signal's price. Exits are always allowed."""
    if sized.side is Side.SELL:
        return None
    limit = decision_context.limits.price_band_pct
    if signal.entry is not None:  # wherever the market is: it pays its own limit at most
        return _limit_too_high(signal, sized.worst_price, limit)
    moved = signal.moved(sized.price)
    if moved <= limit and sized.price <= sized.worst_price:  # the band's edge is rounded down to the symbol's tick
        return None
    return reason("price_band", moved=f"{moved:+.2f}", close=plain(signal.close), price=plain(sized.price), limit=plain(limit))


def _limit_too_high(signal: Signal, limit_price: Decimal, limit: Decimal) -> Reason | None:
    moved = signal.moved(limit_price)
    if moved <= limit:
        return None
    return reason(
        "entry_price_band", moved=f"{moved:.2f}", close=plain(signal.close), price=plain(limit_price), limit=plain(limit)
    )


def measure_price_band(signal: Signal, entry: Entry, decision_context: DecisionContext) -> RuleMeasurement | None:
    """Returns the market's move since the signal, in per cent; of an entry at a limit of its own, that of its limit."""
    price = entry.price if signal.entry is None else entry.worst_price
    if price is None:
        return None
    limit = plain(decision_context.limits.price_band_pct)
    return RuleMeasurement("price_band", f"{signal.moved(price):+.2f}", limit, "%")
