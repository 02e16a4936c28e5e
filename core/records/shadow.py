"""The difference between trading and its shadow: the same signals with the same policy, filled on paper at their own price."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.domain.money import EXACT, ZERO
from core.domain.signal import Side


class Stage(StrEnum):
    """The stages that a difference comes from."""

    DELAY = "delay"
    """The market moved between the signal and the decision."""
    EXECUTION = "execution"
    """The order filled at another price than it was decided at."""
    FEES = "fees"
    PART = "part"
    """The order filled in part, or sold another amount as an entry had."""
    MISSED = "missed"
    """One of the two did not trade at all: the exchange refused, or what was held before was different."""


@dataclass(frozen=True, slots=True)
class ShadowOrder:
    """An order in both books: what trading made of it less what its shadow did (`difference`, quote asset), by stage. The sums
    of all orders are those of the books, with what is held at the last known price."""

    client_order_id: str
    at: datetime
    symbol: str
    side: Side
    strategy: str
    quote: str
    difference: Decimal
    stages: Mapping[Stage, Decimal]


@dataclass(frozen=True, slots=True)
class ShadowSum:
    """The results of both books in one quote asset, with what is held at the last known price, and the difference by stage."""

    quote: str
    traded: Decimal = ZERO
    shadow: Decimal = ZERO
    stages: Mapping[Stage, Decimal] = field(default_factory=dict)

    @property
    def difference(self) -> Decimal:
        """Returns what trading made less than its shadow; below zero if it made less."""
        return EXACT.subtract(self.traded, self.shadow)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Both results in `quote` after an order, each at the last known price of its symbol."""

    at: datetime
    quote: str
    traded: Decimal
    shadow: Decimal


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """Trading beside its shadow since a time: the sums by quote asset, every order, the largest difference first, and both
    curves."""

    since: datetime | None
    until: datetime
    sums: Mapping[str, ShadowSum]
    orders: tuple[ShadowOrder, ...]
    curve: tuple[CurvePoint, ...]
