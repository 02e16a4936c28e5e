"""An entry at a limit of its own: how its source wants it placed, and for how long it may wait."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from core.domain.order_terms import OrderType, TimeInForce


class OnTimeout(StrEnum):
    """The choice for what an entry has not bought when its time is over: left, taken within the price band, or chased."""

    CANCEL = "cancel"
    MARKET = "market"
    REPRICE = "reprice"


@dataclass(frozen=True, slots=True)
class LimitEntry:
    """The order that an entry asks for: `type` is LIMIT or LIMIT_MAKER, `limit_price` (quote asset) the most that it may pay.
    One that may rest is taken off after `expires_in`, which is None for one that fills at once or not at all."""

    type: OrderType
    limit_price: Decimal
    time_in_force: TimeInForce | None = TimeInForce.GTC
    expires_in: timedelta | None = None
    on_timeout: OnTimeout = OnTimeout.CANCEL
