"""Serves a web application inside our event loop. Signals, exit codes and logs stay ours."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from core.domain.errors import ConfigurationError

HEAD_SECONDS = 10.0
"""So long may a client take to say what it wants."""
CONNECTIONS = 64
"""At a time; each is an open file, which orders and the ledger need too."""
_GRACE = 2  # seconds that requests under way are given at the end


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves SIGTERM and Ctrl-C to whoever runs us."""
        yield


class _Connection(H11Protocol):
    """One that is closed when there are too many, or when no request comes of it: uvicorn would wait for ever."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS:
            transport.abort()
        else:
            self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_timer()
        elif self._timer is None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


@contextlib.asynccontextmanager
async def serve_web(app: FastAPI, host: str, port: int, variable: str = "HTTP_PORT") -> AsyncIterator[int]:
    """Serves `app` from entry to exit and gives the port (0 asks for any free one). Raises ConfigurationError, which names the
    setting `variable`, where it cannot listen there."""
    listener = await _listen(host, port, variable)
    config = uvicorn.Config(
        app, http=_Connection, ws="none", lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=_GRACE
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="web")
    try:
        yield listener.getsockname()[1]  # it takes connections already
    finally:
        server.should_exit = True
        await serving


async def _listen(host: str, port: int, variable: str) -> socket.socket:
    """Our own socket: uvicorn would end the process where it cannot listen."""
    try:
        known = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = known[0]
        return socket.create_server(address, family=family, backlog=CONNECTIONS)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or type(error).__name__
        problem = f"{variable}: cannot listen on port {port} of {host} ({why}); accepted: a free port, or 0 for off"
        raise ConfigurationError([problem]) from None
