"""Fails an async test that leaves tasks behind and, where it asks for `no_blocking`, one that blocks the event loop."""

import asyncio
import gc
import inspect
import sys
import threading
import time
import traceback
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.own_time import own_seconds

_TICK = 0.01  # seconds between two checks
_LIMIT = 0.25  # seconds
_GRACE = 0.5  # seconds for tasks that are nearly done
_STACK_DEPTH = 12


class LoopWatch:
    """Measures the longest time that the event loop went without a turn since the watch began. Time in which its thread could
    have run and other processes had the processors does not count: that is the machine's, not the program's."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        """Seconds from which on the test fails; a test may set its own."""
        self.longest = 0.0
        """Seconds, the worst so far."""
        self.culprit = ""
        """The stack of the loop's thread when `limit` was passed for the first time."""
        self._loop_thread = threading.get_ident()
        self._waits = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._last_turn = self._clock()
        self._ended = threading.Event()

    async def tick(self) -> None:
        """Runs in the watched loop until it is cancelled."""
        while True:
            self._turned()
            await asyncio.sleep(_TICK)

    def look_on(self) -> None:
        """Runs in its own thread until `end`, to see what blocks the loop while it does."""
        while not self._ended.wait(_TICK):
            if not self.culprit and self._clock() - self._last_turn > self.limit:
                frame = sys._current_frames().get(self._loop_thread)
                self.culprit = "".join(traceback.format_stack(frame, limit=_STACK_DEPTH)) if frame else ""

    def end(self) -> None:
        """Counts the time since the last turn, and lets `look_on` return."""
        self._turned()
        self._ended.set()

    def _clock(self) -> float:
        """Returns seconds, without those in which the loop's thread waited for a processor: the second number there
        (nanoseconds, https://docs.kernel.org/scheduler/sched-stats.html)."""
        try:
            waited = int(self._waits.read_text().split()[1]) / 1e9
        except (OSError, IndexError):
            waited = 0.0  # another operating system
        return time.monotonic() - waited

    def _turned(self) -> None:
        now = self._clock()
        self.longest = max(self.longest, now - self._last_turn)
        self._last_turn = now


@pytest.fixture
async def no_blocking() -> AsyncIterator[LoopWatch]:
    """Fails the test when the loop did not turn for `limit` seconds (0.25, or what the test sets), and says where.

    Objects that earlier tests left on the heap are frozen first: a full collection of them blocks longer than anything in the
    program does.
    """
    gc.collect()
    gc.freeze()
    watch = LoopWatch(_LIMIT)
    onlooker = threading.Thread(target=watch.look_on, name="no_blocking", daemon=True)
    onlooker.start()
    ticking = asyncio.create_task(watch.tick())
    await asyncio.sleep(0)
    yield watch
    watch.end()
    ticking.cancel()
    onlooker.join()
    if watch.longest > watch.limit:
        pytest.fail(f"the event loop stood still for {watch.longest:.2f} s\n{watch.culprit}", pytrace=False)


@pytest.fixture
async def _tasks_end_with_test() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    began = own_seconds()
    while left and own_seconds() - began < _GRACE:  # a clean end may take a few turns of the loop, and of another thread
        _, left = await asyncio.wait(left, timeout=_TICK)
    if left:
        names = "\n".join(sorted(map(repr, left)))
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=_GRACE)
        pytest.fail(f"the test left {len(left)} task(s) running:\n{names}", pytrace=False)


@pytest.fixture(autouse=True)
def no_task_left(request: pytest.FixtureRequest) -> None:
    """Fails an async test after which, its fixtures closed, tasks still run: set up first, so it checks last."""
    if inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        request.getfixturevalue("_tasks_end_with_test")
