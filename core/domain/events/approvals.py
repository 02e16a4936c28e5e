"""Events about approvals."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from core.domain.approval import Approval
from core.domain.events.priority import Priority
from core.domain.exit_plan import ExitPlan
from core.domain.position import Position
from core.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class ApprovalRequested:
    """The owner is asked. `base` and `quote` name the assets; `half` is half the quantity, None if that is too little to trade.
    `worth` is the trade's worth and `capital` the total, positions at their cost, in the asset `report` (None if unknown; an
    older event has its capital in quote asset, and no `report`). `rules` are each rule's measurements: name, value, limit and
    unit. `cost` is the cost of one unit of base that is to be sold. `plan` is the exit plan that an entry brings; its prices are
    multiples of `price_step`. `position` is the one that an entry adds to, by at most `most_entries`; its `plan` is then what all
    that is held would have. `steps` are those of an entry as they are expected: limit (quote asset) and quantity of each."""

    approval: Approval
    base: str
    quote: str
    half: Decimal | None = None
    capital: Decimal | None = None
    rules: tuple[tuple[str, str, str, str], ...] = ()
    cost: Decimal | None = None
    worth: Decimal | None = None
    report: str = ""
    plan: ExitPlan | None = None
    price_step: Decimal = Decimal(0)
    position: Position | None = None
    most_entries: int = 1
    steps: tuple[tuple[Decimal, Decimal], ...] = ()
    kind: Literal["approval_requested"] = "approval_requested"
    priority: Priority = Priority.URGENT


@dataclass(frozen=True, slots=True)
class ApprovalClosed:
    """The approval was answered, withdrawn or has expired; the message that asked becomes the record. `reason` says why nothing
    is traded, None if an order follows."""

    approval: Approval
    base: str
    quote: str
    reason: Reason | None = None
    kind: Literal["approval_closed"] = "approval_closed"
    priority: Priority = Priority.URGENT
