"""Finds the ledger to show and the settings to go by: once, at the start, for all visitors."""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from bot.settings.env_file import read_env_file
from bot.settings.settings import Settings, load_settings
from bot.settings.validation import defaults_that_follow
from core.adapters.ledger.demo_location import find_demo, ledger_to_read

_NEEDED = ("DATABASE_URL", "BINANCE_API_URL", "TRADING_MODE", "HTTP_ALLOWED_HOSTS", "DASHBOARD_PASSWORD")
DEMO = "MARKETFLOW_DASHBOARD_DEMO"
"""Set to 1 by `python -m dashboard --demo`."""


@dataclass(frozen=True, slots=True)
class Source:
    """The ledger's address, whether it is a running demo's, and of the settings those that the pages need."""

    database_url: str
    is_demo: bool
    settings: Settings

    def words(self) -> str:
        """Describes the ledger without user and password."""
        parts = urlsplit(self.database_url)
        if parts.scheme.startswith("sqlite"):
            return self.database_url.partition("///")[2]
        return f"PostgreSQL, {parts.hostname}, {parts.path.lstrip('/')}"


@cache
def chosen_source() -> Source:
    """Returns the ledger of DATABASE_URL, from the environment or `.env`, else that of this directory, else a running demo's;
    with MARKETFLOW_DASHBOARD_DEMO=1 only the last. It stays what it is: who looks at the owner's ledger must not suddenly see a
    demo's. Raises ConfigurationError for wrong settings, LedgerUnavailable where a demo's is asked for and none runs."""
    settings = _settings()
    named = settings.database_url.get_secret_value() if "DATABASE_URL" in settings.given else None
    url, is_demo = ledger_to_read(named, demo=os.environ.get(DEMO) == "1")
    return Source(url, is_demo or url == find_demo(), settings)


def _settings() -> Settings:
    """Returns the settings that the pages need. Keys, tokens and whatever else the program needs may be missing: it may run on
    another machine."""
    everything = {**read_env_file(Path(".env")), **os.environ}
    given = {name: everything[name] for name in _NEEDED if everything.get(name, "").strip()}
    prices = defaults_that_follow(given)["BINANCE_API_URL"]
    return load_settings({**given, "BINANCE_API_URL": prices, "TRADING_MODE": "paper"}, env_file=None)


def database_url() -> str:
    """Returns the ledger's address."""
    return chosen_source().database_url
