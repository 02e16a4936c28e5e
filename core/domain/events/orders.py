"""Events about orders."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from core.domain.events.priority import Priority
from core.domain.order import Order
from core.domain.position import Execution, Position
from core.domain.trade_plan import TradePlan


@dataclass(frozen=True, slots=True)
class OrderExecuted:
    """An order ended with something filled. `order.state` tells whether all of it was (`order.qty` was asked). `position` is the
    position afterwards; `fee_value` is the fee in quote asset, None if it could not be valued.

    `plan` is the exit plan of an entry, or the one that the order was part of, its levels as prices. For an exit `protected` is
    how much of the position (base asset) the plan's other orders still sell on the exchange."""

    order: Order
    execution: Execution
    position: Position
    fee_value: Decimal | None
    kind: Literal["order_executed"] = "order_executed"
    priority: Priority = Priority.NORMAL
    plan: TradePlan | None = None
    protected: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OrderFailed:
    """An order ended with nothing filled: rejected by the venue, or never placed. `order.reason` says why."""

    order: Order
    kind: Literal["order_failed"] = "order_failed"
    priority: Priority = Priority.URGENT

    @property
    def fate_unknown(self) -> bool:
        """Tells whether it may have been filled all the same, and nobody can find out any more."""
        return self.order.reason is not None and self.order.reason.code == "fate_unknown"


@dataclass(frozen=True, slots=True)
class OrderUnanswered:
    """The venue did not answer; we are finding out. The outcome is reported as well."""

    order: Order
    kind: Literal["order_unanswered"] = "order_unanswered"
    priority: Priority = Priority.URGENT


@dataclass(frozen=True, slots=True)
class OrderAdopted:
    """The exchange had an order of this ledger's own mark that the ledger had lost; it is adopted. Its outcome is reported as any
    other's."""

    order: Order
    kind: Literal["order_adopted"] = "order_adopted"
    priority: Priority = Priority.URGENT
