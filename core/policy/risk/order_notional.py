"""One order is worth at most so much."""

from core.domain.money import plain
from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.policy.picture import Picture
from core.policy.sizing import Draft, amount


def order_notional(_signal: Signal, draft: Draft, picture: Picture) -> Reason | None:
    """Refuses an entry worth more than MAX_ORDER_NOTIONAL (quote asset). Exits are always allowed."""
    limit = picture.limits.max_order_notional
    if draft.side is Side.SELL or draft.notional <= limit:
        return None
    quote = picture.instrument.quote if picture.instrument else ""
    return reason("order_notional", value=amount(draft.notional), quote=quote, limit=plain(limit))
