"""The page of the local chat and its JSON API: state and events, send, press, upload. For loopback only."""

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, FastAPI, Form, Header, Query, UploadFile
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from local_telegram.errors import ApiError, Json, bad_request
from local_telegram.page_view import Seat, cursor_of, delta, earlier
from local_telegram.room import Room

PAGE = Path(__file__).parent / "page"
_KEEP_ALIVE_S = 15.0
_GATHER_S = 0.03  # a burst of changes becomes one event
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")


class _Place(BaseModel):
    """A page's reader and the chat it shows; chat 0 is the one with the bot."""

    person: int
    chat: int = 0
    topic: int = 0


class _Text(_Place):
    text: str
    reply_to: int | None = None


class _Tap(_Place):
    message: int
    data: str


class _Lever(BaseModel):
    name: str


class Page:
    """Serves `/`, `/page/...` and `/api/...`. The request names the person: on loopback everybody is trusted.

    The routes are built when somebody opens the page: the bot never does, and they take longer than most of what it asks.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self._app: FastAPI | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._app = self._app or _page_app(self._room)
        await self._app(scope, receive, send)


def _page_app(room: Room) -> FastAPI:
    app = FastAPI(title="MarketFlow local chat", docs_url=None, redoc_url=None, openapi_url=None)
    router = APIRouter(prefix="/api")
    _add_reading(router, room)
    _add_acting(router, room)
    app.include_router(router)
    app.mount("/page", StaticFiles(directory=PAGE))

    @app.get("/")
    async def index() -> Response:
        return FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-cache"})

    @app.exception_handler(ApiError)
    async def refused(request: Request, refusal: ApiError) -> Response:
        return JSONResponse(refusal.as_json(), refusal.code)

    return app


def _add_reading(router: APIRouter, room: Room) -> None:
    seat = partial(_seat, room)

    @router.get("/state")
    async def state(at: Annotated[Seat, Depends(seat)], after: str = "") -> Json:
        return delta(room, at, after)

    @router.get("/earlier")
    async def older(at: Annotated[Seat, Depends(seat)], before: int) -> Json:
        return earlier(room, at, before)

    @router.get("/events")
    async def events(
        at: Annotated[Seat, Depends(seat)], after: str = "", last_event_id: Annotated[str, Header()] = ""
    ) -> Response:
        stream = _events(room, at, last_event_id or after)
        return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    @router.get("/file/{file_id}")
    async def file(file_id: str, download: bool = False) -> Response:
        stored = room.file(file_id)
        if stored is None:
            raise ApiError(404, "Not Found")
        shown = stored.width > 0 and stored.mime in _PICTURES and not download
        disposition = "inline" if shown else f"attachment; filename*=UTF-8''{quote(stored.name, safe='')}"
        headers = {"Content-Disposition": disposition, "Cache-Control": "private, max-age=86400, immutable"}
        headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
        return Response(stored.data, headers=headers, media_type=stored.mime if shown else "application/octet-stream")


def _add_acting(router: APIRouter, room: Room) -> None:
    @router.post("/send")
    async def send(sent: _Text) -> Json:
        message = room.send(sent.person, sent.text, chat_id=sent.chat, thread_id=sent.topic, reply_to=sent.reply_to)
        return {"id": message.message_id}

    @router.post("/press")
    async def press(tap: _Tap) -> Json:
        return {"query_id": room.press(tap.person, tap.message, tap.data, chat_id=tap.chat)}

    @router.post("/lever")
    async def lever(pulled: _Lever) -> Json:
        found = next((lever for lever in room.levers if lever.name == pulled.name), None)
        if found is None:
            raise bad_request("no such lever")
        found.pull()
        room.touch()
        return {"ok": True}

    @router.post("/upload")
    async def upload(at: Annotated[_Place, Depends(_form_place)], file: UploadFile, caption: Annotated[str, Form()] = "") -> Json:
        data = await file.read()
        if not data:
            raise bad_request("file must be non-empty")
        name = (file.filename or "file").replace("%22", '"')  # as browsers write it: HTML, "Multipart form data"
        message = room.send_file(at.person, name, data, caption=caption, chat_id=at.chat, thread_id=at.topic)
        return {"id": message.message_id}


async def _form_place(
    person: Annotated[int, Form()], chat: Annotated[int, Form()] = 0, topic: Annotated[int, Form()] = 0
) -> _Place:
    return _Place(person=person, chat=chat, topic=topic)


def _seat(
    room: Room,
    person: Annotated[int, Query(alias="as")] = 0,
    chat: int = 0,
    topic: int = 0,
) -> Seat:
    """Returns the person and the chat; person 0 is the owner, chat 0 theirs with the bot. Raises ApiError 400."""
    found = room.person(person or room.people[0].user_id)
    if found is None:
        raise bad_request("no such person")
    wanted = room.chat(chat or found.user_id)
    if wanted is None or not wanted.includes(found.user_id) or (topic and topic not in wanted.topics):
        raise bad_request("chat not found")
    return Seat(found, wanted, topic)


async def _events(room: Room, seat: Seat, cursor: str) -> AsyncIterator[str]:
    """Yields server-sent events: one state, then every change, each with its cursor as id. Ends when the room closes."""
    yield "retry: 1000\n\n"
    while not room.closed:
        version, name = room.version, cursor_of(room)
        if cursor != name:
            yield f"id: {name}\ndata: {json.dumps(delta(room, seat, cursor))}\n\n"
            cursor = name
        try:
            async with asyncio.timeout(_KEEP_ALIVE_S):
                await room.changed_since(version)
            await asyncio.sleep(_GATHER_S)
        except TimeoutError:
            yield ": still here\n\n"
