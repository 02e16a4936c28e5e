"""Connections: how SQLite and PostgreSQL are opened. One engine writes, one reads."""

from typing import Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from core.domain.errors import LedgerUnavailable

_BUSY_MS = 5_000
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={_BUSY_MS}", "foreign_keys=ON")


def parse_url(text: str) -> URL:
    """The database's address. LedgerUnavailable, without the password, when it is none."""
    try:
        return make_url(text)
    except ArgumentError:
        raise LedgerUnavailable("DATABASE_URL is not a database address") from None


def writing_engine(url: URL) -> AsyncEngine:
    """One connection. Its transactions take SQLite's write lock when they begin, so that none fails halfway for want of it."""
    engine = create_async_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=url.get_backend_name() == "postgresql")
    if url.get_backend_name() == "sqlite":
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_immediate)
    return engine


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
    if isinstance(error, DBAPIError) and error.orig is not None:
        return f"{type(error.orig).__name__}: {str(error.orig).splitlines()[0] if str(error.orig) else ''}"
    return type(error).__name__
