"""A limit on connections. When there are too many, the oldest that has not sent a complete request is closed.

uvicorn's own options cannot do this: `limit_concurrency` refuses the newest connection and counts idle ones, and
`timeout_keep_alive` begins after the first response, so that a client that sends nothing stays for ever. Connection stands
between the transport and uvicorn's protocol and only forwards; RequestWatch tells it, as an ASGI application, when a request
came and when it was answered.
"""

import asyncio
import resource
from dataclasses import dataclass, field
from typing import cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEAD_SECONDS = 10.0
"""The time a client has to send a request."""
CONNECTIONS = 1_024
"""The most connections to one port."""
_FILES = 4_096
"""Open files that the process asks for; each connection is one, and orders and the ledger need some too."""


def most_connections() -> int:
    """Returns how many connections a port may have: a quarter of the process's open files, after raising that limit where
    allowed."""
    files, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if limit == resource.RLIM_INFINITY else min(_FILES, limit)
    if files != resource.RLIM_INFINITY and files < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, limit))
        files = wanted
    return CONNECTIONS if files == resource.RLIM_INFINITY else min(CONNECTIONS, files // 4)


@dataclass(slots=True)
class OpenConnections:
    """The connections of one port by the client's address and port; `silent` are those without a complete request, the oldest
    first."""

    most: int = field(default_factory=most_connections)
    connections: dict[object, "Connection"] = field(default_factory=dict)
    silent: dict["Connection", None] = field(default_factory=dict)

    def make_room(self) -> None:
        """Closes the oldest silent connection where there are too many."""
        if len(self.connections) > self.most and self.silent:
            next(iter(self.silent)).abort()


class Connection(asyncio.Protocol):
    """A connection that ends when no request comes, or when it is the oldest silent one in a crowd. It never makes room for
    another while its request is being answered."""

    def __init__(self, open_connections: OpenConnections, inner: asyncio.Protocol) -> None:
        self._open_connections = open_connections
        self._inner = inner
        self._client: object = self
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._request: object = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._client = tuple(peer[:2]) if peer else self  # as in the scope of ASGI; None where the client is gone already
        self._open_connections.connections[self._client] = self
        self._open_connections.silent[self] = None
        self._start_timer()
        self._inner.connection_made(transport)
        self._open_connections.make_room()

    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._open_connections.silent.pop(self, None)
        if self._open_connections.connections.get(self._client) is self:
            del self._open_connections.connections[self._client]
        self._inner.connection_lost(exc)

    def request_began(self, request: object) -> None:
        """Notes that the head of a request came; from here on its handler limits the time."""
        self._request = request
        self._stop_timer()

    def request_complete(self) -> None:
        """Notes that nothing of the request is missing."""
        self._open_connections.silent.pop(self, None)

    def request_over(self, request: object) -> None:
        """Notes that the request was answered, unless the next one has begun already."""
        if self._request is request and self._transport is not None and not self._transport.is_closing():
            self._request = None
            self._open_connections.silent.setdefault(self)
            self._start_timer()

    def abort(self) -> None:
        """Closes it at once."""
        self._open_connections.silent.pop(self, None)
        if self._transport is not None:
            self._transport.abort()

    def _start_timer(self) -> None:
        self._stop_timer()
        self._timer = asyncio.get_running_loop().call_later(HEAD_SECONDS, self.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class RequestWatch:
    """An ASGI application that tells each request's connection how far it is. Needs the client's own address in the scope."""

    def __init__(self, app: ASGIApp, open_connections: OpenConnections) -> None:
        self._app = app
        self._open_connections = open_connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = self._open_connections.connections.get(scope.get("client"))
        if connection is None:
            await self._app(scope, receive, send)
            return
        request = object()

        async def received() -> Message:
            message = await receive()
            if not message.get("more_body", False):
                connection.request_complete()
            return message

        async def sent(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                connection.request_over(request)

        connection.request_began(request)
        if not _has_body(scope):
            connection.request_complete()
        try:
            await self._app(scope, received, sent)
        finally:
            connection.request_over(request)


def _has_body(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"
