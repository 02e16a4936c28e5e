"""`python -m dashboard`: Streamlit's server with the pages, on this machine only unless its own options say otherwise."""

import asyncio
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

from dotenv import dotenv_values
from streamlit.web.cli import main

from core.domain.errors import LedgerUnavailable
from core.read_models import Selection
from dashboard import quality, results, selecting, signals, trades  # noqa: F401 - loaded before the first visitor comes, who would wait
from dashboard.source import DEMO, database_url
from dashboard.view import trades as read_trades

_OPTIONS = {
    "server.address": "127.0.0.1",
    "server.headless": "true",
    "server.fileWatcherType": "none",  # its code does not change while it runs
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "viewer",
    "client.showErrorDetails": "none",  # an error may contain the database's password
}


def known_hosts() -> list[str]:
    """Returns the allowed host names: localhost, the addresses of this machine, and those in HTTP_ALLOWED_HOSTS. Otherwise a
    foreign page could point its own name at this address, and read along."""
    named = os.environ.get("HTTP_ALLOWED_HOSTS") or dotenv_values(Path(".env"), interpolate=False).get("HTTP_ALLOWED_HOSTS") or ""
    addresses = {"127.0.0.1", "::1"}
    with suppress(OSError):
        addresses |= {str(found[4][0]) for found in socket.getaddrinfo(socket.gethostname(), None)}
    return ["localhost", *sorted(addresses), *(name.strip() for name in named.split(",") if name.strip())]


if __name__ == "__main__":
    given = [word for word in sys.argv[1:] if word != "--demo"]
    os.environ[DEMO] = str(int(given != sys.argv[1:]))
    with suppress(LedgerUnavailable):  # the page reports it
        asyncio.run(read_trades(database_url(), Selection()))  # loads the database's driver
    options = [f"--{name}={value}" for name, value in _OPTIONS.items()]
    options += [f"--server.allowedHosts={name}" for name in known_hosts()]
    main(["run", str(Path(__file__).with_name("app.py")), *options, *given], prog_name="streamlit")
