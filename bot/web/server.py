"""Serves a web application inside our event loop. Signals, exit codes and logs stay ours."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI

from bot.web.connection_limit import CONNECTIONS, Connection, OpenConnections, RequestWatch
from core.domain.errors import ConfigurationError

_HEAD_BYTES = 16 * 1024  # of a request line and headers
_GRACE = 2  # seconds that running requests get at the end


class _Server(uvicorn.Server):  # uvicorn has no option for it; test_signals_stay_with_the_program fails where it changes this
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves SIGTERM and Ctrl-C to the program."""
        yield


@contextlib.asynccontextmanager
async def serve_web(app: FastAPI, host: str, port: int, variable: str = "HTTP_PORT") -> AsyncIterator[int]:
    """Serves `app` from entry to exit and yields the port (0 asks for any free one). Raises ConfigurationError, which names
    the setting `variable`, where it cannot listen there."""
    listener, open_connections = await _listen(host, port, variable), OpenConnections()
    config = uvicorn.Config(
        RequestWatch(app, open_connections),
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # RequestWatch needs the client's own address
        timeout_graceful_shutdown=_GRACE,
        h11_max_incomplete_event_size=_HEAD_BYTES,
        backlog=CONNECTIONS,
    )
    config.load()  # finds the class of "h11"; tests/bot/web/test_connection_limit.py fails where uvicorn does not use ours
    config.http_protocol_class = _limited(config.http_protocol_class, open_connections)
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="web")
    try:
        yield listener.getsockname()[1]  # it accepts connections already
    finally:
        server.should_exit = True
        await serving


def _limited(inner: Callable[..., asyncio.Protocol], open_connections: OpenConnections) -> type[asyncio.Protocol]:
    class Limited(Connection):
        def __init__(self, **options: Any) -> None:
            super().__init__(open_connections, inner(**options))

    return Limited


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
