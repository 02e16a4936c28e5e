"""The quick way of an order: a connection of the WebSocket API that is kept open, so that no order waits for one.

What certainly did not leave says so (`Silence.sent` is False) and may go another way. Whatever else is lost with a connection is
lost like any other answer. Nothing is ever sent twice.
"""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

import structlog

from core.adapters.binance import event_codec
from core.adapters.binance.connection import Connection
from core.adapters.binance.credentials import Credentials
from core.adapters.binance.errors import MAY_NOT_SEND, Answer, Refusal, Said, Silence
from core.adapters.binance.event_codec import StreamAnswer, StreamEvent
from core.adapters.binance.json_fields import Unreadable
from core.adapters.binance.rate_limit_budget import Request
from core.adapters.binance.reconnecting import Opened, keep_connected, load_opened
from core.adapters.binance.stream_cut import StreamCut
from core.domain.errors import ExchangeUnavailable
from core.ports.clock import Clock

if TYPE_CHECKING:
    from core.adapters.binance.stream_socket import StreamSocket

_PING_SECONDS = 5.0  # an order must not be the first to find out that the connection is dead
_LONGEST_SECONDS = 23 * 3600.0  # the exchange cuts after 24 h, whatever is in flight
_CONNECTING = Request(2)  # web-socket-api.md, "IP limits"
_SHUTDOWN = "serverShutdown"
_FIREWALL = 403
_NOT_OPEN = Silence("the connection for orders is not open", sent=False)

_log = structlog.get_logger(__name__)


