"""What the daily comparison of all books came to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Proof:
    """What was compared of a UTC day (`YYYY-MM-DD`), and each difference in words, with the ids of what differs.

    `profit` (net) and `fees` are sums by the asset that they are in; `in_history` is None where no history was compared:
    `history_problem` says why where there should be one. `unexported` executions were not yet due there. Of `gone` symbols, which
    the exchange does not know (any more), nothing was compared with it.
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
    unexported: int = 0
    history_problem: str = ""
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proved:
    """When a day was last proved and how much differed; not `complete` where the history could not be compared."""

    at: datetime
    differences: int
    complete: bool
