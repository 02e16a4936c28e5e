"""Connects to the WebSocket API again and again: the pauses grow while attempts fail."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, NoReturn, Protocol

import structlog

from core.adapters.binance.stream_cut import StreamCut
from core.domain.retry_backoff import RetryBackoff
from core.ports.clock import Clock

if TYPE_CHECKING:
    from core.adapters.binance.stream_socket import StreamSocket

_BACKOFF = RetryBackoff(first=0.5, longest=60.0)
_STEADY_SECONDS = 60.0  # a connection that lasted so long was no failed attempt

_log = structlog.get_logger(__name__)


class Opened(Protocol):
    """Connects, as `stream_socket.opened` does."""

    def __call__(self, url: str, ping: float = ...) -> AbstractAsyncContextManager["StreamSocket"]: ...


async def keep_connected(follow: Callable[[Opened], Awaitable[StreamCut]], clock: Clock, event: str) -> NoReturn:
    """Calls `follow`, which serves one connection to its end, again after each end. Logs each end as `event`."""
    opened = await load_opened()
    failures = 0
    while True:
        began = clock.monotonic()
        cut = await follow(opened)
        failures = 1 if clock.monotonic() - began >= _STEADY_SECONDS else failures + 1
        pause = max(_BACKOFF.after(failures), cut.wait)
        _log.warning(event, why=str(cut), failures=failures, retry_in=pause)
        await clock.sleep(pause)


async def load_opened() -> Opened:
    """Returns `stream_socket.opened`, imported in a thread."""
    return await asyncio.to_thread(_import_opened)


def _import_opened() -> Opened:
    from core.adapters.binance.stream_socket import opened  # noqa: PLC0415 - takes long

    return opened
