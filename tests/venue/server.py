"""HTTP and WebSocket in front of the venue, on 127.0.0.1 only: limits, faults, security, the endpoint, the answer."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiohttp import web

from tests.venue.call import Call, Route
from tests.venue.control import COMMANDS
from tests.venue.errors import VenueError
from tests.venue.faults import Fault
from tests.venue.params import Params, pairs
from tests.venue.routes import ROUTES
from tests.venue.security import TimeWindow, authenticate, key_format, read_window
from tests.venue.venue import Venue
from tests.venue.ws_session import Session

JSON = "application/json;charset=UTF-8"
_dumps = json.JSONEncoder(separators=(",", ":")).encode


def _reply(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=_dumps(body).encode(), status=status, headers={"Content-Type": JSON, **(headers or {})})


class Server:
    """Answers requests for one venue. `close` releases every hanging request."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self._closing = asyncio.Event()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        raw = await request.read() if request.can_read_body else b""
        if path.startswith("/_venue/"):
            return self._control(path.removeprefix("/_venue/"), raw)
        if path == "/ws-api/v3":
            return await self._connect(request)
        await self._sleep(self.venue.latency_ms / 2)
        name = f"{request.method} {path}"
        route = ROUTES.get(name)
        if route is None:
            return web.Response(status=404, text="<html><body>404 Not found</body></html>", content_type="text/html")
        try:
            values, body = _parameters(request, query, raw)
            self.venue.note(request.method, path, values)
            self.venue.limits.spend(route.weight if isinstance(route.weight, int) else route.weight(values))
        except VenueError as error:
            return _reply(error.body, error.status, {**self.venue.limits.headers(), **error.headers})
        fault = self.venue.faults.next_for(name, values.get("symbol"))
        answer = await self._run(request, route, (values, query, body), fault)
        if fault is not None:
            await self._sleep(fault.answer_delay_ms)
            answer = await self._spoil(request, fault, answer)
        await self._sleep(self.venue.latency_ms / 2)
        return answer

    async def close(self) -> None:
        self.venue.faults.clear()
        self._closing.set()
        self.venue.streams.cut()

    async def _connect(self, request: web.BaseRequest) -> web.StreamResponse:
        """Opens a connection of the WebSocket API, which weighs 2."""
        if self.venue.streams.is_away:
            return web.Response(status=503)
        try:
            self.venue.limits.spend(2)
        except VenueError as error:
            return _reply(error.body, error.status, error.headers)
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        await Session(self.venue, socket, request.transport).run()
        return socket

    async def _run(
        self,
        request: web.BaseRequest,
        route: Route,
        sent: tuple[dict[str, str], str, str],
        fault: Fault | None,
    ) -> web.Response:
        """Returns the true answer, or nothing at all if the fault says that the request was not executed."""
        values, query, body = sent
        headers = self.venue.limits.headers()
        if fault is not None:
            fault.arrived.set()
            if fault.action != "none" and not fault.executed:
                return web.Response(headers=headers)
        try:
            signed = route.security != "NONE"
            params = Params(values, signed=signed)
            call = Call(self.venue, params, None, headers, stops_half_way=fault is not None and fault.half)
            window: TimeWindow | None = None
            if signed:
                key = key_format(request.headers.get("X-MBX-APIKEY"))
                window = read_window(params)
                params.text("signature")
                window.check_arrival(self.venue.clock.now_us())
                trade = route.security == "TRADE"
                call.key = authenticate(self.venue.keys, key, query, body, trade=trade)
            if fault is not None:
                await self._hold(fault)
            if window is not None:
                window.check_engine(self.venue.clock.now_us())
            answer = route.answer(call)
            if route.free and isinstance(route.weight, int):
                self.venue.limits.refund(route.weight)
            return _reply(answer, 200, {**headers, **self.venue.limits.headers()})
        except VenueError as error:
            return _reply(error.body, error.status, {**headers, **error.headers})

    async def _hold(self, fault: Fault) -> None:
        if fault.gate is not None:
            await fault.gate.wait()
        await self._sleep(fault.engine_delay_ms)

    async def _spoil(self, request: web.BaseRequest, fault: Fault, answer: web.Response) -> web.Response:
        if fault.action == "answer":
            headers = {**self.venue.limits.headers(), **fault.headers}
            return web.Response(body=fault.body.encode(), status=fault.status, headers=headers)
        if fault.action == "hang":
            await self._closing.wait()
        if fault.action in ("cut", "hang") and request.transport is not None:
            request.transport.abort()
        return answer

    async def _sleep(self, ms: float) -> None:
        if ms > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), ms / 1000)

    def _control(self, command: str, raw: bytes) -> web.Response:
        act = COMMANDS.get(command)
        if act is None:
            return _reply({"error": f"no command {command!r}", "commands": sorted(COMMANDS)}, 404)
        try:
            return _reply(act(self.venue, **(json.loads(raw) if raw else {})))
        except (TypeError, ValueError, KeyError, ArithmeticError) as error:
            return _reply({"error": f"{type(error).__name__}: {error}"}, 400)


def _parameters(request: web.BaseRequest, query: str, raw: bytes) -> tuple[dict[str, str], str]:
    """Returns all parameters and the body's text. "If a parameter is sent in both, the query string's is used." A body counts
    only for POST, PUT and DELETE, and only as application/x-www-form-urlencoded."""
    form = request.content_type == "application/x-www-form-urlencoded"
    if not raw or request.method == "GET" or not form:
        return pairs(query), ""
    try:
        body = raw.decode()
    except UnicodeDecodeError:
        raise VenueError(-1100, "Illegal characters found in a parameter.") from None
    return {**pairs(body), **pairs(query)}, body


async def start(venue: Venue, port: int = 0) -> Callable[[], Any]:
    """Serves on 127.0.0.1 and sets `venue.api_url`; returns the coroutine function that stops it."""
    server = Server(venue)
    web_server = web.Server(server.handle, access_log=None, keepalive_timeout=600)
    runner = web.ServerRunner(web_server, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    bound = runner.addresses[0][1]
    venue.api_url = f"http://127.0.0.1:{bound}/api"
    venue.ws_url = f"ws://127.0.0.1:{bound}/ws-api/v3"

    async def stop() -> None:
        served = [connection.transport for connection in web_server.connections]
        await server.close()
        await runner.cleanup()
        for transport in served:
            if transport is not None:
                transport.abort()  # what is not sent yet would keep it open beyond the end of the loop
        await asyncio.sleep(0)

    return stop


@asynccontextmanager
async def running_venue(port: int = 0, **options: Any) -> AsyncIterator[Venue]:
    """Runs a venue that serves while the block runs; options are those of Venue."""
    venue = Venue(**options)
    stop = await start(venue, port)
    try:
        yield venue
    finally:
        await stop()
