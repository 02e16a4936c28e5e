"""The Mini App: a page that Telegram opens, and what it asks for. Who asks is proved by data that Telegram has signed."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, Header, Response
from fastapi.responses import JSONResponse

from bot.web.web_app_login import LoginRefusal, WebAppUser

PATHS = ("/app", "/app/app.js", "/app/app.css", "/app/answer")
"""Reached under any host name: they prove who asks, or say nothing."""
_PAGE = Path(__file__).parent / "page"
_TYPES = {"index.html": "text/html", "app.js": "text/javascript", "app.css": "text/css"}
# Telegram's own script is the only thing that comes from elsewhere; Telegram on the web shows the page in a frame.
_POLICY = (
    "default-src 'none'; script-src 'self' https://telegram.org; style-src 'self'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors https://web.telegram.org"
)
_HEADERS = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_SCHEME = "tma "
_MOST_CHARACTERS = 1024

Login = Callable[[str], WebAppUser | LoginRefusal]
Answer = Callable[[WebAppUser, str], Awaitable[Sequence[Mapping[str, object]] | None]]


def web_app_routes(login: Login, answer: Answer) -> APIRouter:
    """Returns the routes. `answer` returns messages as the page reads them: `text` as Telegram's HTML, `photo` (PNG in base64),
    `keyboard` as rows of `label` and `data`; None for a person without a role."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/app")
    async def page() -> Response:
        return _file("index.html")

    @routes.get("/app/{name}")
    async def part(name: str) -> Response:
        return _file(name) if name in _TYPES else Response(status_code=404)

    @routes.post("/app/answer")
    async def answered(
        authorization: Annotated[str, Header()] = "", x_tap: Annotated[str, Header(max_length=_MOST_CHARACTERS)] = ""
    ) -> Response:
        """Answers a tap of the person who opened the page: a command or a button's data, empty for the first screen. All of it
        is in headers, whose length is limited: no body is read."""
        user = login(authorization.removeprefix(_SCHEME))
        if isinstance(user, LoginRefusal):
            return JSONResponse({"detail": user.value}, status_code=401, headers=_HEADERS)
        said = await answer(user, unquote(x_tap))
        if said is None:
            return Response(status_code=403, headers=_HEADERS)
        return JSONResponse({"messages": said}, headers=_HEADERS)

    return routes


def _file(name: str) -> Response:
    return Response((_PAGE / name).read_bytes(), media_type=_TYPES[name], headers=_HEADERS)
