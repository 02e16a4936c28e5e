"""How much may still be asked of the exchange: what its answers say was used, and what is under way.

Its own count is the truth (`X-MBX-USED-WEIGHT-1M`, `X-MBX-ORDER-COUNT-10S`): others may ask from this address too, and what a
request weighs changes. Weights are assumed only for what was not answered yet. Questions leave room for orders; orders, and
questions on which an order's fate hangs, are never held back for their weight.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

ORDERS, WEIGHT, REQUESTS = "ORDERS", "REQUEST_WEIGHT", "RAW_REQUESTS"
_HEADER = re.compile(r"x-mbx-(used-weight|order-count)-(\d{1,4})([smhd])", re.ASCII)
_KINDS = {"used-weight": WEIGHT, "order-count": ORDERS}
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_AMOUNT = re.compile(r"\d{1,12}", re.ASCII)

Counts = Mapping[tuple[str, int], int]
"""What an answer says was used: by kind of limit and length of its window in seconds."""


def counts_of(headers: Mapping[str, str]) -> Counts:
    """Reads the counts in an answer's headers: rest-api.md, "IP Limits", "Unfilled Order Count". What is not readable is none."""
    found: dict[tuple[str, int], int] = {}
    for name, value in headers.items():
        match = _HEADER.fullmatch(name.lower())
        if match is not None and _AMOUNT.fullmatch(value):
            found[_KINDS[match[1]], int(match[2]) * _UNITS[match[3]]] = int(value)
    return found


@dataclass(slots=True)
class RateLimit:
    """One limit of exchangeInfo.rateLimits: at most `limit` of `kind` in each window of `seconds`, which begins at a multiple of
    them by the exchange's clock."""

    kind: str
    seconds: int
    limit: int
    _window: int = field(default=-1, init=False)
    _used: int = field(default=0, init=False)
    _under_way: int = field(default=0, init=False)

    def used(self, now: float) -> int:
        """What is used of the present window, with what may be used by what is under way."""
        self._turn(now)
        return self._used + self._under_way

    def begin(self, amount: int) -> None:
        """A request of that amount goes out."""
        self._under_way += amount

    def end(self, amount: int, assumed: int, heard: int | None, now: float) -> None:
        """It is answered, or not: `heard` is the exchange's own count, else `assumed` is what it took."""
        self._under_way -= amount
        self._turn(now)
        if heard is None:
            self._used = max(0, self._used + assumed)
        elif self.kind == ORDERS:
            self._used = heard  # an order that trades is taken off again, so the newest word counts
        else:
            self._used = max(self._used, heard)  # answers overtake each other

    def take_off(self, amount: int, now: float) -> None:
        """That much counts no more."""
        self._turn(now)
        self._used = max(0, self._used - amount)

    def _turn(self, now: float) -> None:
        window = int(now // self.seconds)
        if window != self._window:
            self._window, self._used = window, 0


# rest-api.md, "Exchange information", and its changelog of 2026-03-27, until the exchange has told its own.
_DOCUMENTED = ((ORDERS, 10, 100), (ORDERS, 86_400, 200_000), (WEIGHT, 60, 6_000), (REQUESTS, 300, 300_000))


@dataclass(frozen=True, slots=True)
class Request:
    """A request that is under way."""

    weight: int
    orders: int = 0


class RateLimitBudget:
    """What one address may still ask. `now` is the exchange's clock, seconds since the epoch."""

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

    def used(self, kind: str, seconds: int) -> int:
        """What is used of one limit in its present window; 0 of one that is not known."""
        return next((one.used(self._now()) for one in self._limits if (one.kind, one.seconds) == (kind, seconds)), 0)

    def wait_for_question(self, weight: int, share: float) -> float:
        """Seconds until a question of that weight may be asked; 0: now. `share` is the part of each limit that such questions may
        use up together with everything else."""
        return self._wait({WEIGHT: weight, REQUESTS: 1}, share)

    def wait_for_order(self) -> float:
        """Seconds until an order may be placed: only the limit of orders itself holds one back."""
        return self._wait({ORDERS: 1}, 1.0)

    def _wait(self, wanted: Mapping[str, int], share: float) -> float:
        now, wait = self._now(), 0.0
        for limit in self._limits:
            amount = wanted.get(limit.kind, 0)
            if amount and limit.used(now) + amount > limit.limit * share:
                wait = max(wait, limit.seconds - now % limit.seconds)
        return wait

    def begin(self, request: Request) -> None:
        """A request goes out."""
        amounts = _amounts(request)
        for limit in self._limits:
            limit.begin(amounts.get(limit.kind, 0))

    def end(self, request: Request, counts: Counts, *, taken: bool) -> None:
        """It is over, with these counts in its answer. `taken` tells whether it may have been counted where they say nothing."""
        amounts, now = _amounts(request), self._now()
        for limit in self._limits:
            amount = amounts.get(limit.kind, 0)
            if amount or (limit.kind, limit.seconds) in counts:
                limit.end(amount, amount if taken else 0, counts.get((limit.kind, limit.seconds)), now)

    def order_traded(self) -> None:
        """An order that traded no longer counts: faqs/order_count_decrement.md."""
        now = self._now()
        for limit in self._limits:
            if limit.kind == ORDERS:
                limit.take_off(1, now)


def _amounts(request: Request) -> Mapping[str, int]:
    return {WEIGHT: request.weight, ORDERS: request.orders, REQUESTS: 1}
