"""A TCP proxy that can swallow, cut and go silent: the network between a client and a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Proxy:
    """Forwards bytes in both directions until told otherwise. `port` is its loopback port."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.port = 0
        self._loses_answer_to: bytes | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._connections: set[asyncio.Task[None]] = set()

    def lose_the_answer_to(self, words: bytes) -> None:
        """Forwards the next request that contains `words`, and cuts the connection before its answer."""
        self._loses_answer_to = words

    def go_silent(self) -> None:
        """Drops every byte silently from now on."""
        self._flowing.clear()

    def come_back(self) -> None:
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
        await self._flowing.wait()
        there, to_server = await asyncio.open_connection("127.0.0.1", self._target)
        cut = asyncio.Event()
        try:
            with suppress(OSError):
                await asyncio.gather(self._up(reader, to_server, cut), self._down(there, writer, cut))
        finally:
            for end in (writer, to_server):
                end.transport.abort()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: asyncio.Event) -> None:
        while data := await reader.read(65536):
            await self._flowing.wait()
            if self._loses_answer_to is not None and self._loses_answer_to in data:
                self._loses_answer_to = None
                cut.set()
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: asyncio.Event) -> None:
        while data := await reader.read(65536):
            await self._flowing.wait()
            if cut.is_set():
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
