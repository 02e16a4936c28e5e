"""A transaction that fails, wherever it does, changes nothing and leaves nothing behind for the next one."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, make_url, select
from sqlalchemy.exc import OperationalError

from core.adapters.ledger.driver_statement import DriverStatement
from core.adapters.ledger.engines import Transactions, writing_transactions
from core.adapters.ledger.tables.result_tables import totals
from tests.ledgers import make_ledger

FAILED = "it failed"
ADD = DriverStatement(totals.insert())


@pytest.fixture
async def transactions(database_url: str) -> AsyncIterator[Transactions]:
    transactions = writing_transactions(make_url(database_url))
    yield transactions
    await transactions.close()


async def names(transactions: Transactions) -> list[str]:
    """Returns the names of the committed counters."""
    return await transactions.run(lambda connection: list(connection.scalars(select(totals.c.name).order_by(totals.c.name))))


def add(connection: Connection, name: str) -> None:
    ADD.run(connection, [{"name": name, "value": 1}])


async def test_one_whose_work_fails(transactions: Transactions) -> None:
    def work(connection: Connection) -> None:
        add(connection, "a")
        raise ValueError(FAILED)

    with pytest.raises(ValueError, match=FAILED):
        await transactions.run(work)
    await transactions.run(lambda connection: add(connection, "b"))
    assert await names(transactions) == ["b"]


async def test_one_that_cannot_be_committed(transactions: Transactions) -> None:
    engine = getattr(transactions.engine, "sync_engine", transactions.engine)

    def refuse(_connection: Connection) -> None:
        raise OSError(FAILED)

    event.listen(engine, "commit", refuse)
    with pytest.raises(OSError, match=FAILED):
        await transactions.run(lambda connection: add(connection, "a"))
    event.remove(engine, "commit", refuse)
    await transactions.run(lambda connection: add(connection, "b"))
    assert await names(transactions) == ["b"]


async def test_one_that_finds_the_file_locked(ledger_file: Path) -> None:
    transactions = writing_transactions(make_url(f"sqlite:///{ledger_file}"))
    await transactions.run(lambda connection: connection.exec_driver_sql("PRAGMA busy_timeout=0").close())
    with closing(sqlite3.connect(ledger_file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"):
            await transactions.run(lambda connection: add(connection, "a"))
    await transactions.run(lambda connection: add(connection, "b"))
    assert await names(transactions) == ["b"]
    await transactions.close()


@pytest.fixture
def ledger_file(tmp_path: Path) -> Path:
    """Returns the file of an empty ledger."""
    make_ledger(tmp_path / "ledger.db")
    return tmp_path / "ledger.db"
