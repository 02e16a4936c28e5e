"""Faults at the wire of the Bot API, switched on by a test or a demo button: 429, 502, cut, hang, down.

It decides what goes wrong; `bot_api` carries it out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["flood", "bad_gateway", "cut", "hang"]
ANY = "*"


@dataclass(frozen=True)
class Fault:
    """One fault. `seconds` is retry_after of a flood or the length of a hang.

    `applied`: the method is carried out nevertheless and only its answer is lost (cut, hang, bad_gateway).
    """

    kind: Kind
    seconds: float = 0
    applied: bool = False


@dataclass(frozen=True)
class _Planned:
    method: str
    fault: Fault
    times: int


class Faults:
    """Planned faults, each for the next `times` calls of a method (`"*"`: of any)."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._planned: list[_Planned] = []
        self._down_until = 0.0

    def flood(self, method: str = ANY, *, times: int = 1, retry_after: int = 1) -> None:
        """Answers 429 Too Many Requests with `retry_after` in seconds."""
        self._plan(method, Fault("flood", retry_after), times)

    def bad_gateway(self, method: str = ANY, *, times: int = 1, applied: bool = False) -> None:
        """Answers 502 with a page of HTML, like the load balancer in front of the Bot API."""
        self._plan(method, Fault("bad_gateway", applied=applied), times)

    def cut(self, method: str = ANY, *, times: int = 1, applied: bool = False) -> None:
        """Resets the connection instead of answering."""
        self._plan(method, Fault("cut", applied=applied), times)

    def hang(self, method: str = ANY, *, times: int = 1, seconds: float, applied: bool = False) -> None:
        """Keeps the connection silent for `seconds` and then resets it."""
        self._plan(method, Fault("hang", seconds, applied), times)

    def down_for(self, seconds: float) -> None:
        """Resets every connection to the Bot API from now on, for `seconds`; 0 ends it."""
        self._down_until = self._monotonic() + seconds

    @property
    def down_left(self) -> float:
        """Returns for how many seconds every connection is still reset."""
        return max(0.0, self._down_until - self._monotonic())

    def clear(self) -> None:
        """Ends all faults."""
        self._planned.clear()
        self._down_until = 0.0

    def take(self, method: str) -> Fault | None:
        """Returns the fault for this call of `method` and uses it up; None when all is well."""
        if self.down_left:
            return Fault("cut")
        for index, planned in enumerate(self._planned):
            if planned.method in (ANY, method.lower()):
                left = replace(planned, times=planned.times - 1)
                self._planned[index : index + 1] = [left] if left.times else []
                return planned.fault
        return None

    def _plan(self, method: str, fault: Fault, times: int) -> None:
        if times > 0:
            self._planned.append(_Planned(method.lower(), fault, times))


class FloodLimit:
    """Telegram's own limits, as its FAQ gives them: about one message a second in a chat, 20 a minute in a group, 30 a second in
    all.

    Token buckets; short bursts pass. https://core.telegram.org/bots/faq#broadcasting-to-users
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        chat_rate: float = 1,
        chat_burst: int = 5,
        group_rate: float = 20 / 60,
        group_burst: int = 20,
        total_rate: float = 30,
    ) -> None:
        self._monotonic = monotonic
        self._chat_rate, self._chat_burst, self._total_rate = chat_rate, chat_burst, total_rate
        self._group_rate, self._group_burst = group_rate, group_burst
        self._filled: dict[int, tuple[float, float]] = {}

    def retry_after(self, chat_id: int) -> int:
        """Returns 0 when a message to the chat may go now, else the whole seconds to wait."""
        total, now = 0, self._monotonic()
        in_group = chat_id < 0
        rate, burst = (self._group_rate, self._group_burst) if in_group else (self._chat_rate, self._chat_burst)
        waits = [
            self._missing(total, self._total_rate, self._total_rate, now),
            self._missing(chat_id, rate, burst, now),
        ]
        if max(waits) > 0:
            return int(max(waits)) + 1
        for bucket in (total, chat_id):
            level, at = self._filled[bucket]
            self._filled[bucket] = (level - 1, at)
        return 0

    def _missing(self, bucket: int, rate: float, size: float, now: float) -> float:
        """Returns the seconds until the bucket holds one message; fills it up to now."""
        level, at = self._filled.get(bucket, (size, now))
        level = min(size, level + (now - at) * rate)
        self._filled[bucket] = (level, now)
        return max(0.0, (1 - level) / rate)
