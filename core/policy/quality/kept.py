"""Executed orders and signals as the ledger keeps them, for the measurements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.domain.money import ZERO
from core.domain.order_state_machine import OrderState
from core.domain.position import Execution
from core.domain.signal import AGAIN, PLANNED, Signal


@dataclass(frozen=True, slots=True)
class Moments:
    """The times at which an order came to each stage, by our clock, but `said_at` by that of the signal's source. None: not kept,
    or no step of its own: nobody decides on an order that a plan makes, and a person's answer is no latency."""

    said_at: datetime | None = None
    received_at: datetime | None = None
    decided_at: datetime | None = None
    sent_at: datetime | None = None
    answered_at: datetime | None = None
    settled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ExecutedOrder:
    """An executed order. `source` is the kind of its signal's source, see `kind_of`."""

    execution: Execution
    source: str
    moments: Moments = Moments()


@dataclass(frozen=True, slots=True)
class Attempt:
    """An order of a signal, or one that followed it: its state, and what it asked for and got, in base asset."""

    state: OrderState
    qty: Decimal
    executed_qty: Decimal
    was_sent: bool


@dataclass(frozen=True, slots=True)
class ReceivedSignal:
    """A signal and what came of it: `outcome` and the `code` of its reason, None while it waits. `wanted` is the quantity that
    its decision came to, or that an exit found held (base asset); None if it did not come to that. `attempts` are its orders, its
    own first."""

    seq: int
    signal: Signal
    received_at: datetime
    outcome: str | None
    code: str | None
    wanted: Decimal | None
    attempts: Sequence[Attempt] = ()

    @property
    def filled(self) -> Decimal:
        """Returns what all of its orders have filled, in base asset."""
        return sum((one.executed_qty for one in self.attempts), ZERO)


@dataclass(frozen=True, slots=True)
class LastPrice:
    """The price of a symbol (quote asset) as last known, and when that was."""

    price: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class KeptQuality:
    """Everything that was kept of a period: executed orders and signals, each newest first, and last prices by symbol.
    `left_out`: there were more than are read at once, and the oldest are missing."""

    orders: Sequence[ExecutedOrder]
    signals: Sequence[ReceivedSignal]
    prices: Mapping[str, LastPrice]
    left_out: bool = False


def kind_of(source: str) -> str:
    """Returns the kind of a signal's source: kafka, webhook, snowflake, telegram, dca; plan for what a position's plan ordered.
    An exit that was tried again has that of its signal."""
    return source.removeprefix(AGAIN).partition(":")[0] or PLANNED
