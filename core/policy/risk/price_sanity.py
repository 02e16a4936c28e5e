"""A signal whose price is far off this market was meant for another one, or sent by mistake."""

from decimal import Decimal

from core.domain.money import HUNDRED, divide, multiply, plain
from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.policy.decision_context import DecisionContext
from core.policy.risk.rule import Entry, RuleMeasurement
from core.policy.sizing.order_size import SizedOrder

TENFOLD = Decimal(10)


def price_sanity(signal: Signal, sized: SizedOrder, decision_context: DecisionContext) -> Reason | None:
    """Refuses an entry whose signal's price is further than PRICE_SANITY_PCT from the market, in either direction, and an exit
    if the two differ more than tenfold.

    An exit that a person ordered or approved passes, as does one of a position's plan, one whose market price is unknown, and a
    retry: it was judged when it came, and since then the market may have fallen. A refused exit is exposed to the whole fall of
    a market.
    """
    if decision_context.quote is None:
        return None
    if sized.side is Side.SELL:
        judged = decision_context.by_hand or decision_context.approved_at is not None or signal.is_again or signal.is_planned
        refused = not judged and sized.price > 0 and not is_within(TENFOLD, signal.close, sized.price)
    else:
        refused = off_by(signal.close, sized.price) > decision_context.limits.price_sanity_pct
    return reason("price_sanity", close=plain(signal.close), price=plain(sized.price)) if refused else None


def measure_price_sanity(signal: Signal, entry: Entry, decision_context: DecisionContext) -> RuleMeasurement | None:
    """Returns how far the signal's price is from the market, in per cent."""
    if entry.price is None:
        return None
    limit = plain(decision_context.limits.price_sanity_pct)
    return RuleMeasurement("price_sanity", f"{off_by(signal.close, entry.price):.2f}", limit, "%")


def off_by(close: Decimal, market: Decimal) -> Decimal:
    """Returns how far `close` is from `market`, in per cent of the market, in either direction; both in quote asset."""
    return divide(multiply(abs(close - market), HUNDRED), market)


def is_within(times: Decimal, close: Decimal, market: Decimal) -> bool:
    """Tells whether neither of two prices is more than `times` the other."""
    return close <= multiply(market, times) and market <= multiply(close, times)
