"""The password before the dashboard: a page that asks for it, and a cookie for whoever knew it. Nothing passes without, neither
pages nor the socket that their data comes over."""

import asyncio
import hmac
import secrets
import time
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from bot.texts import Texts
from dashboard.texts import language_of, texts

LOGIN = "/login"
_OPEN = frozenset({"/_stcore/health"})  # says "ok" and nothing else
_COOKIE = "marketflow_dashboard"
_KEPT_SECONDS = 7 * 24 * 3600
_PAUSE_SECONDS = 1.0  # after a wrong password, for everybody: guessing takes ages
_MOST_BYTES = 4096
_UNAUTHORIZED, _TOO_LARGE, _SEE_OTHER = 401, 413, 303
_REFUSED = 1008  # https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1: policy violation

_PAGE = """<!doctype html>
<html lang="{language}">
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="referrer" content="same-origin">
<title>MarketFlow</title>
<style>
:root{{color-scheme:light dark;font-family:system-ui,sans-serif}}
body{{display:grid;place-items:center;min-height:90vh;margin:1rem}}
form{{display:grid;gap:.7rem;width:min(20rem,100%)}}
input,button{{font:inherit;padding:.55rem}}
p{{margin:0;opacity:.7;font-size:.9rem}}
.wrong{{color:#d33;opacity:1}}
</style>
<form method="post" action="/login?next={wanted}">
<b>MarketFlow</b>{wrong}
<label for="password">{password}</label>
<input id="password" name="password" type="password" autocomplete="current-password" autofocus required>
<button>{enter}</button>
<p>{which}</p>
</form>
</html>"""


class PasswordCheck:
    """Lets through who has proved the password within the last week, since this process began."""

    def __init__(self, app: ASGIApp, password: str) -> None:
        self._app = app
        self._password = password.encode()
        self._key = secrets.token_bytes(32)  # of this process: a restart ends every visit
        self._one_guess_at_a_time = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        if scope["type"] not in ("http", "websocket") or scope["path"] in _OPEN:
            return await self._app(scope, receive, send)
        if scope["type"] == "websocket":
            socket = WebSocket(scope, receive, send)
            if self._has_proved(socket.cookies.get(_COOKIE, "")):
                return await self._app(scope, receive, send)
            return await socket.close(_REFUSED)
        request = Request(scope, receive)
        if request.url.path == LOGIN and request.method == "POST":
            answer = await self._answer(request)
        elif self._has_proved(request.cookies.get(_COOKIE, "")):
            return await self._app(scope, receive, send)
        else:
            answer = _asking(request, is_wrong=False)
        return await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _MOST_BYTES:
                return Response(status_code=_TOO_LARGE)
        said = parse_qs(body.decode("utf-8", "replace")).get("password", [""])[0]
        async with self._one_guess_at_a_time:
            if not hmac.compare_digest(said.encode(), self._password):
                await asyncio.sleep(_PAUSE_SECONDS)
                return _asking(request, is_wrong=True)
        answer = RedirectResponse(_own_page(request.query_params.get("next", "")), _SEE_OTHER)
        is_https = request.headers.get("x-forwarded-proto", request.url.scheme) == "https"
        answer.set_cookie(_COOKIE, self._proof(), max_age=_KEPT_SECONDS, httponly=True, samesite="strict", secure=is_https)
        return answer

    def _proof(self) -> str:
        until = str(int(time.time()) + _KEPT_SECONDS)
        return f"{until}.{self._signed(until)}"

    def _has_proved(self, cookie: str) -> bool:
        until, _, signature = cookie.partition(".")
        is_ours = hmac.compare_digest(signature.encode(), self._signed(until).encode())
        return is_ours and int(until) > time.time()

    def _signed(self, until: str) -> str:
        return hmac.new(self._key, until.encode(), "sha256").hexdigest()


def _asking(request: Request, *, is_wrong: bool) -> HTMLResponse:
    words: Texts = texts(language_of(request.headers.get("accept-language", "").partition(",")[0]))
    wrong = f'<p class="wrong">{words("dash.wrong")}</p>' if is_wrong else ""
    asked_for = request.query_params.get("next", "") if request.url.path == LOGIN else request.url.path + _query(request)
    named = {name: words(f"dash.{name}") for name in ("password", "enter", "which")}
    page = _PAGE.format(language=words.language, wrong=wrong, wanted=quote(_own_page(asked_for), safe=""), **named)
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": "frame-ancestors 'none'"}
    return HTMLResponse(page, _UNAUTHORIZED, headers)


def _query(request: Request) -> str:
    return f"?{request.url.query}" if request.url.query else ""


def _own_page(address: str) -> str:
    """Returns the address of one of our own pages, which begins with a slash; the first page for anything else."""
    parts = urlsplit(address)
    is_own = address.startswith("/") and not parts.scheme and not parts.netloc and "\\" not in address and address.isprintable()
    return address if is_own and not address.startswith("//") else "/"
