"""The one file that touches `websockets`: one connection, whose every failure is a StreamCut. Logs nothing: the library's own log
would hold the key and the signature of what is sent."""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.http11 import Response
from websockets.protocol import State

from core.adapters.binance.errors import Refusal, refusal
from core.adapters.binance.stream_cut import StreamCut

PING_SECONDS = 20.0  # between pings of ours, and until a pong is missed; the exchange's own are answered by the library
_OPEN_SECONDS = 10.0
_SILENT = logging.getLogger("websockets of the WebSocket API")
_SILENT.setLevel(logging.CRITICAL + 1)


class StreamSocket:
    """An open connection."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    @property
    def is_open(self) -> bool:
        """Tells whether what is sent now leaves. False: nothing would."""
        return self._connection.state is State.OPEN and not self._connection.transport.is_closing()

    def abort(self) -> None:
        """Breaks the connection at once: whoever receives gets a StreamCut."""
        self._connection.transport.abort()

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
async def opened(url: str, ping: float = PING_SECONDS) -> AsyncIterator[StreamSocket]:
    """Connects to `url`, and closes the connection at the end. Every `ping` seconds it asks for a sign of life, and takes the
    connection for dead when none came by the next. Raises StreamCut."""
    options: dict[str, Any] = {"ping_interval": ping, "ping_timeout": ping, "close_timeout": 1.0}
    try:
        connection = await _Direct(url, compression=None, proxy=None, open_timeout=_OPEN_SECONDS, logger=_SILENT, **options)
    except InvalidStatus as error:
        refused = _refusal(error.response)
        raise StreamCut(f"HTTP {refused.status}", refused.wait, refused) from None
    except (WebSocketException, OSError, TimeoutError) as error:
        raise StreamCut(f"cannot connect ({type(error).__name__})") from None
    try:
        yield StreamSocket(connection)
    finally:
        await connection.close()


def _refusal(response: Response) -> Refusal:
    """Returns what the exchange says where it does not let a connection in: a ban or a rate limit (web-socket-api.md, "IP
    limits")."""
    try:
        said = json.loads(response.body or b"")
    except (ValueError, RecursionError):
        said = None
    code = said.get("code") if isinstance(said, dict) else None
    return refusal(response.status_code, code, "", dict(response.headers.raw_items()))
