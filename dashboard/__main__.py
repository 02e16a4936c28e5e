"""`python -m dashboard`: Streamlit's server with the pages, on this machine only unless told otherwise by its own options."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from streamlit.web.cli import main

from core.domain.errors import LedgerUnavailable
from core.read_models import Selection
from dashboard import results, selecting, signals, trades  # noqa: F401 - loaded before the first visitor comes, who would wait
from dashboard.source import database_url
from dashboard.view import trades as read_trades

_OPTIONS = {
    "server.address": "127.0.0.1",
    "server.headless": "true",
    "server.fileWatcherType": "none",  # its code does not change while it runs
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "viewer",
    "client.showErrorDetails": "none",  # an error may hold the database's password
}

if __name__ == "__main__":
    with suppress(LedgerUnavailable):  # the page says so
        asyncio.run(read_trades(database_url(), Selection()))  # loads the database's driver
    options = [f"--{name}={value}" for name, value in _OPTIONS.items()]
    main(["run", str(Path(__file__).with_name("app.py")), *options, *sys.argv[1:]], prog_name="streamlit")
