"""Pauses between retries."""

from dataclasses import dataclass

_MOST_STEPS = 64  # more growth than any pause needs, and none that overflows


@dataclass(frozen=True, slots=True)
class RetryBackoff:
    """Exponential backoff, in seconds: each pause is `factor` times the one before, from `first` up to `longest`."""

    first: float
    longest: float
    factor: float = 2.0

    def after(self, failures: int) -> float:
        """Returns the pause after so many failures in a row, at least one."""
        return min(self.first * self.factor ** min(failures - 1, _MOST_STEPS), self.longest)

    def longer(self, pause: float) -> float:
        """Returns the pause that follows `pause`, which a server may have asked for."""
        return min(self.factor * pause, self.longest)