class OrderConnection:
    """Keeps a connection open and sends orders over it. `timeout` (seconds) is for an order and its answer, `recv_window_ms` how
    old an order may be when it enters the matching engine. `may_send` is asked once an order is dated and signed."""

    def __init__(
        self,
        *,
        url: str,
        credentials: Credentials,
        clock: Clock,
        rest: Connection,
        recv_window_ms: int,
        timeout: float,
        may_send: Callable[[], bool],
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._clock = clock
        self._rest = rest
        self._recv_window = str(recv_window_ms)
        self._timeout = timeout
        self._may_send = may_send
        self._session: _Session | None = None

    @property
    def is_open(self) -> bool:
        """Tells whether the next order goes this way."""
        return self._session is not None and self._session.is_usable

    async def run(self) -> NoReturn:
        """Connects, and connects again after each end. No order waits for it."""
        await asyncio.to_thread(self._credentials.signature, "")  # loads what signs: the first order must not
        await keep_connected(self._serve, self._clock, "order_connection_away")

    async def send(self, method: str, parameters: Mapping[str, str]) -> Said:
        """Sends a request once. A Silence that was not `sent`: nothing has left, and nothing of it will."""
        session = self._session
        if session is None or not session.is_usable:
            return _NOT_OPEN
        signed = self._credentials.signed({**parameters, "recvWindow": self._recv_window}, self._rest.venue_time())
        if not self._may_send():
            return MAY_NOT_SEND
        return await session.ask(method, signed)

    async def try_out(self) -> float:
        """Connects, asks for a sign of life and disconnects. Returns the seconds until its answer, without those of connecting;
        raises ExchangeUnavailable."""
        opened = await load_opened()
        try:
            async with opened(self._url, _PING_SECONDS) as socket:
                session = self._session_on(socket)
                hearing = asyncio.create_task(session.hear())
                began = self._clock.monotonic()
                said = await session.ask("ping", {})
                took = self._clock.monotonic() - began
                hearing.cancel()
        except StreamCut as cut:
            raise ExchangeUnavailable(str(cut), retry_after=cut.wait) from None
        if not isinstance(said, Answer):
            raise ExchangeUnavailable(said.what if isinstance(said, Silence) else str(said))
        return took

    def _session_on(self, socket: "StreamSocket") -> "_Session":
        return _Session(socket, self._credentials, urlsplit(self._url).netloc, self._timeout)

    async def _serve(self, opened: Opened) -> StreamCut:
        """Serves one connection to its end, and returns why it ended. A ban of the address holds REST too; any other refusal of a
        connection may be about connections alone, and must not keep an exit from its other way."""
        if wait := self._rest.backoff.left():
            return StreamCut(str(self._rest.backoff.reason(wait)), wait)
        self._rest.budget.begin(_CONNECTING)
        self._rest.budget.end(_CONNECTING, {}, taken=True)
        try:
            async with opened(self._url, _PING_SECONDS) as socket:
                return await self._use(self._session_on(socket))
        except StreamCut as cut:
            if cut.refused is not None and cut.refused.banned and cut.refused.definite:
                self._rest.backoff.note(cut.refused)
            return cut

    async def _use(self, session: "_Session") -> StreamCut:
        """Sends orders over a session until it has ended, or is so old that the exchange would soon cut it."""
        self._session = session
        ageing = asyncio.create_task(self._retire_old(session), name="age of the order connection")
        _log.info("order_connection_open")
        try:
            return await session.hear()
        finally:
            self._session = None
            ageing.cancel()

    async def _retire_old(self, session: "_Session") -> None:
        await self._clock.sleep(_LONGEST_SECONDS)
        session.retire("it is nearly a day old")


class _Session:
    """One connection: requests that wait for their answers, by their number. Once it is retired nothing more is sent over it, and
    it ends when it owes no answer."""

    def __init__(self, socket: "StreamSocket", credentials: Credentials, host: str, timeout: float) -> None:
        self._socket = socket
        self._credentials = credentials
        self._host = host
        self._timeout = timeout
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Said]] = {}
        self._retired: StreamCut | None = None

    @property
    def is_usable(self) -> bool:
        """Tells whether a request may be sent now."""
        return self._retired is None and self._socket.is_open

    async def ask(self, method: str, parameters: Mapping[str, str | int]) -> Said:
        """Returns the answer to a request, which counts as sent from here on."""
        number = next(self._numbers)
        answer: asyncio.Future[Said] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            async with asyncio.timeout(self._timeout):
                await self._socket.send(event_codec.written(number, method, parameters))
                return await answer
        except TimeoutError:
            self.retire("no answer in time")
            return Silence(f"no answer of {self._host} in time")
        except StreamCut:
            return self._cut()
        finally:
            self._waiting.pop(number, None)
            self._end_if_idle()

    async def hear(self) -> StreamCut:
        """Takes answers until the connection is cut, or retired and owes none. Returns why."""
        try:
            while self._retired is None or self._waiting:
                self._take(await self._socket.receive())
        except StreamCut as cut:
            return self._retired or cut
        finally:
            for answer in self._waiting.values():
                _settle(answer, self._cut())
        return self._retired

    def _take(self, frame: str | bytes) -> None:
        """Passes an answer to its request. A message that nobody can read, or that names no request, may be any one's answer: all
        of them are lost then."""
        try:
            message = event_codec.message(frame)
        except Unreadable as error:
            raise StreamCut(str(error)) from None
        if isinstance(message, StreamEvent):
            if message.kind == _SHUTDOWN:
                self.retire("the server shuts down")
            return
        if message.id is None:
            raise StreamCut(f"an answer to no request: status {message.status}, code {message.code}")
        if message.status == _FIREWALL or message.status >= 500:  # web-socket-api.md: "establish a new connection"
            self.retire(f"status {message.status}")
        answer = self._waiting.pop(message.id, None)
        if answer is not None:
            _settle(answer, self._said(message))

    def _said(self, message: StreamAnswer) -> Answer | Refusal | Silence:
        try:
            return event_codec.said(message, self._credentials.redacted)
        except Unreadable as error:
            return Silence(f"unreadable answer: {error}")

    def retire(self, why: str) -> None:
        """Sends nothing more. Ends the connection once every request is answered."""
        self._retired = self._retired or StreamCut(why)
        self._end_if_idle()

    def _end_if_idle(self) -> None:
        if self._retired is not None and not self._waiting:
            self._socket.abort()

    def _cut(self) -> Silence:
        return Silence(f"the connection to {self._host} was cut")


def _settle(answer: asyncio.Future[Said], said: Said) -> None:
    if not answer.done():
        answer.set_result(said)
