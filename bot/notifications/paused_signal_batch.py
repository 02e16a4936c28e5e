"""Batches signals that were not traded because of a pause, as the person who paused knows why. At most one message a minute."""

from collections.abc import Sequence

from core.domain.outbox_item import OutboxItem
from core.ports.clock import Clock

_AT_FIRST = 2.0  # seconds that the first one waits for others
_ONE_MESSAGE = 60.0  # seconds within which no second message is sent


class PausedSignalBatch:
    """The events that wait for their message."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: Sequence[OutboxItem] = ()
        self._due_at = 0.0
        self._sent_at = -_ONE_MESSAGE

    def replace_waiting(self, items: Sequence[OutboxItem]) -> None:
        """Replaces the waiting events."""
        if items and not self._waiting:
            self._due_at = max(self._clock.monotonic() + _AT_FIRST, self._sent_at + _ONE_MESSAGE)
        self._waiting = items

    def due_in(self) -> float | None:
        """Returns the seconds until they are due; None where there are none."""
        return max(self._due_at - self._clock.monotonic(), 0.0) if self._waiting else None

    def take(self) -> Sequence[OutboxItem]:
        """Returns all waiting events, in order."""
        return self._waiting

    def sent(self) -> None:
        """Marks them as sent."""
        self._waiting, self._sent_at = (), self._clock.monotonic()
