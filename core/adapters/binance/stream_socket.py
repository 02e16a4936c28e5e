"""The one file that touches `websockets`: one connection, whose every failure is a StreamCut. Logs nothing: the library's own log
would hold the key and the signature of what is sent."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from core.adapters.binance.stream_cut import StreamCut

_PING_SECONDS = 20.0  # between pings of ours, and until a pong is missed; the exchange's own are answered by the library
_OPEN_SECONDS = 10.0
_SILENT = logging.getLogger("websockets of the user data stream")
_SILENT.setLevel(logging.CRITICAL + 1)


class StreamSocket:
    """An open connection."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, text: str) -> None:
        """Sends one frame. Raises StreamCut."""
        try:
            await self._connection.send(text)
        except ConnectionClosed:
            raise StreamCut("the connection was cut") from None

    async def receive(self) -> str | bytes:
        """Returns the next frame. Raises StreamCut."""
        try:
            return await self._connection.recv()
        except ConnectionClosed:
            raise StreamCut("the connection was cut") from None


class _Direct(connect):
    """Follows no redirect: the key would go where it leads."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[StreamSocket]:
    """Connects to `url`, and closes the connection at the end. Raises StreamCut."""
    options: dict[str, Any] = {"ping_interval": _PING_SECONDS, "ping_timeout": _PING_SECONDS, "close_timeout": 1.0}
    try:
        connection = await _Direct(url, compression=None, proxy=None, open_timeout=_OPEN_SECONDS, logger=_SILENT, **options)
    except InvalidStatus as error:
        raise StreamCut(f"HTTP {error.response.status_code}") from None
    except (WebSocketException, OSError, TimeoutError) as error:
        raise StreamCut(f"cannot connect ({type(error).__name__})") from None
    try:
        yield StreamSocket(connection)
    finally:
        await connection.close()
