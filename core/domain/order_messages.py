"""Messages about orders that rest on the exchange, and about the plans that they carry out."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from core.domain.exit_plan import ExitPlan
from core.domain.order import ExecutionReport
from core.domain.strategy_book import DEFAULT_STRATEGY, StrategyBook


@dataclass(frozen=True, slots=True)
class ExecutionReported:
    """The exchange reports on an order that rests there. However often it is heard, it changes something once."""

    report: ExecutionReport
    kind: Literal["execution_reported"] = "execution_reported"


@dataclass(frozen=True, slots=True)
class OrderForgotten:
    """The exchange has not known a resting order of `symbol` for a long time: it was reset, or the symbol was delisted."""

    symbol: str
    client_order_id: str
    kind: Literal["order_forgotten"] = "order_forgotten"


@dataclass(frozen=True, slots=True)
class ProtectionDue:
    """The plan of a book's position is to be looked at: it may lack protection."""

    symbol: str
    strategy: str = DEFAULT_STRATEGY
    kind: Literal["protection_due"] = "protection_due"

    @property
    def book(self) -> StrategyBook:
        """Returns the book that it is about."""
        return StrategyBook(self.symbol, self.strategy)


@dataclass(frozen=True, slots=True)
class EntryDue:
    """An entry that rests may have to be taken off: its time is over, or something else ends it. `client_order_id` names one
    plan, leg and generation: once another order follows, this is void."""

    client_order_id: str
    kind: Literal["entry_due"] = "entry_due"


@dataclass(frozen=True, slots=True)
class BreakevenReached:
    """The market is so far above the entry of a plan that its stop is to move to breakeven."""

    symbol: str
    plan_id: str
    strategy: str = DEFAULT_STRATEGY
    kind: Literal["breakeven_reached"] = "breakeven_reached"

    @property
    def book(self) -> StrategyBook:
        """Returns the book that it is about."""
        return StrategyBook(self.symbol, self.strategy)


@dataclass(frozen=True, slots=True)
class TrailingDue:
    """The stop of a plan is to follow the market, which was at `bid` (quote asset)."""

    symbol: str
    plan_id: str
    bid: Decimal
    strategy: str = DEFAULT_STRATEGY
    kind: Literal["trailing_due"] = "trailing_due"

    @property
    def book(self) -> StrategyBook:
        """Returns the book that it is about."""
        return StrategyBook(self.symbol, self.strategy)


@dataclass(frozen=True, slots=True)
class PlanRequested:
    """A person wants the position of a book, opened at `opened_at`, to have `exits` as its plan; an empty one is none. `seen`
    is what the plan was when the person was asked, None if there was none or that is not known."""

    symbol: str
    exits: ExitPlan
    opened_at: datetime | None
    user_id: int
    who: str
    seen: ExitPlan | None = None
    strategy: str = DEFAULT_STRATEGY
    kind: Literal["plan_request"] = "plan_request"

    @property
    def book(self) -> StrategyBook:
        """Returns the book that it is about."""
        return StrategyBook(self.symbol, self.strategy)


@dataclass(frozen=True, slots=True)
class PositionsFound:
    """The first start of a version that knows exit plans found `symbols` held without one."""

    symbols: tuple[str, ...]
    kind: Literal["positions_found"] = "positions_found"


AboutOrders = ExecutionReported | OrderForgotten | ProtectionDue | EntryDue
"""News about orders that rest, and about their plans: see `core.engine.protection_handler`."""

AboutPlans = BreakevenReached | TrailingDue | PlanRequested | PositionsFound
"""Changes of plans: see `core.engine.plan_handler`."""
