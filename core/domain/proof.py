"""What the daily comparison of all books came to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Proof:
    """What was compared of a UTC day (`YYYY-MM-DD`), and each difference in words, with the ids of what differs.

    `profit` (net) and `fees` are sums by the asset that they are in; `in_history` is None where no history is configured.
    """

    day: str
    signals: int = 0
    orders: int = 0
    fills: int = 0
    executions: int = 0
    in_history: int | None = None
    profit: Mapping[str, Decimal] = field(default_factory=dict)
    fees: Mapping[str, Decimal] = field(default_factory=dict)
    differences: tuple[str, ...] = ()
