"""One connection of the WebSocket API (web-socket-api.md): frames, pings, faults, answers."""

import asyncio
import contextlib
import json
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import WSMessage, WSMsgType, web

from tests.venue import reports
from tests.venue.call import Call
from tests.venue.errors import VenueError
from tests.venue.faults import Fault, endpoint_name
from tests.venue.model import ApiKey
from tests.venue.venue import Venue
from tests.venue.ws_methods import Request, admit, weight_of

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
        self.send_text(_dumps(message), delay_ms)

    def send_text(self, text: str, delay_ms: float = 0) -> None:
        """Sends a frame as it is, also one that is no JSON."""
        self._outgoing.put_nowait((delay_ms, text))

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
        await asyncio.sleep(self.venue.latency_ms / 2000)
        reply = await self._run(request, fault)
        if fault is not None:
            await asyncio.sleep(fault.answer_delay_ms / 1000)
        await asyncio.sleep(self.venue.latency_ms / 2000)
        if fault is not None and fault.action != "none":
            self._spoil(request, fault)
            return
        self.send(reply)
        if reply["status"] == 418:  # "you will be disconnected"
            self.close()

    async def _run(self, request: Request, fault: Fault | None) -> dict[str, Any]:
        """Returns the true answer, or nothing if the fault says that the request was not executed."""
        venue, places = self.venue, None
        try:
            venue.limits.spend(weight_of(request))
            if fault is not None:
                fault.arrived.set()
                if fault.action != "none" and not fault.executed:
                    return {}
            admitted = admit(self, request, half=fault is not None and fault.half)
            places = admitted.places
            if fault is not None:
                await self._hold(fault)
            said: dict[str, Any] = {"status": 200, "result": admitted.forward()}
        except VenueError as error:
            said = {"status": error.status, "error": self._error(error)}
        return {"id": request.id, **said, "rateLimits": [*_orders(venue, places), *venue.limits.snapshot()]}

    def _error(self, error: VenueError) -> dict[str, object]:
        """Returns the body of a refusal; a rate limit's says until when, as "IP limits" has it."""
        return {**error.body, **self._retry_after(error.headers)}

    def _retry_after(self, headers: Mapping[str, str]) -> dict[str, object]:
        if "Retry-After" not in headers:
            return {}
        now = self.venue.clock.now_ms()
        return {"data": {"serverTime": now, "retryAfter": now + 1000 * int(headers["Retry-After"])}}

    async def _hold(self, fault: Fault) -> None:
        if fault.gate is not None:
            await fault.gate.wait()
        await asyncio.sleep(fault.engine_delay_ms / 1000)

    def _spoil(self, request: Request, fault: Fault) -> None:
        if fault.action == "cut":
            self.abort()
        elif fault.action == "answer":
            try:
                body = json.loads(fault.body)
            except (ValueError, RecursionError):
                self.send_text(fault.body)
                return
            if fault.status != 200 and isinstance(body, dict):
                body |= self._retry_after(fault.headers)
            self.send({"id": request.id, "status": fault.status, "result" if fault.status == 200 else "error": body})
            if fault.status == 418:
                self.close()


def _orders(venue: Venue, places: Call | None) -> list[dict[str, Any]]:
    """Returns the order counts of a request that places some: as at REST those before its trades were subtracted again."""
    if places is None:
        return []
    counted = {name.rpartition("-")[2]: int(count) for name, count in places.headers.items() if "ORDER-COUNT" in name}
    rules = venue.limits.order_counts(places.account.name)
    return [{**rule, "count": counted.get(f"{rule['intervalNum']}{rule['interval'][0]}", rule["count"])} for rule in rules]
