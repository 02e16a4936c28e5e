"""Connections beside the writer's, for questions alone: of SQLite in threads of our own, of PostgreSQL through asyncpg."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, QueuePool, create_engine, event
from sqlalchemy.exc import ResourceClosedError

from core.adapters.ledger.engines import (
    ANY_THREAD,
    ExactSum,
    async_engine,
    postgres_arguments,
    prepare_sqlite,
    replace_if_broken,
)

T = TypeVar("T")

_CONNECTIONS = 3


class PostgresQuestions:
    """A few connections of asyncpg without transactions: each question sees what is committed."""

    def __init__(self, url: URL, *, pooled: bool) -> None:
        """Builds the engine. `pooled` as in PostgresTransactions: a question is then a transaction; otherwise its two steps might
        go to two servers' connections."""
        alone = {} if pooled else {"isolation_level": "AUTOCOMMIT"}
        arguments = postgres_arguments(url, pooled=pooled)
        self._engine = async_engine(url, pool_size=_CONNECTIONS, max_overflow=0, connect_args=arguments, **alone)
        self.engine = self._engine.sync_engine
        event.listen(self.engine, "checkout", replace_if_broken)

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` on a connection. Raises what the driver raises."""
        async with self._engine.connect() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        """Closes the connections."""
        await self._engine.dispose()


class SqliteQuestions:
    """A few connections, each in a thread while it is used: a question is one visit to it, and its rows are made there, where the
    event loop does not wait for them."""

    def __init__(self, url: URL) -> None:
        self._threads = ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="ledger reading")
        self._is_closed = False
        self.engine = create_engine(
            url.set(drivername="sqlite+pysqlite"),
            poolclass=QueuePool,
            pool_size=_CONNECTIONS,
            max_overflow=0,
            connect_args=ANY_THREAD,
            isolation_level="AUTOCOMMIT",
        )
        event.listen(self.engine, "connect", prepare_sqlite)
        event.listen(self.engine, "connect", _add_functions)

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` on a connection. Raises what the driver raises, and ResourceClosedError after `close`."""
        if self._is_closed:
            raise ResourceClosedError("the ledger is closed")
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, work)

    async def close(self) -> None:
        """Closes the connections, after the questions under way."""
        self._is_closed = True
        await asyncio.get_running_loop().run_in_executor(None, self._close)

    def _run(self, work: Callable[[Connection], T]) -> T:
        with self.engine.connect() as connection:
            return work(connection)

    def _close(self) -> None:
        self._threads.shutdown()
        self.engine.dispose()


Questions = PostgresQuestions | SqliteQuestions


def questions_to(url: URL, *, pooled: bool = False) -> Questions:
    """Returns connections for reading alone. `pooled` as in PostgresTransactions."""
    return PostgresQuestions(url, pooled=pooled) if url.get_backend_name() == "postgresql" else SqliteQuestions(url)


def _add_functions(connection: Any, _record: object) -> None:
    connection.create_aggregate("exact_sum", 1, ExactSum)
