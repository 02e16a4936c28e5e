"""A question to the owner: may this be traded? Stored, valid once, and only in time."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.domain.signal import Side, Signal
from core.domain.trade_size import Sizing


class ApprovalState(StrEnum):
    """The states of an approval. Every state but OPEN is final."""

    OPEN = "OPEN"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval request. `token` identifies it in the buttons (unguessable, 16 characters). `qty` (base asset) and `price`
    (quote asset) are those shown when it was asked; both are recalculated at the tap. `decided_by` names the person. `sizing` is
    how `qty` was computed, where it was."""

    token: str
    signal: Signal
    inbox_seq: int
    side: Side
    qty: Decimal
    price: Decimal
    state: ApprovalState
    asked_at: datetime
    expires_at: datetime
    decided_at: datetime | None = None
    decided_by: str | None = None
    sizing: Sizing | None = None
