"""Empty ledgers on SQLite: migrated once in each process of the tests, copied from then on. Work on a ledger of either kind."""

import sqlite3
from collections.abc import Callable
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, StaticPool, create_engine, make_url
from sqlalchemy.ext.asyncio import create_async_engine

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


async def work_on(database_url: str, work: Callable[[Connection], object]) -> None:
    """Does `work` in one transaction on the database at `database_url`, beside whoever else uses it."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url.set(drivername="sqlite+pysqlite"), connect_args={"timeout": 60})
        with engine.begin() as connection:
            work(connection)
        engine.dispose()
        return
    served = create_async_engine(url)
    async with served.begin() as lent:
        await lent.run_sync(work)
    await served.dispose()
