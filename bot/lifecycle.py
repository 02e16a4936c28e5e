"""Ordered start and stop: vital tasks whose death ends the process, and a stop that settles what is in flight."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import structlog

from core.domain.errors import MarketFlowError

log = structlog.get_logger(__name__)


class Lifecycle:
    """The long-running tasks of the process. All are vital: when one ends by itself, everything ends."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stop = asyncio.Event()

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Runs `work` beside the others until `end(name)`."""
        self._tasks[name] = asyncio.create_task(work, name=name)

    def stop(self) -> None:
        """Asks the process to end cleanly."""
        self._stop.set()

    async def wait(self) -> None:
        """Returns when asked to stop; raises the error that ended a vital task."""
        stopped = asyncio.create_task(self._stop.wait(), name="stop")
        try:
            done, _ = await asyncio.wait([stopped, *self._tasks.values()], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
        for task in done - {stopped}:
            if not task.cancelled() and (error := task.exception()) is not None:
                log.critical("a vital part died; ending", part=task.get_name())
                raise error
            raise RuntimeError(f"{task.get_name()} ended by itself")

    async def end(self, *names: str) -> None:
        """Cancels the named tasks (no names: all that are left) and waits until they have ended."""
        chosen = {name: self._tasks.pop(name) for name in names or list(self._tasks) if name in self._tasks}
        for task in chosen.values():
            task.cancel()
        for name, result in zip(chosen, await asyncio.gather(*chosen.values(), return_exceptions=True), strict=True):
            if isinstance(result, MarketFlowError):
                log.error("a part ended with an error", part=name, error=str(result))
            elif isinstance(result, Exception):
                log.error("a part ended with an error", part=name, exc_info=result)


HANDOVER_SIGNAL = signal.SIGUSR1
"""Asks the active process to hand over to its standby."""


@contextlib.contextmanager
def stop_on_signals(stop: Callable[[], None], hand_over: Callable[[], None], word: str) -> Iterator[None]:
    """Handles SIGTERM and Ctrl-C: the first calls `stop`, and logs `word`, a second one ends at once. HANDOVER_SIGNAL calls
    `hand_over`."""
    loop = asyncio.get_running_loop()
    caught = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.getsignal(number) for number in (*caught, HANDOVER_SIGNAL)}

    def asked() -> None:
        log.info(word)
        stop()
        for number in caught:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)  # not KeyboardInterrupt: running code could catch that

    for number in caught:
        loop.add_signal_handler(number, asked)
    loop.add_signal_handler(HANDOVER_SIGNAL, hand_over)
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


@contextlib.contextmanager
def ignoring_handover() -> Iterator[None]:
    """Has a process that cannot hand over yet, or no more, live on where it is asked to: by itself the signal would end it."""
    before = signal.signal(HANDOVER_SIGNAL, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(HANDOVER_SIGNAL, before)


async def first_of(*works: Coroutine[Any, Any, object]) -> None:
    """Returns, or raises, what the first of them to end does; ends the others."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
