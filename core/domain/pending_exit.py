"""An exit that is wanted until it is done: kept in the ledger, and tried again by its own timer."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from core.domain.messages import ManualInstruction, Message, SignalReceived
from core.domain.reasons import Reason
from core.domain.signal import AGAIN, Signal, client_order_id

SOURCE = "exit"
"""Of the messages that try an exit again."""


@dataclass(frozen=True, slots=True)
class PendingExit:
    """`signal` wanted it first, by a `hand` or not. At most `qty` (base asset) may still be sold: never more than was held when
    it came. Its age counts from `since`, and it is tried again at `due_at`. `number` counts the attempts, `failures` those since
    anything was sold; `why` is what it waits for, as it was told, and `until` when it is given up, as it stood then (None for a
    panic's). Once `approved_at` nobody is asked again. It is over at `ended_at`."""

    signal: Signal
    qty: Decimal
    since: datetime
    due_at: datetime
    number: int = 1
    failures: int = 0
    why: Reason | None = None
    until: datetime | None = None
    hand: ManualInstruction | None = None
    approved_by: str | None = None
    approved_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def symbol(self) -> str:
        return self.signal.symbol

    @property
    def is_open(self) -> bool:
        """Whether it is wanted still."""
        return self.ended_at is None

    def next_signal(self) -> Signal:
        """The same opinion under an identity of its own, so that its order has a client order id of its own."""
        source, number = f"{AGAIN}{self.signal.source}", self.number + 1
        return replace(self.signal, source=source, signal_id=f"{number}:{self.signal.signal_id}", ts=self.since)

    def next_message(self, now: datetime) -> Message:
        """What tries it again. Its identity follows from the exit alone: across crashes each attempt is stored once."""
        signal = self.next_signal()
        return Message(SOURCE, client_order_id(signal), self.symbol, SignalReceived(signal, self.hand), now)
