"""Serves a web application inside our event loop. Signals, exit codes and logs stay ours."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator
from functools import partial

import uvicorn
from fastapi import FastAPI

from bot.web.connection_limit import CONNECTIONS, Connection, Crowd
from core.domain.errors import ConfigurationError

_HEAD_BYTES = 16 * 1024  # of a request line and headers
_GRACE = 2  # seconds that running requests get at the end


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves SIGTERM and Ctrl-C to the program."""
        yield


@contextlib.asynccontextmanager
async def serve_web(app: FastAPI, host: str, port: int, variable: str = "HTTP_PORT") -> AsyncIterator[int]:
    """Serves `app` from entry to exit and yields the port (0 asks for any free one). Raises ConfigurationError, which names
    the setting `variable`, where it cannot listen there."""
    recipient = await _listen(host, port, variable)
    config = uvicorn.Config(
        app,
        http=partial(Connection, crowd=Crowd()),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_GRACE,
        h11_max_incomplete_event_size=_HEAD_BYTES,
        backlog=CONNECTIONS,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[recipient]), name="web")
    try:
        yield recipient.getsockname()[1]  # it accepts connections already
    finally:
        server.should_exit = True
        await serving


async def _listen(host: str, port: int, variable: str) -> socket.socket:
    """Opens our own socket: uvicorn would end the process where it cannot listen."""
    try:
        known = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = known[0]
        return socket.create_server(address, family=family, backlog=CONNECTIONS)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or type(error).__name__
        problem = f"{variable}: cannot listen on port {port} of {host} ({why}); accepted: a free port, or 0 for off"
        raise ConfigurationError([problem]) from None
