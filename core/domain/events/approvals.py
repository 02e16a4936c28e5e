"""Events about approvals."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from core.domain.approval import Approval
from core.domain.events.priority import Priority
from core.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class ApprovalRequested:
    """The owner is asked. `base` and `quote` name the assets; `half` is the quantity that half of it would be, None where that is
    too little to trade. `worth` is what it comes to and `capital` what there is, positions at their cost, in the asset `report`
    (None where it is not known; an older event has its capital in quote asset, and no `report`). `rules` are what each rule
    measured: name, value, limit and unit. `cost` is what one unit of base that is to be sold has cost."""

    approval: Approval
    base: str
    quote: str
    half: Decimal | None = None
    capital: Decimal | None = None
    rules: tuple[tuple[str, str, str, str], ...] = ()
    cost: Decimal | None = None
    worth: Decimal | None = None
    report: str = ""
    kind: Literal["approval_requested"] = "approval_requested"
    priority: Priority = Priority.URGENT


@dataclass(frozen=True, slots=True)
class ApprovalClosed:
    """The question is answered, withdrawn or out of time; the message that asked becomes the record.
    `reason` says why nothing is traded, None where an order follows."""

    approval: Approval
    base: str
    quote: str
    reason: Reason | None = None
    kind: Literal["approval_closed"] = "approval_closed"
    priority: Priority = Priority.URGENT
