"""Refuses an approved entry whose position is not the one that its question showed: its exits would be others. Pure."""

from core.domain.approval import Approval
from core.domain.position import Position
from core.domain.reasons import Reason, reason
from core.domain.signal import Side


def other_position(approval: Approval, position: Position) -> Reason | None:
    """Returns why an entry may not be made as it was shown: it was to open a position and one is open, or it was to add to one
    that has been closed since; None if it may, and for an exit. One that opens a position names its steps, if only none."""
    if approval.side is Side.SELL:
        return None
    opens = approval.signal.steps is not None
    if opens:
        return reason("opened_since", symbol=approval.signal.symbol) if position.is_open else None
    return None if position.is_open else reason("closed_since", symbol=approval.signal.symbol)
