"""How much may still be asked of the exchange: its announced limits, counted here so that none of its refusals is ever earned."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

ORDERS, WEIGHT, REQUESTS = "ORDERS", "REQUEST_WEIGHT", "RAW_REQUESTS"
_MARGIN = 0.9  # of each limit: what was sent before a restart is not counted


@dataclass(slots=True)
class RateLimit:
    """One limit of exchangeInfo.rateLimits: at most `limit` of `kind` in each window of `seconds`, which begins at a multiple of
    them by the exchange's clock."""

    kind: str
    seconds: int
    limit: int
    _window: int = field(default=-1, init=False)
    _used: int = field(default=0, init=False)

    def used(self, now: float) -> int:
        window = int(now // self.seconds)
        if window != self._window:
            self._window, self._used = window, 0
        return self._used

    def add(self, amount: int, now: float) -> None:
        self._used = max(0, self.used(now) + amount)


# rest-api.md, "General Information on Rate Limits", until the exchange has told its own.
_DOCUMENTED = ((ORDERS, 10, 100), (ORDERS, 86_400, 200_000), (WEIGHT, 60, 6_000), (REQUESTS, 300, 61_000))


class Allowance:
    """Counts what one process sends. `now` is the exchange's clock, seconds since the epoch."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._limits = [RateLimit(*each) for each in _DOCUMENTED]

    def learn(self, limits: Sequence[RateLimit]) -> None:
        """Takes the announced limits over; what was used in a window that both know stays used."""
        for limit in limits:
            known = next((one for one in self._limits if (one.kind, one.seconds) == (limit.kind, limit.seconds)), None)
            if known is not None:
                known.limit = limit.limit
            else:
                self._limits.append(limit)

    def wait(self, *, weight: int, orders: int = 0, share: float = 1.0) -> float:
        """Seconds until a request of that weight may be sent; 0: now. `share` is the part of the weight that such requests may
        use up: what is only nice to know leaves room for orders."""
        now = self._now()
        wanted = {WEIGHT: (weight, share), ORDERS: (orders, 1.0), REQUESTS: (1, share)}
        wait = 0.0
        for limit in self._limits:
            amount, part = wanted.get(limit.kind, (0, 1.0))
            if amount and limit.used(now) + amount > limit.limit * part * _MARGIN:
                wait = max(wait, limit.seconds - now % limit.seconds)
        return wait

    def spend(self, *, weight: int, orders: int = 0) -> None:
        """A request goes out."""
        now = self._now()
        amounts = {WEIGHT: weight, ORDERS: orders, REQUESTS: 1}
        for limit in self._limits:
            limit.add(amounts.get(limit.kind, 0), now)

    def order_traded(self) -> None:
        """An order that traded no longer counts: faqs/order_count_decrement.md."""
        now = self._now()
        for limit in self._limits:
            if limit.kind == ORDERS:
                limit.add(-1, now)
