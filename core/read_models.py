"""What chat and dashboard are shown: values that the ledger's questions are answered with."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core.domain.messages import Body
from core.domain.reasons import Reason
from core.domain.signal import Signal


@dataclass(frozen=True, slots=True)
class Selection:
    """What is looked at: from which UTC day on (None: from the beginning), which symbol and which trading mode (None: all)."""

    since: date | None = None
    symbol: str | None = None
    mode: str | None = None


@dataclass(frozen=True, slots=True)
class Performance:
    """Exits of one kind. `profit` net and `gross`, both in `quote_asset`."""

    name: str
    quote_asset: str
    exits: int
    wins: int
    profit: Decimal
    gross: Decimal


@dataclass(frozen=True, slots=True)
class Gain:
    """The net profit (`quote_asset`) of one exit, or of one day's exits."""

    at: datetime
    quote_asset: str
    profit: Decimal


@dataclass(frozen=True, slots=True)
class SignalStory:
    """A signal that came and what became of it; no outcome while it waits its turn."""

    signal: Signal
    received_at: datetime
    outcome: str | None
    reason: Reason | None
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Act:
    """What a person wanted in the chat, or a timer, and what became of it; no outcome while it waits its turn."""

    seq: int
    source: str
    at: datetime
    body: Body
    outcome: str | None
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list that begins with the newest: what is older than the row `before`, or newer than `after`."""

    before: int | None = None
    after: int | None = None


NEWEST = Page()
