"""The remaining rate limit: the usage that the exchange's answers report, plus requests under way.

The exchange's own counts are authoritative (`X-MBX-USED-WEIGHT-1M`, `X-MBX-ORDER-COUNT-10S`, `rateLimits`): other programs may
share this address, and request weights change. Weights are estimated only for requests not answered yet. Questions leave room for
orders; orders, and questions that decide an order's fate, are never delayed for their weight.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from core.adapters.binance.json_fields import is_count

ORDERS, WEIGHT, REQUESTS = "ORDERS", "REQUEST_WEIGHT", "RAW_REQUESTS"
_HEADER = re.compile(r"x-mbx-(used-weight|order-count)-(\d{1,4})([smhd])", re.ASCII)
_KINDS = {"used-weight": WEIGHT, "order-count": ORDERS}
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_INTERVALS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3_600, "DAY": 86_400}
_AMOUNT = re.compile(r"\d{1,12}", re.ASCII)

Counts = Mapping[tuple[str, int], int]
"""The usage that an answer reports: by kind of limit and length of its window in seconds."""
NO_COUNTS: Counts = MappingProxyType({})


def counts_of(headers: Mapping[str, str]) -> Counts:
    """Reads the counts in an answer's headers: rest-api.md, "IP Limits", "Unfilled Order Count". Skips what is unreadable."""
    found: dict[tuple[str, int], int] = {}
    for name, value in headers.items():
        match = _HEADER.fullmatch(name.lower())
        if match is not None and _AMOUNT.fullmatch(value):
            found[_KINDS[match[1]], int(match[2]) * _UNITS[match[3]]] = int(value)
    return found


def counts_in(limits: object) -> Counts:
    """Reads the counts in `rateLimits` of a message: web-socket-api.md, "How to interpret rate limits". Skips what is
    unreadable."""
    found: dict[tuple[str, int], int] = {}
    for limit in limits if isinstance(limits, list) else []:
        rule = limit if isinstance(limit, dict) else {}
        kind, many, count = rule.get("rateLimitType"), rule.get("intervalNum"), rule.get("count")
        seconds = _INTERVALS.get(str(rule.get("interval")))
        if isinstance(kind, str) and seconds and is_count(many) and (count == 0 or is_count(count)):
            found[kind, seconds * many] = count
    return found


@dataclass(slots=True)
class RateLimit:
    """One limit of exchangeInfo.rateLimits: at most `limit` of `kind` per window of `seconds`. Windows begin at multiples of
    their length by the exchange's clock."""

    kind: str
    seconds: int
    limit: int
    _window: int = field(default=-1, init=False)
    _used: int = field(default=0, init=False)
    _under_way: int = field(default=0, init=False)

    def used(self, now: float) -> int:
        """Returns the usage of the current window, including requests under way."""
        self._turn(now)
        return self._used + self._under_way

    def begin(self, amount: int) -> None:
        """Counts a request of that amount as under way."""
        self._under_way += amount

    def end(self, amount: int, assumed: int, heard: int | None, now: float) -> None:
        """Counts a request as over: `heard` is the exchange's own count; without it, `assumed` is taken as used."""
        self._under_way -= amount
        self._turn(now)
        if heard is None:
            self._used = max(0, self._used + assumed)
        elif self.kind == ORDERS:
            self._used = heard  # an order that trades is subtracted again, so the newest count wins
        else:
            self._used = max(self._used, heard)  # answers may arrive out of order

    def take_off(self, amount: int, now: float) -> None:
        """Subtracts that much from the usage."""
        self._turn(now)
        self._used = max(0, self._used - amount)

    def _turn(self, now: float) -> None:
        window = int(now // self.seconds)
        if window != self._window:
            self._window, self._used = window, 0


# rest-api.md, "Exchange information", and its changelog of 2026-03-27; used until the exchange has announced its own.
_DOCUMENTED = ((ORDERS, 10, 100), (ORDERS, 86_400, 200_000), (WEIGHT, 60, 6_000), (REQUESTS, 300, 300_000))


@dataclass(frozen=True, slots=True)
class Request:
    """A request that is under way."""

    weight: int
    orders: int = 0


class RateLimitBudget:
    """The rate limits that one address has left. `now` is the exchange's clock, seconds since the epoch."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._limits = [RateLimit(*each) for each in _DOCUMENTED]

    def learn(self, limits: Sequence[RateLimit]) -> None:
        """Adopts the announced limits; keeps the usage of windows that both know."""
        for limit in limits:
            known = next((one for one in self._limits if (one.kind, one.seconds) == (limit.kind, limit.seconds)), None)
            if known is not None:
                known.limit = limit.limit
            else:
                self._limits.append(limit)

    def used(self, kind: str, seconds: int) -> int:
        """Returns the usage of one limit in its current window; 0 for an unknown limit."""
        return next((one.used(self._now()) for one in self._limits if (one.kind, one.seconds) == (kind, seconds)), 0)

    def order_limits(self) -> Mapping[str, float]:
        """Returns which part of each limit on new orders is used, from 0 to 1, by the length of its window (`10s`, `1d`)."""
        orders = [one for one in self._limits if one.kind == ORDERS and one.limit]
        return {_window(one.seconds): one.used(self._now()) / one.limit for one in orders}

    def wait_for_question(self, weight: int, share: float) -> float:
        """Returns the seconds until a question of that weight may be sent; 0: now. `share` is the part of each limit that such
        questions may use up together with everything else."""
        return self._wait({WEIGHT: weight, REQUESTS: 1}, share)

    def wait_for_order(self) -> float:
        """Returns the seconds until an order may be placed: only the order limits delay one."""
        return self._wait({ORDERS: 1}, 1.0)

    def _wait(self, wanted: Mapping[str, int], share: float) -> float:
        now, wait = self._now(), 0.0
        for limit in self._limits:
            amount = wanted.get(limit.kind, 0)
            if amount and limit.used(now) + amount > limit.limit * share:
                wait = max(wait, limit.seconds - now % limit.seconds)
        return wait

    def begin(self, request: Request) -> None:
        """Registers a request that is sent."""
        amounts = _amounts(request)
        for limit in self._limits:
            limit.begin(amounts.get(limit.kind, 0))

    def end(self, request: Request, counts: Counts, *, taken: bool) -> None:
        """Registers its end, with the counts in its answer. `taken` tells whether it may count if they say nothing."""
        amounts, now = _amounts(request), self._now()
        for limit in self._limits:
            amount = amounts.get(limit.kind, 0)
            if amount or (limit.kind, limit.seconds) in counts:
                limit.end(amount, amount if taken else 0, counts.get((limit.kind, limit.seconds)), now)

    def order_traded(self) -> None:
        """Subtracts an order that traded: faqs/order_count_decrement.md."""
        now = self._now()
        for limit in self._limits:
            if limit.kind == ORDERS:
                limit.take_off(1, now)


def _window(seconds: int) -> str:
    unit = next(unit for unit, length in sorted(_UNITS.items(), key=lambda each: -each[1]) if seconds % length == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def _amounts(request: Request) -> Mapping[str, int]:
    return {WEIGHT: request.weight, ORDERS: request.orders, REQUESTS: 1}
