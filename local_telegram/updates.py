"""The queue that getUpdates reads: growing ids, forgotten when confirmed, one reader waiting at a time.

Two programs on one token disturb each other as at Telegram: `do_get_updates`, `abort_long_poll`, `fail_query_conflict` and
`process_get_updates_query` in https://github.com/tdlib/telegram-bot-api/blob/master/telegram-bot-api/Client.cpp.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NoReturn

from local_telegram.errors import ApiError, Json

KEPT = 10_000  # updates; a bot that is away for longer loses the oldest, as with Telegram after a day
_CONFLICT_SECONDS = 3.0  # seconds by which a conflict that soon follows another is delayed
_SHORT_SECONDS = 3  # repeating the same request sooner than this waits at least this long
_HASTY_SECONDS = 0.5  # repeating the same request sooner than this returns one update
_DEFAULT_KINDS = ("message", "edited_message", "callback_query", "my_chat_member")
_CONFLICT = ApiError(
    409,
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
)
_HOOKED = ApiError(
    409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)


class UpdateQueue:
    """Updates for the one bot. `readers` is how many getUpdates wait now; at rest 0 or 1. While `hooked`, as by another
    program, every getUpdates is refused."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        # From the time, so that a ledger kept from one run to the next does not mistake one for a known update.
        self._last_id = int(time.time())
        self._waiting: deque[Json] = deque(maxlen=KEPT)
        self._kinds: tuple[str, ...] = _DEFAULT_KINDS
        self._arrived = asyncio.Event()
        self._reader = 0
        self._asked_offset, self._asked_at = 0, -math.inf
        self._next_conflict_at = -math.inf
        self.readers = 0
        self.hooked = False
        self._closed = False

    @property
    def pending(self) -> int:
        """Returns how many updates no getUpdates has confirmed yet."""
        return len(self._waiting)

    def put(self, kind: str, content: Json) -> None:
        """Adds an update, unless the bot excluded this kind by allowed_updates."""
        if kind in self._kinds:
            self._last_id += 1
            self._waiting.append({"update_id": self._last_id, kind: content})
            self._wake()

    def drop(self) -> None:
        """Forgets all waiting updates (deleteWebhook with drop_pending_updates)."""
        self._waiting.clear()

    def close(self) -> None:
        """Ends every long poll at once, with the updates there are."""
        self._closed = True
        self._wake()

    def want(self, kinds: Sequence[str]) -> None:
        """Applies allowed_updates to the updates to come; an empty list stands for the default."""
        self._kinds = tuple(kinds) or _DEFAULT_KINDS

    async def get(self, offset: int, limit: int, timeout_s: float) -> list[Json]:
        """Returns up to `limit` updates from `offset` on, waiting at most `timeout_s` seconds for the first.

        Everything before `offset` is confirmed and forgotten. A negative offset counts from the end. A call that has to wait ends
        the wait of the one before, which gets ApiError 409; a call answered at once disturbs no other.
        """
        if self.hooked:
            raise _HOOKED
        limit, timeout_s = self._slowed(offset, limit, timeout_s)
        self._confirm(offset)
        if self._waiting or not timeout_s:
            return list(self._waiting)[:limit]
        self._reader += 1
        reader = self._reader
        self._wake()
        self.readers += 1
        try:
            await self._wait(lambda: self._reader != reader or bool(self._waiting), timeout_s)
        finally:
            self.readers -= 1
        if self._reader != reader:
            await self._conflict()
        return list(self._waiting)[:limit]

    def _slowed(self, offset: int, limit: int, timeout_s: float) -> tuple[int, float]:
        """Returns limit and timeout for a request that is repeated too soon."""
        now = self._monotonic()
        since, again = now - self._asked_at, offset == self._asked_offset
        self._asked_offset, self._asked_at = offset, now
        if again and since < _SHORT_SECONDS:
            timeout_s = max(timeout_s, _SHORT_SECONDS)
        return (1 if again and since < _HASTY_SECONDS else limit), timeout_s

    async def _conflict(self) -> NoReturn:
        now = self._monotonic()
        if now < self._next_conflict_at:
            await self._wait(lambda: False, _CONFLICT_SECONDS)
        else:
            self._next_conflict_at = now + _CONFLICT_SECONDS
        raise _CONFLICT

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            read = max(len(self._waiting) + offset, 0)
        else:
            read = sum(update["update_id"] < offset for update in self._waiting)
        for _ in range(read):
            self._waiting.popleft()

    async def _wait(self, done: Callable[[], bool], timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while not done() and not self._closed:
                    await self._arrived.wait()
        except TimeoutError:
            return

    def _wake(self) -> None:
        """Wakes the current waiters; later ones wait for the next update."""
        arrived, self._arrived = self._arrived, asyncio.Event()
        arrived.set()
