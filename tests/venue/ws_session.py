"""One connection of the WebSocket API (web-socket-api.md): frames, pings, faults, answers."""

import asyncio
import contextlib
import json
import time
from typing import Any

from aiohttp import WSMessage, WSMsgType, web

from tests.venue import reports
from tests.venue.errors import VenueError
from tests.venue.faults import Fault, endpoint_name
from tests.venue.model import ApiKey
from tests.venue.venue import Venue
from tests.venue.ws_methods import Request, execute, weight_of

_dumps = json.JSONEncoder(separators=(",", ":")).encode


class Session:
    """Answers requests in the order in which they arrive, and carries events between them."""

    def __init__(self, venue: Venue, socket: web.WebSocketResponse, transport: asyncio.BaseTransport | None) -> None:
        self.venue = venue
        self.key: ApiKey | None = None
        """The key that logged on."""
        self.authorized_since: int | None = None
        self.connected_since = venue.clock.now_ms()
        self.accounts: dict[int, str] = {}
        self.own_subscription: int | None = None
        """The one that `userDataStream.subscribe` made: logging out ends it."""
        self._next_subscription = 0
        self._socket = socket
        self._transport = transport
        self._outgoing: asyncio.Queue[tuple[float, str] | None] = asyncio.Queue()
        self._heard = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        self.venue.streams.connect(self)
        self._start(self._write())
        self._start(self._ping())
        try:
            async for message in self._socket:
                await self._receive(message)
        finally:
            self.venue.streams.disconnect(self)
            for task in self._tasks:
                task.cancel()

    def send(self, message: object, delay_ms: float = 0) -> None:
        self._outgoing.put_nowait((delay_ms, _dumps(message)))

    def abort(self) -> None:
        if isinstance(self._transport, asyncio.Transport):
            self._transport.abort()

    def close(self) -> None:
        self._outgoing.put_nowait(None)

    def subscribe(self, account: str) -> int:
        """Starts a subscription; raises -2035 if the account has one on this connection."""
        if account in self.accounts.values():
            raise VenueError(-2035)
        number = self._next_subscription
        self._next_subscription += 1
        self.accounts[number] = account
        return number

    def unsubscribe(self, number: int) -> None:
        """Ends a subscription, if it exists, and says so in it."""
        if self.accounts.pop(number, None) is not None:
            event = reports.bare("eventStreamTerminated", self.venue.clock.now_ms())
            self.send({"subscriptionId": number, "event": event})

    def end_subscriptions(self) -> None:
        for number in list(self.accounts):
            self.unsubscribe(number)

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _receive(self, message: WSMessage) -> None:
        if message.type == WSMsgType.PING:
            await self._socket.pong(message.data)
        elif message.type == WSMsgType.PONG:
            self._heard = time.monotonic()
        elif message.type == WSMsgType.TEXT:
            self._start(self._answer(message.data))

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while (item := await self._outgoing.get()) is not None:
                delay_ms, text = item
                if delay_ms:
                    await asyncio.sleep(delay_ms / 1000)
                await self._socket.send_str(text)
            await self._socket.close()

    async def _ping(self) -> None:
        """Pings, and breaks a connection whose pong is too late."""
        streams = self.venue.streams
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - self._heard < streams.pong_seconds:
                await asyncio.sleep(streams.ping_seconds)
                await self._socket.ping(str(self.venue.clock.now_ms()).encode())
        self.abort()

    async def _answer(self, text: str) -> None:
        try:
            request = Request.read(text)
        except VenueError as error:
            self.send({"id": None, "status": error.status, "error": error.body})
            return
        self.venue.note(f"WS {request.method}", "ws-api", request.values)
        fault = self.venue.faults.next_for(endpoint_name(f"WS {request.method}"), request.values.get("symbol"))
        reply = await self._run(request, fault)
        if fault is not None:
            await asyncio.sleep(fault.answer_delay_ms / 1000)
            if fault.action == "answer":
                reply = {"id": request.id, "status": fault.status, "error": _read(fault.body)}
            elif fault.action == "cut":
                self.abort()
            if fault.action in ("cut", "hang"):
                return
        self.send({**reply, "rateLimits": self.venue.limits.snapshot()})

    async def _run(self, request: Request, fault: Fault | None) -> dict[str, Any]:
        """Returns the true answer, or nothing if the fault says that the request was not executed."""
        if fault is not None:
            fault.arrived.set()
            if fault.action != "none" and not fault.executed:
                return {}
            if fault.gate is not None:
                await fault.gate.wait()
            await asyncio.sleep(fault.engine_delay_ms / 1000)
        try:
            self.venue.limits.spend(weight_of(request))
            return {"id": request.id, "status": 200, "result": execute(self, request, half=fault is not None and fault.half)}
        except VenueError as error:
            return {"id": request.id, "status": error.status, "error": error.body}


def _read(body: str) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return {"code": -1000, "msg": body}
