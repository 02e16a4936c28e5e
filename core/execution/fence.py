"""Tells when nothing that was sent before can become an order any more."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.ports.clock import Clock
from core.ports.venue import Venue

FENCE_MARGIN = timedelta(seconds=2)


@dataclass(slots=True)
class Fence:
    """The venue time after which nothing that was sent before `since` (monotonic seconds) can become an order; `at` is None until
    the venue is first asked for its time.

    A request carries a venue time that is not later than the venue's time when it is sent, so once the venue's own clock is past
    that plus the request's lifetime plus a margin it can no longer become an order (rest-api.md, "Timing security": the venue
    compares `recvWindow` again before the matching engine). Our wall clock has no part in it; only what has passed since is
    counted here, and rather too little than too much.
    """

    since: float
    at: datetime | None = None
    is_past: bool = False

    async def left(self, venue: Venue, clock: Clock) -> float:
        """Returns the seconds until it is past, negative once it is. Raises ExchangeUnavailable."""
        passed = clock.monotonic() - self.since  # the venue reads its clock later than this
        venue_time = await venue.server_time()
        if self.at is None:
            self.at = venue_time + timedelta(seconds=venue.request_lifetime - passed) + FENCE_MARGIN
        self.is_past = self.is_past or venue_time > self.at
        return (self.at - venue_time).total_seconds()
