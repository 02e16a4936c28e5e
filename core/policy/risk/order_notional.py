"""One order is worth at most so much."""

from core.domain.money import plain
from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.policy.conversion_rates import Unknown
from core.policy.decision_context import Picture
from core.policy.sizing.market_orders import Draft, amount


def order_notional(_signal: Signal, draft: Draft, picture: Picture) -> Reason | None:
    """Refuses an entry that may be worth more than MAX_ORDER_NOTIONAL (report asset), or of which nobody knows. Exits are always
    allowed."""
    if draft.side is Side.SELL:
        return None
    limits, rate = picture.limits, picture.rate(picture.instrument.quote if picture.instrument else "")
    if isinstance(rate, Unknown):
        return rate.reason
    worth = rate.at_most(draft.notional)
    if worth <= limits.max_order_notional:
        return None
    return reason("order_notional", value=amount(worth), quote=limits.report_asset, limit=plain(limits.max_order_notional))
