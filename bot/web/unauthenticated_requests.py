"""Unauthenticated requests: counted one by one, reported together, so that a stranger cannot flood the chat."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from core.domain.events.intake import RequestsRefused
from core.domain.events.table import Event
from core.ports.clock import Clock

GATHER_SECONDS = 30.0
AGAIN_SECONDS = 1800.0


class UnauthenticatedRequests:
    """Counts requests by reason. The first is reported half a minute later with those that followed, the next half an hour
    after."""

    def __init__(self, emit: Callable[[Event], None], clock: Clock) -> None:
        self._emit = emit
        self._clock = clock
        self._waiting: Counter[str] = Counter()
        self._since: datetime | None = None
        self._due = 0.0

    def note(self, why: str) -> None:
        """Counts one more for the reason `why`: a code that `requests_refused.*` has a text for."""
        if self._since is None:
            self._since = self._clock.now()
            self._due = max(self._due, self._clock.monotonic() + GATHER_SECONDS)
        self._waiting[why] += 1

    async def run(self) -> None:
        """Reports the counted requests when it is time."""
        now = self._clock.monotonic()
        if self._since is None or now < self._due:
            return
        self._emit(RequestsRefused(self._since, tuple(self._waiting.most_common())))
        self._waiting.clear()
        self._since, self._due = None, now + AGAIN_SECONDS
