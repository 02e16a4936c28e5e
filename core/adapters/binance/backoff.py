"""The pauses that the exchange imposed. `rate_limit_budget` counts the limits that it announces beforehand."""

from core.adapters.binance.errors import Refusal, wait_reason
from core.domain.reasons import Reason
from core.ports.clock import Clock


class Backoff:
    """Tracks how long the exchange asked to be left alone. rest-api.md, "IP Limits": going on after a 429 ends in a ban (418)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._silent_until = self._no_orders_until = 0.0  # monotonic seconds
        self._banned = False

    def note(self, said: Refusal) -> None:
        """Records the pause that `said` asks for; most refusals ask for none."""
        until = self._clock.monotonic() + said.wait
        if said.wait and said.of_orders_only:
            self._no_orders_until = max(self._no_orders_until, until)
        elif said.wait:
            self._banned = said.banned
            self._silent_until = max(self._silent_until, until)

    def left(self, *, orders: bool = False) -> float:
        """Returns the seconds until a request, or an order, may be sent; 0: now."""
        until = max(self._silent_until, self._no_orders_until) if orders else self._silent_until
        return max(until - self._clock.monotonic(), 0.0)

    def reason(self, wait: float) -> Reason:
        """Returns the reason why nothing is sent for `wait` seconds."""
        banned = self._banned and self._silent_until > self._clock.monotonic()
        return wait_reason(wait, banned=banned)
