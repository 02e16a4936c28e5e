"""Empty ledgers on SQLite: migrated once in each process of the tests, copied from then on."""

import sqlite3
from functools import cache
from pathlib import Path

from sqlalchemy import StaticPool, create_engine

from core.adapters.ledger.schema import upgrade


def make_ledger(file: Path) -> str:
    """Writes an empty ledger of the newest schema to `file`, unless there is a file; returns its address."""
    if not file.exists():
        file.write_bytes(_empty())
    return f"sqlite+aiosqlite:///{file}"


@cache
def _empty() -> bytes:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    with engine.begin() as opened:
        upgrade(opened)
    file = connection.serialize()
    connection.close()
    return file
