"""Checks the host name of a request: a web page in a browser can point its own name at this machine, and read.

https://en.wikipedia.org/wiki/DNS_rebinding: the page chooses the address, but cannot hide the name in `Host`. It needs a name
with a dot: one without (that of a service in a container network) cannot be given to an address from outside.
"""

import re
from collections.abc import Collection
from ipaddress import ip_address
from typing import Any

import structlog
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

log = structlog.get_logger(__name__)

_SHOWN = 100  # characters
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]*)(:\d{1,5})?")
_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
_REFUSED = (
    "this name is not one that may be asked for; an address, localhost and names without a dot are, "
    "others go into HTTP_ALLOWED_HOSTS"
)
_MISDIRECTED = 421  # https://www.rfc-editor.org/rfc/rfc9110#name-421-misdirected-request


def allows(host: str, names: Collection[str]) -> bool:
    """Tells whether the header `Host` is an address, a name without a dot such as `localhost`, or one of `names` (in lower
    case), with any port or none."""
    found = _HOST.fullmatch(host.strip())
    if found is None:
        return False
    name = found[1].lower().removesuffix(".")
    return _LABEL.fullmatch(name) is not None or name in names or _is_address(name.strip("[]"))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


class HostCheck:
    """Lets through requests for an allowed name, and requests for one of `open_paths`. A client that names no host is not a
    browser."""

    def __init__(self, app: ASGIApp, names: Collection[str], open_paths: Collection[str] = ()) -> None:
        self._app = app
        self._names = names
        self._open_paths = open_paths
        self._is_logged = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        if scope["type"] == "http" and scope["path"] not in self._open_paths:
            hosts = Headers(scope=scope).getlist("host")
            refused = [host for host in hosts if not allows(host, self._names)]
            if refused:
                self._log_refused(refused[0])
                await JSONResponse({"detail": _REFUSED}, status_code=_MISDIRECTED)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _log_refused(self, host: str) -> None:
        """Logs a refused host once: more could fill the log."""
        if not self._is_logged:
            self._is_logged = True
            log.warning("request for a host that is not in HTTP_ALLOWED_HOSTS; add it there if it is yours", host=host[:_SHOWN])
