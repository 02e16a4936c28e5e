"""Measured durations, for the metrics."""

from typing import Protocol


class Timings(Protocol):
    """Takes the measured durations, in seconds."""

    def signal_to_order(self, seconds: float) -> None:
        """From a signal's arrival in this process to the moment its order is sent, intent and all committed; once an order."""
        ...

    def order_ack(self, seconds: float) -> None:
        """From sending an order to the venue's answer."""
        ...
