"""The result of a replay: each signal's decision before and now, and what came of all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.domain.money import ZERO
from core.domain.position import Trade
from core.domain.reasons import Reason
from core.domain.signal import Side


class Lack(StrEnum):
    """The reasons why a signal's decision cannot be found again: it is reported, and kept as it was recorded."""

    OUTAGE = "outage"
    """It hung on the state of exchange, ledger or program at that moment."""
    UNDECIDED = "undecided"
    """The ledger has no decision."""
    UNANSWERED = "unanswered"
    """A person would have been asked who was not asked then."""


@dataclass(frozen=True, slots=True)
class Fate:
    """The fate of a signal. `outcome` is that of its message, or the state of its order; `qty` was ordered (base asset), at
    `price` on average (quote asset) as far as it was `executed`; None and 0 without an order."""

    outcome: str
    reason: Reason | None = None
    qty: Decimal | None = None
    executed: Decimal = ZERO
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class SignalReplayed:
    """A signal with its fate in the ledger and in the replay; `now` is None if it did not arise there."""

    seq: int
    at: datetime
    signal_type: str
    symbol: str
    strategy: str
    side: Side
    before: Fate
    now: Fate | None
    lack: Lack | None = None

    @property
    def differs(self) -> bool:
        """Tells whether it was decided otherwise. What cannot be found again does not count."""
        return self.lack is None and self.before != self.now


@dataclass(frozen=True, slots=True)
class Totals:
    """The results of trading in one quote asset, all amounts in it: closed `trades`, of which `won`, and the net `profit` of all
    exits; `fees` paid; exits by a stop (`stopped`); and `open_profit`, what is still held less its cost, at the last known
    price (None: no price is known)."""

    quote: str
    trades: int = 0
    won: int = 0
    profit: Decimal = ZERO
    fees: Decimal = ZERO
    stopped: int = 0
    worst: Trade | None = None
    open_profit: Decimal | None = ZERO


@dataclass(frozen=True, slots=True)
class PricesKnown:
    """The knowledge of the market: the number of recorded prices by source, orders sent `on_paper` and thereof those at a price
    older than a minute (`stale`), the longest time without a price while something was held or waited (seconds), and the symbols
    without any price."""

    points: Mapping[str, int] = field(default_factory=dict)
    on_paper: int = 0
    stale: int = 0
    longest_gap: float = 0.0
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Replayed:
    """A replay beside the record. `carried` counts the positions that were open at the start: they keep the exits they were
    bought with. `inferred`: the rules of symbols were inferred from recorded orders. `accepted` counts how often a person set the
    ledger to the exchange's figures, which no replay repeats."""

    since: datetime | None
    until: datetime
    signals: tuple[SignalReplayed, ...]
    before: Mapping[str, Totals]
    now: Mapping[str, Totals]
    prices: PricesKnown
    carried: int = 0
    pruned: int = 0
    accepted: int = 0
    inferred: bool = True

    @property
    def differing(self) -> list[SignalReplayed]:
        """Returns the signals that were decided otherwise."""
        return [one for one in self.signals if one.differs]
