"""The plan of one entry, and how far it is carried out."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.domain.exit_plan import ExitPlan
from core.domain.reasons import Reason
from core.domain.strategy_book import DEFAULT_STRATEGY, StrategyBook


class PlanState(StrEnum):
    """The states of a plan. EXPOSED: something is held that no order on the exchange protects as the plan wants."""

    ENTERING = "ENTERING"
    EXPOSED = "EXPOSED"
    GUARDED = "GUARDED"
    CLOSED = "CLOSED"
    MISSED = "MISSED"

    @property
    def is_over(self) -> bool:
        """Tells whether the plan wants nothing any more: it was carried out, or its entry bought nothing."""
        return self in {self.CLOSED, self.MISSED}


class ChangeCause(StrEnum):
    """The causes why a plan changes: a target has sold, the market has come far enough, a person wants it, its stop follows the
    market, its entry filled at another price than its exits were counted from, or more was bought."""

    TARGET = "target"
    PRICE = "price"
    PERSON = "person"
    TRAILING = "trailing"
    FILL = "fill"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class PlanChange:
    """A change of a plan. `number` is the target that has sold, of the plan's `count`; `by` is the person. `is_new`: the position
    had none, or the stop begins to follow."""

    cause: ChangeCause
    number: int = 0
    count: int = 0
    by: str = ""
    is_new: bool = False

    @property
    def is_told(self) -> bool:
        """Tells whether the owner hears of it: of a stop that follows the market when it begins to, and not at each step; and
        what a purchase changes is told with it."""
        return self.is_new or self.cause not in {ChangeCause.TRAILING, ChangeCause.FILL, ChangeCause.ADDED}


@dataclass(frozen=True, slots=True)
class PartSold:
    """A target that has sold a `part` of its share so far, above 0 and below 1. It is known by its `price` (quote asset)."""

    price: Decimal
    part: Decimal


@dataclass(frozen=True, slots=True)
class TradePlan:
    """An entry and its exits. `plan_id` is the entry's client order id and `inbox_seq` its message; `entry_price` (quote asset)
    its average fill price, from which distances in per cent count. The next orders that protect it are of `generation`.
    `exposed_since` is when it lost, or did not yet have, its protection, `failures` counts the attempts since, and `why` is the
    reason of the last one. Nothing is done about it before `due_at`. `sold_at` are the prices of the targets that have sold their
    share, `part_sold` is of those that have sold a part of it. `change` is the last change of it, until what rests is as it
    wants. `strategy` is its entry's."""

    plan_id: str
    symbol: str
    exits: ExitPlan
    state: PlanState
    entry_price: Decimal
    created_at: datetime
    inbox_seq: int
    generation: int = 0
    failures: int = 0
    exposed_since: datetime | None = None
    why: Reason | None = None
    due_at: datetime | None = None
    closed_at: datetime | None = None
    sold_at: tuple[Decimal, ...] = ()
    part_sold: tuple[PartSold, ...] = ()
    change: PlanChange | None = None
    strategy: str = DEFAULT_STRATEGY

    @property
    def book(self) -> StrategyBook:
        """Returns the book whose position it protects."""
        return StrategyBook(self.symbol, self.strategy)

    @property
    def is_open(self) -> bool:
        """Tells whether it still wants anything."""
        return not self.state.is_over
