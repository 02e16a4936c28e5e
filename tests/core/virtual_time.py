"""Time that passes only when nothing else can happen, so that minutes of waiting take no time and always run the same way."""

import asyncio
import heapq
import math
from collections import deque
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

T = TypeVar("T")


class StandstillError(AssertionError):
    """The awaited result can never come: every task waits, and none of them for the clock."""


class VirtualClock:
    """A `core.ports.Clock`. The test drives it: `run` awaits something and lets time pass as needed, `quiet` and `forward` only
    observe. Work in other threads is announced with `busy`."""

    def __init__(self, start: datetime = NOON) -> None:
        self._start = start
        self._seconds = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()
        self._busy = 0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._seconds)

    def step(self, seconds: float) -> None:
        """Moves the wall clock; nothing else notices."""
        self._start += timedelta(seconds=seconds)

    def monotonic(self) -> float:
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._seconds + max(seconds, 0.0), next(self._order), woken))
        await woken

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Stops time while a thread works, which the loop cannot tell from having nothing to do."""
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1

    async def run(self, wanted: Awaitable[T], *, limit: float = 3_600.0) -> T:
        """Awaits `wanted`; whenever nothing else can happen the next sleeper wakes. Raises StandstillError if there is none, or
        after `limit` seconds of virtual time."""
        task = asyncio.ensure_future(wanted)
        until = self._seconds + limit
        try:
            while not task.done():
                await self.quiet()
                if not task.done():
                    self._wake_next(until)
        finally:
            if not task.done():
                task.cancel()
        return task.result()

    async def forward(self, seconds: float) -> None:
        """Lets exactly `seconds` pass and everything happen that falls due."""
        until = self._seconds + seconds
        await self.quiet()
        while self._next_at() <= until:
            self._wake_next(until)
            await self.quiet()
        self._seconds = until

    async def quiet(self) -> None:
        """Returns when nothing more happens without time passing."""
        pause = 0.0
        while True:  # no event tells that everybody waits
            await asyncio.sleep(pause)
            if not self._busy and not _ready():
                return
            pause = 0.001 if self._busy else 0.0

    def _next_at(self) -> float:
        """Returns when the next sleeper wakes; ignores cancelled ones."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else math.inf

    def _wake_next(self, until: float) -> None:
        if self._next_at() > until:
            raise StandstillError("nothing will happen any more")
        at, _, woken = heapq.heappop(self._sleepers)
        self._seconds = max(self._seconds, at)
        woken.set_result(None)


def _ready() -> deque[Any]:
    """Returns the callbacks that the running loop would call next: if empty while the caller runs, everybody else waits."""
    ready = getattr(asyncio.get_running_loop(), "_ready")  # noqa: B009 - asyncio has no public name for it
    assert isinstance(ready, deque)
    return ready
