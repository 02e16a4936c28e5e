"""A TCP proxy that can swallow, cut and go silent: the network between a client and a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Proxy:
    """Forwards bytes in both directions until told otherwise. `port` is its loopback port."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.port = 0
        self.requests = 0
        """The pieces that clients have sent, since it was last set to 0."""
        self._loses_answer_to: bytes | None = None
        self._holds: bytes | None = None
        self._let_go = asyncio.Event()
        self._answered = asyncio.Event()
        self._left: int | None = None
        self.silent = asyncio.Event()
        """Set as long as it drops every byte."""
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._connections: set[asyncio.Task[None]] = set()

    def lose_the_answer_to(self, words: bytes) -> None:
        """Forwards the next request that contains `words`, and cuts the connection before its answer."""
        self._loses_answer_to = words

    def hold(self, words: bytes) -> None:
        """Cuts the client's connection at the next request that contains `words`, which reaches the server only after
        `let_go`."""
        self._holds = words
        self._let_go.clear()
        self._answered.clear()

    async def let_go(self) -> None:
        """Lets what it holds reach the server, and returns once that has answered it."""
        self._let_go.set()
        await self._answered.wait()

    def go_silent(self) -> None:
        """Drops every byte silently from now on."""
        self._flowing.clear()
        self.silent.set()

    def go_silent_at(self, request: int) -> None:
        """Drops every byte silently from that request on; 1 is the next."""
        self._left = request - 1

    def come_back(self) -> None:
        self._left = None
        self.silent.clear()
        self._flowing.set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._connect(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        await asyncio.wait([task])

    async def close(self) -> None:
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends, cut = [writer], asyncio.Event()
        try:
            with suppress(OSError):
                await self._flowing.wait()
                there, to_server = await asyncio.open_connection("127.0.0.1", self._target)
                ends.append(to_server)
                await asyncio.gather(self._up(reader, to_server, cut, writer), self._down(there, writer, cut))
        finally:
            for end in ends:
                end.transport.abort()

    async def _up(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: asyncio.Event, client: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(65536):
            self.requests += 1
            self._count_request()
            await self._flowing.wait()
            if self._holds is not None and self._holds in data:
                self._holds = None
                client.transport.abort()
                await self._let_go.wait()
                cut.set()
            if self._loses_answer_to is not None and self._loses_answer_to in data:
                self._loses_answer_to = None
                cut.set()
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    def _count_request(self) -> None:
        if self._left == 0:
            self.go_silent()
        elif self._left is not None:
            self._left -= 1

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: asyncio.Event) -> None:
        while data := await reader.read(65536):
            await self._flowing.wait()
            if cut.is_set():
                self._answered.set()
                writer.transport.abort()
                return
            writer.write(data)
            await writer.drain()
        writer.transport.abort()


@asynccontextmanager
async def proxy_to(port: int) -> AsyncIterator[Proxy]:
    """Starts a proxy in front of 127.0.0.1:`port`."""
    proxy = Proxy(port)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
