"""Limits connections. When there are too many, the oldest that has not sent a whole request is closed."""

import asyncio
import resource
from dataclasses import dataclass, field
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""So long may a client take to say what it wants."""
CONNECTIONS = 1_024
"""At a time, of one port."""
_FILES = 4_096
"""Open files that the process asks for; each connection is one, and orders and the ledger need some too."""


def most_connections() -> int:
    """Returns how many connections this process can afford on a port: a quarter of its open files, whose limit is raised first
    where allowed."""
    files, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if limit == resource.RLIM_INFINITY else min(_FILES, limit)
    if files != resource.RLIM_INFINITY and files < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, limit))
        files = wanted
    return CONNECTIONS if files == resource.RLIM_INFINITY else min(CONNECTIONS, files // 4)


@dataclass(slots=True)
class Crowd:
    """The connections of one port; `silent` are those that have not sent a whole request, the oldest first."""

    most: int = field(default_factory=most_connections)
    silent: dict["Connection", None] = field(default_factory=dict)


class Connection(H11Protocol):
    """A connection that ends when it sends no request (uvicorn would wait for ever), or when it is the oldest silent one in a
    crowd. It never makes room for another while its request is being answered."""

    def __init__(self, *args: Any, crowd: Crowd, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._crowd = crowd
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._crowd.silent[self] = None
        self._watch()
        if len(self.connections) > self._crowd.most:
            next(iter(self._crowd.silent)).transport.abort()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._crowd.silent.pop(self, None)
        super().connection_lost(exc)

    def _watch(self) -> None:
        answering = self.cycle is not None and not self.cycle.response_complete
        if answering and not self.cycle.more_body:
            self._crowd.silent.pop(self, None)
        elif self not in self._crowd.silent and not self.transport.is_closing():
            self._crowd.silent[self] = None
        if answering:
            self._stop_timer()
        elif self._timer is None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
