"""Measured durations, for the metrics."""

from enum import StrEnum
from typing import Protocol


class Stage(StrEnum):
    """A step that an order has come to. Its time counts from the step before; the first begins when the record was read."""

    RECEIVED = "received"
    """The signal is stored; or, where it is stored with its outcome, it has its turn."""
    DECIDED = "decided"
    """The rules have let the order through. Includes waiting for what the symbol has to do first."""
    COMMITTED = "committed"
    """The intent is in the ledger: it may be sent."""
    SENT = "sent"
    """The request is about to leave. Includes asking the venue about an earlier sending, where that is due."""
    ANSWERED = "answered"
    """The venue has answered, or nobody waits for its answer any more."""
    FILLED = "filled"
    """The fills that the answer named are booked."""


class Timings(Protocol):
    """Receives measured durations, in seconds."""

    def signal_to_order(self, seconds: float) -> None:
        """Records the time from a signal's arrival in this process to the sending of its order, intent and all committed; once an
        order."""
        ...

    def stage(self, stage: Stage, seconds: float) -> None:
        """Records how long a stage took. The first two are of signals that this process has read and nobody was asked about; the
        next two of every sending; the last of orders whose fills the answer named."""
        ...
