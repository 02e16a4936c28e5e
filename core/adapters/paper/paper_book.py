"""The book of a paper exchange: its orders, what the open ones wait for, and its balances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from core.domain.money import ZERO
from core.domain.order import ExecutionReport, Fill
from core.domain.order_terms import OrderTerms
from core.domain.signal import Side


@dataclass(frozen=True, slots=True)
class Resting:
    """The part of an order that is open: what it waits for, and what it binds meanwhile.

    `locked` is base asset of a SELL and quote asset of a BUY; the legs of one list (`list_id`) bind it once. `best` is the best
    price that a trailing order has seen, in quote asset, None before it trails. A `triggered` order waits for its limit alone.
    """

    terms: OrderTerms
    base: str
    quote: str
    locked: Decimal
    list_id: str = ""
    best: Decimal | None = None
    triggered: bool = False

    @property
    def awaits_trigger(self) -> bool:
        """Tells whether it is not yet an order to trade, only one to watch the price."""
        return self.terms.type.has_trigger and not self.triggered


@dataclass(frozen=True, slots=True)
class PaperOrder:
    """An order of the book; `resting` is None once it is over."""

    report: ExecutionReport
    resting: Resting | None = None

    @property
    def locks(self) -> tuple[str, Decimal]:
        """Returns the asset that it binds, and how much of it."""
        if self.resting is None:
            return "", ZERO
        return (self.resting.quote if self.report.side is Side.BUY else self.resting.base), self.resting.locked


@dataclass(frozen=True, slots=True)
class PaperState:
    """The content of the book: every balance by asset, free and locked together; the number of the next order, 1 if there was
    none; and the open orders, oldest first."""

    balances: Mapping[str, Decimal]
    next_order_id: int
    resting: Sequence[PaperOrder] = ()


class PaperBook(Protocol):
    """Stores a paper exchange's orders. Every method raises LedgerUnavailable."""

    async def load(self) -> PaperState:
        """Returns the state after the last record; `PaperState({}, 1)` if there was none. Reads no order that is over."""
        ...

    async def find(self, client_order_id: str) -> ExecutionReport | None:
        """Returns the order of this id with its fills, or None if none was recorded."""
        ...

    async def record(self, orders: Sequence[PaperOrder], balances: Mapping[str, Decimal]) -> None:
        """Records orders as they are now, with their fills, and all balances after them, in one commit. An order is known by
        its `order_id`, and replaces its earlier record."""
        ...

    async def fills(self, order_id: str) -> Sequence[Fill]:
        """Returns the fills of a recorded order; none for an unknown one."""
        ...

    async def recent(self, symbol: str, limit: int) -> Sequence[ExecutionReport]:
        """Returns the newest `limit` orders of `symbol`, oldest first."""
        ...

    async def between(self, symbol: str, since: datetime, until: datetime) -> Sequence[ExecutionReport]:
        """Returns the orders of `symbol` last changed at or after `since` and before `until`, with their fills, oldest first."""
        ...
