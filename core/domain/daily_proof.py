"""The result of the daily comparison of ledger, exchange and history."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Proof:
    """The figures compared for a UTC day (`YYYY-MM-DD`), and each difference in words, with the ids of what differs.

    `profit` (net) and `fees` are sums by their asset; `in_history` is None if no history was compared: `history_problem` says
    why if there should be one. `unexported` executions were not yet due there. Of `gone` symbols, which the exchange does not
    know (any more), nothing was compared with it.
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
    """The time of a day's last proof and its number of differences; not `complete` if the history could not be compared."""

    at: datetime
    differences: int
    complete: bool
