"""Token bucket: a rate per second, and a burst after a rest."""

from core.ports.clock import Clock


class TokenBucket:
    """A bucket that fills by `rate` a second up to `most`; `take` takes one token."""

    def __init__(self, clock: Clock, rate: float, most: int) -> None:
        self._clock = clock
        self._rate = rate
        self._most = float(most)
        self._left = self._most
        self._at = clock.monotonic()

    def take(self) -> float:
        """Takes a token and returns 0 where one was left; else the seconds until one will be."""
        now = self._clock.monotonic()
        self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left >= 1:
            self._left -= 1
            return 0.0
        return (1 - self._left) / self._rate
