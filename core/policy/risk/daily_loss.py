"""After a bad day, no new entries until the next one (UTC)."""

from core.domain.money import plain
from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.policy.picture import Picture
from core.policy.sizing import Draft, amount


def daily_loss(_signal: Signal, draft: Draft, picture: Picture) -> Reason | None:
    """Refuses an entry once today's net result in the quote asset is at or below -DAILY_LOSS_LIMIT, or is not known."""
    if draft.side is Side.SELL:
        return None
    quote = picture.instrument.quote if picture.instrument else ""
    if picture.result_today is None:
        return reason("daily_loss_unknown", quote=quote)
    limit = picture.limits.daily_loss_limit
    if picture.result_today > -limit:
        return None
    return reason("daily_loss", result=amount(picture.result_today), quote=quote, limit=plain(limit))
