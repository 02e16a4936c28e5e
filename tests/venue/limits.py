"""Rate limits of exchangeInfo.rateLimits: request weight and raw requests by address, orders by account.

Windows follow the venue's clock; an order that trades no longer counts (faqs/order_count_decrement.md)."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from tests.venue.errors import VenueError

_MS = {"SECOND": 1_000, "MINUTE": 60_000, "HOUR": 3_600_000, "DAY": 86_400_000}
_ADVICE = "Please use WebSocket Streams for live updates to avoid "
_LONGEST_BAN_MS = 3 * _MS["DAY"]


class Window:
    """A counter that restarts at every multiple of its length."""

    def __init__(self, rule: dict[str, Any]) -> None:
        self.rule = rule
        self.length_ms: int = _MS[rule["interval"]] * rule["intervalNum"]
        self.label = f"{rule['intervalNum']}{rule['interval'][0]}"
        self._period = -1
        self._counts: dict[str, int] = {}

    def count(self, who: str, now: int) -> int:
        if now // self.length_ms != self._period:
            self._period = now // self.length_ms
            self._counts.clear()
        return self._counts.get(who, 0)

    def add(self, who: str, amount: int, now: int) -> int:
        self._counts[who] = max(0, self.count(who, now) + amount)
        return self._counts[who]

    def retry_after(self, now: int) -> str:
        """Returns the whole seconds until the window ends, for the Retry-After header."""
        return str(math.ceil((self.length_ms - now % self.length_ms) / 1000))


class RateLimits:
    """The limits in force. `rules` is the list inside exchangeInfo, so that the announced limits are the enforced ones.

    After `strikes` refusals without a pause the address is banned (418), for 2 minutes and then twice as long each time, up to
    3 days.
    """

    def __init__(self, rules: Sequence[dict[str, Any]], now_ms: Callable[[], int], strikes: int = 5) -> None:
        self._now = now_ms
        self.strikes = strikes
        self.refusals = 0
        """The number of rate limit refusals since the start."""
        self._refused = 0
        self._banned_until = 0
        self._ban_ms = 120_000
        self.set_rules(rules)

    def set_rules(self, rules: Sequence[dict[str, Any]]) -> None:
        windows = [Window(rule) for rule in rules]
        self._requests = [w for w in windows if w.rule["rateLimitType"] == "RAW_REQUESTS"]
        self._weights = [w for w in windows if w.rule["rateLimitType"] == "REQUEST_WEIGHT"]
        self._orders = [w for w in windows if w.rule["rateLimitType"] == "ORDERS"]

    def spend(self, weight: int) -> None:
        """Counts one request; raises VenueError 429 over a limit, 418 for going on after it."""
        now = self._now()
        if now < self._banned_until:
            raise self._ban_error(now)
        for window in self._requests:
            if window.add("ip", 1, now) > window.rule["limit"]:
                raise self._refuse(window, now, "Too many requests queued.")
        for window in self._weights:
            if window.add("ip", weight, now) > window.rule["limit"]:
                rule = window.rule
                msg = (
                    f"Too much request weight used; current limit is {rule['limit']} request weight per "
                    f"{rule['intervalNum']} {rule['interval']}. {_ADVICE}polling the API."
                )
                raise self._refuse(window, now, msg)
        self._refused = 0

    def refund(self, weight: int) -> None:
        """Refunds the weight of successful requests that cost nothing: changelog of 2026-03-27."""
        for window in self._weights:
            window.add("ip", -weight, self._now())

    def headers(self) -> dict[str, str]:
        now = self._now()
        return {f"X-MBX-USED-WEIGHT-{w.label}": str(w.count("ip", now)) for w in self._weights}

    def place_order(self, account: str, orders: int = 1) -> dict[str, str]:
        """Counts new orders, after `check_orders`; returns the order count headers."""
        now = self._now()
        return {f"X-MBX-ORDER-COUNT-{w.label}": str(w.add(account, orders, now)) for w in self._orders}

    def order_traded(self, account: str) -> None:
        now = self._now()
        for window in self._orders:
            window.add(account, -1, now)

    def check_orders(self, account: str, orders: int = 1) -> None:
        """Raises VenueError 429 / -1015 if the account would have more unfilled orders than a window allows."""
        now = self._now()
        for window in self._orders:
            rule = window.rule
            if window.count(account, now) + orders > rule["limit"]:
                msg = (
                    f"Too many new orders; current limit is {rule['limit']} orders per {rule['intervalNum']} {rule['interval']}."
                )
                raise VenueError(-1015, msg, headers={"Retry-After": window.retry_after(now)})

    def snapshot(self) -> list[dict[str, Any]]:
        """Returns the used weight as the WebSocket API shows it."""
        now = self._now()
        return [{**window.rule, "count": window.count("ip", now)} for window in self._weights]

    def order_counts(self, account: str) -> list[dict[str, Any]]:
        now = self._now()
        return [{**window.rule, "count": window.count(account, now)} for window in self._orders]

    def _refuse(self, window: Window, now: int, msg: str) -> VenueError:
        self.refusals += 1
        self._refused += 1
        if self._refused > self.strikes:
            self._refused = 0
            self._banned_until = now + self._ban_ms
            self._ban_ms = min(2 * self._ban_ms, _LONGEST_BAN_MS)
            return self._ban_error(now)
        return VenueError(-1003, msg, headers={"Retry-After": window.retry_after(now)})

    def _ban_error(self, now: int) -> VenueError:
        seconds = math.ceil((self._banned_until - now) / 1000)
        msg = f"Way too much request weight used; IP banned until {self._banned_until}. {_ADVICE}bans."
        return VenueError(-1003, msg, status=418, headers={"Retry-After": str(seconds)})
