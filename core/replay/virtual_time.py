"""Time that passes only when nothing else can happen: months of trading take seconds, and always run the same way."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

T = TypeVar("T")

_RESOLUTION_SECONDS = 1e-7


class Standstill(Exception):
    """Everybody waits, and nobody for the clock."""


class _JumpingSelector(selectors.SelectSelector):
    """Lets the time for which the loop would wait pass at once. There is no network to wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self.waiting_for_calm: list[asyncio.Future[None]] = []

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if self.waiting_for_calm and timeout != 0:
            waiting, self.waiting_for_calm = self.waiting_for_calm, []
            for one in waiting:
                one.set_result(None)
            return ready
        if not ready and timeout is None:
            raise Standstill("nothing will happen any more")
        self.seconds += max(timeout or 0.0, 0.0)
        return ready


class _VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on the time of its selector."""

    _clock_resolution: float

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        # A timer is due once its time is less than the resolution away. After a month a float of seconds is coarser than
        # asyncio's own resolution, a nanosecond: a timer would be due for ever and never run.
        self._clock_resolution = _RESOLUTION_SECONDS

    def time(self) -> float:
        return self._jumping.seconds

    async def calm(self) -> None:
        """Returns when everybody else waits for time to pass."""
        calm: asyncio.Future[None] = self.create_future()
        self._jumping.waiting_for_calm.append(calm)
        await calm


class VirtualClock:
    """A `core.ports.clock.Clock` on a virtual loop, which shows `began` at its start."""

    def __init__(self, loop: _VirtualLoop, began: datetime) -> None:
        self._loop = loop
        self._began = began

    def now(self) -> datetime:
        """Returns the virtual time, aware UTC."""
        return self._began + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        """Returns the virtual seconds since the start."""
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """Returns after `seconds` of virtual time."""
        await asyncio.sleep(max(seconds, 0.0))

    async def until(self, at: datetime) -> None:
        """Returns when it is `at`; at once if that is over."""
        if (left := (at - self.now()).total_seconds()) > 0:
            await asyncio.sleep(left)

    async def calm(self) -> None:
        """Returns when nothing more happens without time passing."""
        await self._loop.calm()


def run_in_virtual_time(began: datetime, work: Callable[[VirtualClock], Awaitable[T]]) -> T:
    """Runs `work` to its end on a clock that shows `began` at first. The calling thread must have no running loop."""

    loop = _VirtualLoop()

    async def run() -> T:
        return await work(VirtualClock(loop, began))

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(run())
