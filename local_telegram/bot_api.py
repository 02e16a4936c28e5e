"""The Telegram Bot API over HTTP: /bot<token>/<method> and /file/bot<token>/<path>, and its faults on demand."""

from __future__ import annotations

import asyncio
import re
import secrets
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from local_telegram.errors import ApiError, too_many_requests
from local_telegram.faults import Fault
from local_telegram.methods import METHODS
from local_telegram.params import read_params
from local_telegram.room import Room

_TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")
_BAD_GATEWAY = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.18.0</center>\r\n</body>\r\n</html>\r\n"
)


def add_bot_api(app: Starlette, room: Room) -> None:
    """Adds the Bot API's routes for the room's one bot."""

    async def call(request: Request) -> Response:
        method = request.path_params["method"]
        fault = room.faults.take(method)
        return await (_meet(room, fault, request) if fault else _answer(room, request))

    async def download(request: Request) -> Response:
        try:
            _check_token(room, request.path_params["token"])
        except ApiError as refusal:
            return _refusal(refusal)
        path = request.path_params["path"]
        stored = room.file(path.rpartition("/")[2].partition(".")[0])
        if stored is None or stored.path != path:
            return _refusal(ApiError(404, "Not Found"))
        return Response(stored.data, media_type="application/octet-stream")

    app.add_route("/bot{token}/{method}", call, methods=["GET", "POST"])
    app.add_route("/file/bot{token}/{path:path}", download, methods=["GET"])


def _refusal(refusal: ApiError) -> Response:
    return JSONResponse(refusal.as_json(), refusal.code)


def _check_token(room: Room, token: str) -> None:
    """Answers 404 for a malformed token, 401 for an unknown one."""
    if not _TOKEN.fullmatch(token):
        raise ApiError(404, "Not Found")
    if not secrets.compare_digest(token, room.token):
        raise ApiError(401, "Unauthorized")


async def _answer(room: Room, request: Request) -> Response:
    try:
        _check_token(room, request.path_params["token"])
        method = METHODS.get(request.path_params["method"].lower())
        if method is None:
            raise ApiError(404, "Not Found")
        params = await read_params(request)
        method.check(params)
        return JSONResponse({"ok": True, "result": await method.call(room, params)})
    except ApiError as refusal:
        return _refusal(refusal)


async def _meet(room: Room, fault: Fault, request: Request) -> Response:
    """Carries the fault out; runs the method itself first when only its answer is to be lost."""
    if fault.kind == "flood":
        return _refusal(too_many_requests(int(fault.seconds)))
    if fault.applied:
        await _answer(room, request)
    if fault.kind == "bad_gateway":
        return HTMLResponse(_BAD_GATEWAY, 502)
    if fault.kind == "hang":
        await _until_closed(room, fault.seconds)
    return Cut()


async def _until_closed(room: Room, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            while not room.closed:
                await room.changed_since(room.version)
    except TimeoutError:
        return


class Cut(Response):
    """Resets the connection instead of answering. The server puts the connection into the scope's state."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope["state"]["transport"].abort()
        while (await receive())["type"] != "http.disconnect":
            continue
