"""The computer that runs the program: its wall clock, which people and daemons set, and its processes."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NoReturn

from tests.simulation.loop import PROCESS, Process, SeededLoop

EPOCH = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Clock:
    """See `core.ports.Clock`. `off` is how far the wall clock is from the true time."""

    def __init__(self, loop: SeededLoop) -> None:
        self._loop = loop
        self.off = timedelta()

    def now(self) -> datetime:
        return self.true() + self.off

    def true(self) -> datetime:
        return EPOCH + timedelta(seconds=self._loop.time())

    async def wrong_for(self, ahead: float, *, after: float, seconds: float) -> None:
        """Sets the wall clock wrong, and right again after a while."""
        await asyncio.sleep(after)
        self.off = timedelta(seconds=ahead)
        await asyncio.sleep(seconds)
        self.off = timedelta()

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0.0))


class Fate:
    """Draws faults from one seed. A kind of fault that is not in `kinds` never happens; once it is `over` none does."""

    def __init__(self, loop: SeededLoop, random: Random, kinds: frozenset[str]) -> None:
        self.loop = loop
        self.random = random
        self.kinds = kinds
        self.over = False
        self.history: list[str] = []
        self.happened: dict[str, int] = {}
        self.stopped: Callable[[Process], None] = lambda _: None
        """The handler of a process that was stopped in the middle of something."""

    def strikes(self, kind: str, chance: float) -> bool:
        """Tells whether it happens now."""
        if self.over or kind not in self.kinds or self.random.random() >= chance:
            return False
        self.happened[kind] = self.happened.get(kind, 0) + 1
        self.tell(f"FAULT {kind}")
        return True

    def tell(self, what: str) -> None:
        """Records an event for the history of a failure."""
        process = PROCESS.get()
        self.history.append(f"{self.loop.time():9.3f}  {process.name if process else '-':<6} {what}")

    async def pause(self, least: float, most: float) -> None:
        """Returns the time that something takes."""
        await asyncio.sleep(self.random.uniform(least, most))

    async def die(self) -> NoReturn:
        """Kills the calling process, like `kill -9`."""
        process = PROCESS.get()
        if process is None:
            raise AssertionError("only a process can die")
        self.tell("killed")
        self.loop.kill(process)
        await self.forever()

    async def stop_me(self) -> None:
        """Suspends the calling process until somebody resumes it."""
        process = PROCESS.get()
        if process is not None:
            self.stopped(process)
            await asyncio.sleep(0)

    async def forever(self) -> NoReturn:
        """Never returns."""
        await self.loop.create_future()
        raise AssertionError("nobody wakes it")

    async def may_die(self, chance: float) -> None:
        """Kills the process here, with this probability."""
        if PROCESS.get() is not None and self.strikes("kill", chance):
            await self.die()
