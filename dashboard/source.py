"""Finds the ledger to show and the settings to go by: once, at the start, for all visitors."""

import os
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from bot.settings.settings import Settings, load_settings
from core.adapters.ledger.demo_location import find_demo, ledger_to_read

DEMO = "MARKETFLOW_DASHBOARD_DEMO"
"""Set to 1 by `python -m dashboard --demo`."""


@dataclass(frozen=True, slots=True)
class Source:
    """The ledger's address, whether it is a running demo's, and the settings of this machine."""

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
    settings = load_settings()
    named = settings.database_url.get_secret_value() if "DATABASE_URL" in settings.given else None
    url, is_demo = ledger_to_read(named, demo=os.environ.get(DEMO) == "1")
    return Source(url, is_demo or url == find_demo(), settings)


def database_url() -> str:
    """Returns the ledger's address."""
    return chosen_source().database_url
