"""Connections: how SQLite and PostgreSQL are opened. One engine writes, one reads."""

import asyncio
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, StaticPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from core.domain.errors import LedgerUnavailable

T = TypeVar("T")

_CLASS = re.compile(r"^(<class '[^']*'>: )+")
_ANY_THREAD = {"check_same_thread": False}  # it is opened in one thread at a time, not always the same
_BUSY_MS = 5_000
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={_BUSY_MS}", "foreign_keys=ON")


def parse_url(text: str) -> URL:
    """The database's address. LedgerUnavailable, without the password, when it is none."""
    try:
        return make_url(text)
    except ArgumentError:
        raise LedgerUnavailable("DATABASE_URL is not a database address") from None


class PostgresTransactions:
    """One connection of asyncpg's."""

    def __init__(self, url: URL) -> None:
        self.dialect = "postgresql"
        self.engine = create_async_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True)

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in one transaction. Raises what the database does."""
        async with self.engine.begin() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        await self.engine.dispose()


class SqliteTransactions:
    """One connection in a thread of its own: a transaction is one visit to it, where aiosqlite makes one for each statement.

    Its transactions take the write lock when they begin, so that none fails halfway for want of it.
    """

    def __init__(self, url: URL) -> None:
        self.dialect = "sqlite"
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self.engine = create_engine(url.set(drivername="sqlite+pysqlite"), poolclass=StaticPool, connect_args=_ANY_THREAD)
        event.listen(self.engine, "connect", _prepare_sqlite)
        event.listen(self.engine, "begin", _begin_immediate)

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in one transaction. Raises what the database does."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)

    def _run(self, work: Callable[[Connection], T]) -> T:
        with self.engine.begin() as connection:
            return work(connection)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self.engine.dispose)
        self._thread.shutdown()


Transactions = PostgresTransactions | SqliteTransactions


def writing_transactions(url: URL) -> Transactions:
    """The one connection that writes."""
    return PostgresTransactions(url) if url.get_backend_name() == "postgresql" else SqliteTransactions(url)


def reading_engine(url: URL) -> AsyncEngine:
    """A few connections without transactions: each question sees what is committed."""
    postgres = url.get_backend_name() == "postgresql"
    engine = create_async_engine(url, pool_size=3, max_overflow=0, isolation_level="AUTOCOMMIT", pool_pre_ping=postgres)
    if not postgres:
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver begins transactions by itself unless told not to: https://docs.sqlalchemy.org/en/21/dialects/sqlite.html
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def words(error: Exception) -> str:
    """What the database said, without the statement's values and without its address."""
    if isinstance(error, DBAPIError) and error.orig is not None and str(error.orig):
        # SQLAlchemy puts the class of asyncpg's error before its text.
        return _CLASS.sub("", str(error.orig).splitlines()[0])
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    return type(error).__name__
