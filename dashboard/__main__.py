"""`python -m dashboard`: Streamlit's server with the pages, on this machine only unless its own options say otherwise."""

import os
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from starlette.middleware import Middleware
from streamlit.starlette import App

from bot.web.allowed_hosts import HostCheck
from core.domain.errors import ConfigurationError, LedgerUnavailable
from dashboard import health, now, quality, results, selecting, signals, symbol  # noqa: F401 - loaded before the first visitor comes
from dashboard.password import PasswordCheck
from dashboard.reading import answer
from dashboard.source import DEMO, Source, chosen_source
from dashboard.view import add_up

_OPTIONS: Mapping[str, Any] = {
    "server.address": "127.0.0.1",
    "server.headless": True,
    "server.fileWatcherType": "none",  # its code does not change while it runs
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "viewer",
    "client.showErrorDetails": "none",  # an error may contain the database's password
    "theme.light.primaryColor": "#2563eb",
    "theme.dark.primaryColor": "#60a5fa",
}
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})
_WRONG = 2


def known_hosts(named: frozenset[str]) -> list[str]:
    """Returns the allowed host names: localhost, the addresses of this machine, and those in HTTP_ALLOWED_HOSTS. Otherwise a
    foreign page could point its own name at this address, and read along."""
    addresses = {"127.0.0.1", "::1"}
    with suppress(OSError):
        addresses |= {str(found[4][0]) for found in socket.getaddrinfo(socket.gethostname(), None)}
    return ["localhost", *sorted(addresses), *sorted(named)]


def options_of(words: Sequence[str]) -> dict[str, Any]:
    """Returns Streamlit's options as they are typed, `--name value` or `--name=value`. Raises ValueError for anything else."""
    found, rest = {}, list(words)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if not name.startswith("--") or (not equals and not rest):
            raise ValueError(f"{name} is no option with a value, such as --server.port 8600")
        value = value if equals else rest.pop(0)
        found[name.removeprefix("--")] = int(value) if value.isdecimal() else value
    return found


def gates(source: Source) -> list[Middleware]:
    """Returns what every request passes first: whom it asks for, and, where one is set, the password."""
    settings = source.settings
    found = [Middleware(HostCheck, names=settings.http_allowed_hosts)]
    if settings.dashboard_password is not None:
        found.append(Middleware(PasswordCheck, password=settings.dashboard_password.get_secret_value()))
    return found


def main(words: Sequence[str]) -> None:
    """Serves until Ctrl-C."""
    given = [word for word in words if word != "--demo"]
    os.environ[DEMO] = str(int(len(given) != len(words)))
    source, options = chosen_source(), {**_OPTIONS, **options_of(given)}
    options["server.allowedHosts"] = known_hosts(source.settings.http_allowed_hosts)
    if source.settings.dashboard_password is None and options["server.address"] not in _HERE:
        print("No DASHBOARD_PASSWORD is set: whoever reaches this port reads the ledger.", file=sys.stderr)  # noqa: T201
    threading.Thread(target=_add_up, args=(source,), name="adding up", daemon=True).start()
    sys.argv = [sys.argv[0]]  # Streamlit would take our own words for its script's
    App(Path(__file__).with_name("app.py"), middleware=gates(source)).run(config=options)


def _add_up(source: Source) -> None:
    with suppress(LedgerUnavailable):  # the page reports it
        answer(add_up(source.database_url))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (ConfigurationError, LedgerUnavailable, ValueError) as problem:
        print(f"dashboard: {problem}", file=sys.stderr)  # noqa: T201
        sys.exit(_WRONG)
