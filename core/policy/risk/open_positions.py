"""At most so many positions at a time; entries under way count."""

from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.policy.decision_context import Picture
from core.policy.sizing.market_orders import Draft


def open_positions(_signal: Signal, draft: Draft, picture: Picture) -> Reason | None:
    """Refuses an entry when MAX_OPEN_POSITIONS are open or on their way. Exits are always allowed."""
    limit = picture.limits.max_open_positions
    if draft.side is Side.SELL or picture.open_count < limit:
        return None
    return reason("open_positions", count=picture.open_count, limit=limit)
