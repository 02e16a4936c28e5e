"""Finds the ledger to show."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from core.adapters.ledger.demo_location import find_demo


def database_url() -> str:
    """Returns the URL from the environment, else from `.env`, else that of a running demo, else the default."""
    # No interpolation: passwords contain dollar signs.
    return (
        os.environ.get("DATABASE_URL")
        or dotenv_values(Path(".env"), interpolate=False).get("DATABASE_URL")
        or find_demo()
        or "sqlite+aiosqlite:///marketflow.db"
    )


def looking_at() -> str:
    """Describes the ledger without user and password."""
    try:
        parts = urlsplit(database_url())
    except ValueError:
        return "ledger: DATABASE_URL is no address"
    if parts.scheme.startswith("sqlite"):
        return f"ledger: {database_url().partition('///')[2]}"
    return f"ledger: PostgreSQL on {parts.hostname}, database {parts.path.lstrip('/')}"
