"""An exit that stays pending until it is done: kept in the ledger, and retried by its own timer."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from core.domain.messages import ManualInstruction, Message, SignalReceived
from core.domain.reasons import Reason
from core.domain.signal import AGAIN, Signal, client_order_id
from core.domain.strategy_book import StrategyBook

SOURCE = "exit"
"""The source of the messages that retry an exit."""


@dataclass(frozen=True, slots=True)
class PendingExit:
    """An exit first requested by `signal`, manually if it has a `hand`. At most `qty` (base asset) may still be sold: never more
    than was held when it came, and than what an entry that rested then has bought since. Its age counts from `since`, and it is
    retried at `due_at`. `number` counts the attempts, `failures` those since anything was sold; `why` is the reason why it waits,
    as last reported, and `until` when it will be given up, as of then (None for a panic's). Once `approved_at` is set nobody is
    asked again. It is over at `ended_at`."""

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
    def book(self) -> StrategyBook:
        """Returns the book whose position it sells."""
        return self.signal.book

    @property
    def is_open(self) -> bool:
        """Tells whether it is still pending."""
        return self.ended_at is None

    @property
    def sells_all(self) -> bool:
        """Tells whether it is to leave nothing: neither its signal nor its person named a part, and nobody was asked about it."""
        if self.hand is not None:
            return self.hand.qty is None
        return self.approved_at is None and (self.signal.size is None or self.signal.size.is_whole_position)

    def next_signal(self) -> Signal:
        """Returns the same signal under an identity of its own, so that its order has a client order id of its own."""
        source, number = f"{AGAIN}{self.signal.source}", self.number + 1
        return replace(self.signal, source=source, signal_id=f"{number}:{self.signal.signal_id}", ts=self.since)

    def next_message(self, now: datetime) -> Message:
        """Returns the message that retries it. Its identity follows from the exit alone: across crashes each attempt is stored
        once."""
        signal = self.next_signal()
        return Message(SOURCE, client_order_id(signal), self.symbol, SignalReceived(signal, self.hand), now)
