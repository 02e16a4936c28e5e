"""An event loop with virtual time and a random scheduler, whose processes can be killed and suspended.

Every callback runs in the context of the process that scheduled it. A killed process runs no further line, not even a
`finally`: that distinguishes it from a cancelled task. A suspended one continues where it was.
"""

import asyncio
import heapq
from asyncio import BaseEventLoop, Handle, TimerHandle
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import Any


class Standstill(Exception):
    """Everybody waits, and nobody for the clock."""


class Process:
    """A process that can die. `name` distinguishes its starts."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.suspended = False
        self.deaths: list[Callable[[], None]] = []
        self._kept: list[Any] = []  # fell due while it was suspended

    def __repr__(self) -> str:
        return self.name


PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


class _Handle(TimerHandle):
    """A handle, due now or at a time. asyncio's own ask the loop again and again whether it debugs, which takes longer than all
    else about them."""

    __slots__ = ()

    def __init__(
        self, when: float, callback: Callable[..., Any], args: tuple[Any, ...], loop: "SeededLoop", context: Context | None
    ) -> None:
        self._when = when
        self._callback: Any = callback
        self._args: Any = args
        self._loop = loop
        self._context = copy_context() if context is None else context
        self._cancelled = self._scheduled = False
        self._repr = self._source_traceback = None

    def cancel(self) -> None:
        self._cancelled = True
        self._callback = self._args = None


class SeededLoop(BaseEventLoop):
    """Runs one of the ready callbacks, drawn by `random`; time passes only when nothing is ready."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random
        self._now = 0.0
        self._ready: deque[Any]
        self._scheduled: list[tuple[float, TimerHandle]]
        self._stopping: bool
        # Kept, with their processes: a task that is collected runs its `finally` blocks.
        self._tasks: list[tuple[Process | None, asyncio.Task[Any]]] = []
        self.steps = 0
        self.failures: list[BaseException] = []
        """The errors that nobody retrieved."""
        self.set_task_factory(self._make_task)  # type: ignore[arg-type]
        self.set_exception_handler(self._failed)

    def time(self) -> float:
        return self._now

    def call_at(self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None) -> TimerHandle:  # type: ignore[override]
        """Schedules it. The time stands beside the timer: a heap compares numbers sooner than timers."""
        timer = _Handle(when, callback, args, self, context)
        heapq.heappush(self._scheduled, (when, timer))
        return timer

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None) -> TimerHandle:  # type: ignore[override]
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Context | None = None) -> Handle:  # type: ignore[override]
        if self.is_closed():
            raise RuntimeError("the history is over")
        handle = _Handle(0.0, callback, args, self, context)
        self._ready.append(handle)
        return handle

    def run_in_executor(self, executor: object, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":  # type: ignore[override]
        """Runs it at once: there are no threads."""
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - as an executor hands it on
            done.set_exception(error)
        return done

    def start(self, process: Process | None, work: Coroutine[Any, Any, Any], name: str) -> "asyncio.Task[Any]":
        """Runs `work` as a task of `process`; of one that cannot die if there is none."""
        context = copy_context()
        context.run(PROCESS.set, process)
        return context.run(lambda: self.create_task(work, name=name))

    def kill(self, process: Process) -> None:
        """Kills a process, like `kill -9`."""
        if process.alive:
            process.alive = False
            for told in process.deaths:
                told()

    def suspend(self, process: Process) -> None:
        process.suspended = True

    def resume(self, process: Process) -> None:
        process.suspended = False
        kept, process._kept = process._kept, []
        self._ready.extend(kept)

    def forget_done(self) -> None:
        """Drops the tasks that are done: in a long life they would fill the memory."""
        self._tasks = [(process, task) for process, task in self._tasks if not task.done()]

    def forget(self) -> None:
        """Drops everything that still waits. Collecting it runs its `finally` blocks, which nobody sees."""
        self._ready.clear()
        self._scheduled.clear()
        for _, task in self._tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
        self._tasks.clear()
        self.close()

    def _run_once(self) -> None:
        ready = self._ready
        if not ready:
            self._let_time_pass()
        while ready and not self._stopping:
            at = self._random.randrange(len(ready)) if len(ready) > 1 else 0
            handle = ready[at]
            del ready[at]
            if handle._cancelled:
                continue
            process = handle._context.get(PROCESS)
            if process is None or (process.alive and not process.suspended):
                self.steps += 1
                handle._run()
            elif process.alive:
                process._kept.append(handle)

    def _let_time_pass(self) -> None:
        scheduled = self._scheduled
        while scheduled and (scheduled[0][1]._cancelled or _is_dead(scheduled[0][1])):
            heapq.heappop(scheduled)
        if self._stopping:
            return
        if not scheduled:
            raise Standstill
        self._now = max(self._now, scheduled[0][0])
        while scheduled and scheduled[0][0] <= self._now:
            self._ready.append(heapq.heappop(scheduled)[1])

    def _make_task(
        self, loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], context: Context | None = None
    ) -> "asyncio.Task[Any]":
        task = asyncio.Task(coro, loop=loop, context=context)
        self._tasks.append((PROCESS.get(), task))
        return task

    def _failed(self, _loop: asyncio.AbstractEventLoop, told: dict[str, Any]) -> None:
        error = told.get("exception")
        if error is not None:
            self.failures.append(error)

    # Required by BaseEventLoop.

    def _process_events(self, event_list: object) -> None: ...

    def _write_to_self(self) -> None: ...

    def _timer_handle_cancelled(self, handle: TimerHandle) -> None: ...


def _is_dead(handle: Any) -> bool:
    process = handle._context.get(PROCESS)
    return process is not None and not process.alive
