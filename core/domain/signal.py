"""A signal: an opinion from a source. It becomes at most one order."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any

from core.domain.dca_step import DcaStep, StepPlace
from core.domain.exit_plan import ExitPlan
from core.domain.limit_entry import LimitEntry
from core.domain.money import HUNDRED, divide, multiply
from core.domain.strategy_book import DEFAULT_STRATEGY, StrategyBook
from core.domain.trade_size import TradeSize


class Side(StrEnum):
    """`BUY_*` enters a position, `SELL_*` leaves it."""

    BUY = "BUY"
    SELL = "SELL"


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal as received. (`source`, `signal_id`) is its identity, however often it arrives.

    `close` is the reference price in quote asset; `ts` is when the source made it (aware UTC); `extra` is everything else in
    the record, kept as it came. `dated` says whether the record itself named `ts`, which otherwise is the time of its arrival;
    None if unknown. `valid_for` shortens how long it is good; None: as long as the settings say. `plan` is the exit plan that it
    brings, `size` the size that it asks for, `steps` are those of its entry; None: the settings'. `entry` is how it wants to be
    entered; None: at once, as the settings say. `step` says which step of an entry it is; None: it is none.
    """

    source: str
    signal_id: str
    signal_type: str
    symbol: str
    close: Decimal
    ts: datetime
    extra: Mapping[str, Any] = field(default_factory=dict)
    valid_for: timedelta | None = None
    dated: bool | None = field(default=None, compare=False)
    plan: ExitPlan | None = None
    entry: LimitEntry | None = None
    size: TradeSize | None = None
    steps: tuple[DcaStep, ...] | None = None
    step: StepPlace | None = None

    @property
    def strategy(self) -> str:
        """Returns the strategy that it belongs to."""
        found = self.extra.get("strategy")  # the codec has checked it
        return found if isinstance(found, str) and found else DEFAULT_STRATEGY

    @property
    def book(self) -> StrategyBook:
        """Returns the book that it trades in."""
        return StrategyBook(self.symbol, self.strategy)

    @property
    def at_market(self) -> bool:
        """Tells whether an entry asks for a MARKET order by name: the setting does not make another of it."""
        found = self.extra.get("order_type")  # the codec has checked it
        named = isinstance(found, str) and found.strip().upper() == "MARKET"
        return named and self.entry is None and self.side is Side.BUY

    @property
    def side(self) -> Side:
        return Side.BUY if self.signal_type.startswith("BUY_") else Side.SELL

    @property
    def is_again(self) -> bool:
        """Tells whether it retries a pending exit."""
        return self.source.startswith(AGAIN)

    @property
    def by_hand(self) -> bool:
        """Tells whether a person ordered it."""
        return self.source.removeprefix(AGAIN) == BY_HAND

    @property
    def is_planned(self) -> bool:
        """Tells whether the plan of a position made it, or a step of its entry: its owner wanted it from the start."""
        return self.source.removeprefix(AGAIN) in {PLANNED, STEP}

    @property
    def is_step(self) -> bool:
        """Tells whether it buys a step of an entry."""
        return self.step is not None and self.side is Side.BUY

    @property
    def is_panic(self) -> bool:
        """Tells whether a person wants out at any price."""
        return self.by_hand and self.signal_type == PANIC

    def good_for(self, limit: timedelta) -> timedelta:
        """Returns how old it may become if the settings say `limit`: its own `valid_for` shortens that, never extends it."""
        return limit if self.valid_for is None else min(limit, self.valid_for)

    def moved(self, price: Decimal) -> Decimal:
        """Returns how far the market at `price` (quote asset) is from the signal's, in per cent; above zero if it is higher.
        Raises ZeroDivisionError if the signal has no price: that must not pass for no distance."""
        return divide(multiply(price - self.close, HUNDRED), self.close)


BY_HAND = "telegram"
"""The source of manual orders in the chat."""

ADOPTED = "exchange"
"""The source of an order found on the exchange that is ours; its original signal is unknown."""
PLANNED = "plan"
"""The source of the exits that a plan makes. Their `signal_id` is the client order id."""

STEP = "dca"
"""The source of the steps of an entry."""

AGAIN = "exit:"
"""Precedes the source of an exit that is retried. No source of records begins like that."""

PANIC = "SELL_PANIC"
"""The type of a manual exit that has to happen, however long it takes."""


def naming(strategy: str) -> dict[str, str]:
    """Returns the `extra` of a signal of `strategy`: a signal that names none belongs to the default one."""
    return {} if strategy == DEFAULT_STRATEGY else {"strategy": strategy}


OUR_PREFIX = "mf-"
"""The prefix of every client order id that MarketFlow assigns."""


def client_order_id(signal: Signal) -> str:
    """Returns the one client order id that this signal's order may ever have: 32 characters of `[A-Za-z0-9_-]`, always the
    same.

    Binance allows `^[a-zA-Z0-9-_]{1,36}$`: rest-api.md, "New order", `newClientOrderId`.
    """
    return signal.signal_id if signal.source == PLANNED else derived_id(signal.source, signal.signal_id)


@lru_cache(maxsize=1024)
def derived_id(source: str, signal_id: str) -> str:
    """Returns the id that follows from an identity: 32 characters."""
    return OUR_PREFIX + hashlib.sha256(f"{source}\0{signal_id}".encode()).hexdigest()[:29]
