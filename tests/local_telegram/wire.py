"""A connection between the browser and the local chat that a test cuts and restores; its own address stays the same."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

_HOST = "127.0.0.1"
_PIECE = 65_536  # bytes
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Wire:
    """Carries every connection to `port` while it is whole; after `cut` they are refused, or `busy`, answered with a 503."""

    def __init__(self, port: int) -> None:
        self.port = port
        """The port it leads to; another one counts for later connections."""
        self.turned_away = asyncio.Event()
        """Set once somebody got a 503."""
        self._server: asyncio.Server | None = None
        self._own_port = 0
        self._busy = False
        self._ends: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """Returns the page's address through it."""
        return f"http://{_HOST}:{self._own_port}/"

    async def mend(self) -> None:
        """Carries connections (again) from now on."""
        self._busy = False
        if self._server is None:
            self._server = await asyncio.start_server(self._carry, _HOST, self._own_port)
            self._own_port = self._server.sockets[0].getsockname()[1]

    async def cut(self, *, busy: bool = False) -> None:
        """Resets what it carries; new connections are refused or, `busy`, get a 503."""
        self._busy = busy
        server = self._server
        if server is not None and not busy:
            self._server = None
            server.close()
        for end in self._ends:
            end.transport.abort()
        if server is not None and not busy:
            await server.wait_closed()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError), self._known(writer):
            if self._busy:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(_BUSY)
                self.turned_away.set()
                return
            there_reader, there_writer = await asyncio.open_connection(_HOST, self.port)
            with self._known(there_writer):
                await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))

    @contextlib.contextmanager
    def _known(self, end: asyncio.StreamWriter) -> Iterator[None]:
        self._ends.add(end)
        try:
            yield
        finally:
            self._ends.discard(end)
            end.close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while piece := await source.read(_PIECE):
            sink.write(piece)
            await sink.drain()
    sink.close()


@contextlib.asynccontextmanager
async def wire_to(port: int) -> AsyncIterator[Wire]:
    """Yields a wire to this port of the machine, whole at first."""
    wire = Wire(port)
    await wire.mend()
    try:
        yield wire
    finally:
        await wire.cut()
