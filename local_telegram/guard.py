"""Admits only this machine's own programs and the chat's own page.

A page anywhere on the web can send requests to 127.0.0.1 and, by rebinding its name, even read the answers.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class LoopbackOnly:
    """ASGI middleware: 403 for a foreign Host, Origin or Sec-Fetch-Site; strict headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if is_foreign(Headers(scope=scope), scope["path"]):
            await PlainTextResponse("Forbidden: not the local chat's page", 403)(scope, receive, send_guarded)
        else:
            await self._app(scope, receive, send_guarded)


def is_foreign(headers: Headers, path: str) -> bool:
    """Tells whether a request comes from a page of another site. Programs send no Origin and are admitted."""
    host = headers.get("host", "")
    if _name(f"http://{host}") not in _LOOPBACK:
        return True
    origin = headers.get("origin")
    if origin is not None and origin != f"http://{host}":
        return True
    # A link elsewhere may open the page itself, but nothing else.
    return path != "/" and headers.get("sec-fetch-site", "none") not in ("none", "same-origin")


def _name(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
