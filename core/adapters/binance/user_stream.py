"""The user data stream of Binance: what becomes of the account's orders, as it happens (user-data-stream.md).

Nothing is sent again after a cut: whoever listens has to ask for what it missed when it is connected again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Protocol

import structlog

from core.adapters.binance.credentials import Credentials
from core.adapters.binance.event_codec import EXECUTION_REPORT, StreamAnswer, StreamEvent, execution_report, message, written
from core.adapters.binance.json_fields import Unreadable
from core.adapters.binance.reconnecting import Opened, keep_connected
from core.adapters.binance.stream_cut import StreamCut
from core.domain.errors import ExchangeUnavailable
from core.domain.order import ExecutionReport
from core.ports.clock import Clock

if TYPE_CHECKING:
    from core.adapters.binance.stream_socket import StreamSocket

# web-socket-api.md, "User Data Stream subscriptions" and "Session Authentication"
_SUBSCRIBE_SIGNED = "userDataStream.subscribe.signature"  # with any key
_LOG_ON, _SUBSCRIBE = "session.logon", "userDataStream.subscribe"  # with Ed25519 keys only
_ALREADY_SUBSCRIBED = -2035
_ENDS = {"eventStreamTerminated": "the subscription ended", "serverShutdown": "the server shuts down"}
_ANSWER_SECONDS = 10.0  # web-socket-api.md: the exchange itself gives up after so long
_WAIT_SECONDS = {418: 120.0, 429: 60.0}  # by status: the shortest ban, and the window of the request weight

_log = structlog.get_logger(__name__)


class StreamListener(Protocol):
    """Hears what the stream tells. What it raises ends the stream."""

    async def heard(self, report: ExecutionReport) -> None:
        """Takes the report of one order. The same may come twice, and any may be missing after a cut."""
        ...

    async def connected(self) -> None:
        """Begins: from now on reports come. What happened before has to be asked for."""
        ...

    async def away(self) -> None:
        """Ends: no report comes until `connected` is called again."""
        ...


class UserStream:
    """Follows the user data stream until it is cancelled, over one connection after the other. `offset` returns the exchange's
    clock minus this machine's (seconds, see `BinanceClient.measure_clock`); it may raise ExchangeUnavailable. `unreadable` counts
    the messages that could not be read."""

    def __init__(
        self,
        *,
        url: str,
        credentials: Credentials,
        clock: Clock,
        offset: Callable[[], Awaitable[float]],
        listener: StreamListener,
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._clock = clock
        self._offset = offset
        self._listener = listener
        self.unreadable = 0

    async def run(self) -> None:
        """Connects, and connects again after each end, after a pause that grows while attempts fail."""
        await keep_connected(self._follow, self._clock, "user_stream_away")

    async def _follow(self, opened: Opened) -> StreamCut:
        """Follows one connection to its end, and returns why it ended."""
        try:
            offset = await self._offset()
        except ExchangeUnavailable as error:
            return StreamCut(str(error), error.retry_after)
        try:
            async with opened(self._url) as socket:
                await self._subscribe(socket, offset)
                await self._listener.connected()
                _log.info("user_stream_connected")
                return await self._hear_all(socket)
        except StreamCut as cut:
            return cut

    async def _subscribe(self, socket: "StreamSocket", offset: float) -> None:
        for request in self._requests(offset):
            await socket.send(request)
            await self._hear_answer(socket)

    async def _hear_answer(self, socket: "StreamSocket") -> None:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                while not isinstance(said := self._read(await socket.receive()), StreamAnswer):
                    await self._hear(said)
        except TimeoutError:
            raise StreamCut("no answer in time") from None
        if said.status != 200 and said.code != _ALREADY_SUBSCRIBED:
            raise StreamCut(f"refused: status {said.status}, code {said.code}", _WAIT_SECONDS.get(said.status, 0.0))

    async def _hear_all(self, socket: "StreamSocket") -> StreamCut:
        try:
            while True:
                await self._hear(self._read(await socket.receive()))
        except StreamCut as cut:
            await self._listener.away()
            return cut

    def _read(self, frame: str | bytes) -> StreamEvent | StreamAnswer | None:
        try:
            return message(frame)
        except Unreadable as error:
            self._note_unreadable(error)
            return None

    async def _hear(self, said: StreamEvent | StreamAnswer | None) -> None:
        """Passes a report on. Skips events that say nothing of an order; raises StreamCut for those that end the stream."""
        if not isinstance(said, StreamEvent):
            return
        if said.kind in _ENDS:
            raise StreamCut(_ENDS[said.kind])
        if said.kind == EXECUTION_REPORT:
            try:
                report = execution_report(said.body)
            except Unreadable as error:
                self._note_unreadable(error)
                return
            await self._listener.heard(report)

    def _note_unreadable(self, error: Unreadable) -> None:
        self.unreadable += 1
        _log.warning("user_stream_unreadable", problem=str(error), count=self.unreadable)

    def _requests(self, offset: float) -> Iterator[str]:
        """Yields the requests that begin the stream, each to be sent once the one before it is answered."""
        if not self._credentials.can_log_on:
            yield written(1, _SUBSCRIBE_SIGNED, self._signed(offset))
            return
        yield written(1, _LOG_ON, self._signed(offset))
        yield written(2, _SUBSCRIBE, {})

    def _signed(self, offset: float) -> dict[str, str | int]:
        return self._credentials.signed({}, self._clock.now().timestamp() + offset)
