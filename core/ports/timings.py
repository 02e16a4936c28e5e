"""Measured durations, for the metrics."""

from typing import Protocol


class Timings(Protocol):
    """Receives measured durations, in seconds."""

    def signal_to_order(self, seconds: float) -> None:
        """Records the time from a signal's arrival in this process to the sending of its order, intent and all committed; once an
        order."""
        ...

    def order_ack(self, seconds: float) -> None:
        """Records the time from sending an order to the venue's answer."""
        ...
