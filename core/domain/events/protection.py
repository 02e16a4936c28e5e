"""Events about the protection of a position."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from core.domain.events.priority import Priority
from core.domain.reasons import Reason
from core.domain.strategy_book import DEFAULT_STRATEGY
from core.domain.trade_plan import PlanChange, TradePlan


@dataclass(frozen=True, slots=True)
class ProtectionFailed:
    """A position of `qty` (base asset) is not protected on the exchange as its plan wants, since `since`; `why` says why. It is
    tried again. `seq` is the message of its entry. `stop_stays` is the price (quote asset) at which an earlier stop still rests,
    because it could not be moved."""

    symbol: str
    qty: Decimal
    since: datetime
    why: Reason
    seq: int
    kind: Literal["protection_failed"] = "protection_failed"
    priority: Priority = Priority.URGENT
    stop_stays: Decimal | None = None
    strategy: str = DEFAULT_STRATEGY


@dataclass(frozen=True, slots=True)
class ProtectionRestored:
    """A position whose missing protection was reported is protected again. `seq` is the message of its entry."""

    symbol: str
    seq: int
    kind: Literal["protection_restored"] = "protection_restored"
    priority: Priority = Priority.URGENT
    strategy: str = DEFAULT_STRATEGY


@dataclass(frozen=True, slots=True)
class PlanChanged:
    """The plan of a position was changed, for the reason of `change`, and its orders rest as it wants now. `plan` has its levels
    as prices. `seq` is the message that it came with."""

    symbol: str
    plan: TradePlan
    change: PlanChange
    seq: int
    kind: Literal["plan_changed"] = "plan_changed"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class PositionsBare:
    """Positions have no exit plan, as at the first start of a version that knows plans."""

    symbols: tuple[str, ...]
    kind: Literal["positions_bare"] = "positions_bare"
    priority: Priority = Priority.NORMAL
