"""Tells whether what the exchange does not know is gone for good: an unknown symbol or order may be a fault of a moment."""

from dataclasses import dataclass

from core.domain.retry_backoff import RetryBackoff

GONE_BACKOFF = RetryBackoff(first=0.1, longest=60.0)
GONE_SECONDS = 600.0
"""Seconds for which the venue must have reported an unknown symbol; the request has long expired by then."""
GONE_ANSWERS = 10


@dataclass(slots=True)
class Gone:
    """Measures how long, and how often, the venue has not known the symbol or the order, with no other answer in between."""

    since: float = 0.0
    answers: int = 0

    def say(self, now: float) -> None:
        """Adds one more such answer; `now` in monotonic seconds."""
        self.since = self.since if self.answers else now
        self.answers += 1

    def is_for_good(self, now: float) -> bool:
        """Tells whether it was reported for long enough and often enough."""
        return self.answers >= GONE_ANSWERS and now - self.since >= GONE_SECONDS

    def backoff(self, usual: RetryBackoff) -> RetryBackoff:
        """Returns the pauses between two queries: a delisted symbol is not urgent."""
        return GONE_BACKOFF if self.answers else usual
