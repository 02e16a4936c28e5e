"""Finds the ledger to show."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from core.adapters.ledger.demo_location import ledger_to_read

DEMO = "MARKETFLOW_DASHBOARD_DEMO"
"""Set to 1 by `python -m dashboard --demo`: Streamlit runs the pages anew for each visitor, with the environment alone."""


def database_url() -> str:
    """Returns the URL from the environment, else from `.env`, else that of this directory's ledger or of a running demo."""
    return _chosen()[0]


def _chosen() -> tuple[str, bool]:
    # No interpolation: passwords contain dollar signs.
    named = os.environ.get("DATABASE_URL") or dotenv_values(Path(".env"), interpolate=False).get("DATABASE_URL")
    return ledger_to_read(named, demo=os.environ.get(DEMO) == "1")


def looking_at() -> str:
    """Describes the ledger without user and password."""
    try:
        parts = urlsplit(database_url())
    except ValueError:
        return "ledger: DATABASE_URL is no address"
    if parts.scheme.startswith("sqlite"):
        return f"ledger{' of the demo' if _chosen()[1] else ''}: {database_url().partition('///')[2]}"
    return f"ledger: PostgreSQL on {parts.hostname}, database {parts.path.lstrip('/')}"
