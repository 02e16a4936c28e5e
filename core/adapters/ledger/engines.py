"""Connections to SQLite and PostgreSQL. One engine writes, one reads."""

from __future__ import annotations  # those of SQLAlchemy's asyncio are read by nobody at run time

import asyncio
import fcntl
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    NullPool,
    StaticPool,
    Text,
    bindparam,
    create_engine,
    event,
    func,
    make_url,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidatePoolError

from core.adapters.ledger.database_file import DatabaseFile
from core.adapters.ledger.process_identity import has_ended, this_process
from core.adapters.private_files import make_private
from core.domain.errors import LedgerUnavailable
from core.domain.money import EXACT

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

T = TypeVar("T")

_CLASS = re.compile(r"^(<class '[^']*'>: )+")
ANY_THREAD = {"check_same_thread": False}  # opened in one thread at a time, not always the same
_BUSY_MS = 5_000
_LOCKED = "flock"
_CONNECT_SECONDS, _ANSWER_SECONDS = 5.0, 10.0
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={_BUSY_MS}", "foreign_keys=ON")


def parse_url(address: str) -> URL:
    """Parses the database's address. Raises LedgerUnavailable, without the password, if it is invalid."""
    try:
        return make_url(address)
    except ArgumentError:
        raise LedgerUnavailable("DATABASE_URL is not a database address") from None


def is_missing(url: URL) -> bool:
    """Tells whether the address names a file that does not exist; opening it would create it."""
    return (
        url.get_backend_name() == "sqlite"
        and url.database not in {None, "", ":memory:"}
        and not Path(url.database or "").exists()
    )


def files_of(url: URL) -> tuple[Path, ...]:
    """Returns the file of a SQLite ledger and the files beside it; none for another database."""
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
        return ()
    return tuple(Path(f"{url.database}{ending}") for ending in ("", "-wal", "-shm", ".lock"))


def async_engine(url: URL, **options: Any) -> AsyncEngine:
    """Returns an engine of asyncpg. Its module brings SQLAlchemy's ORM along, which a ledger in SQLite never needs."""
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 - heavy

    return create_async_engine(url, **options)


class PostgresTransactions:
    """One asyncpg connection. If the server does not answer in time, the connection is dropped."""

    def __init__(self, url: URL, *, pooled: bool = False) -> None:
        """Builds the engine. `pooled`: something like pgbouncer lends a connection for one transaction at a time."""
        self.dialect = "postgresql"
        self.commits_in_one_request = not pooled  # a pooler keeps no prepared statement for a request without a transaction
        self._url = url
        self._pooled = pooled
        self.session: ColumnElement[str] = func.concat(func.pg_backend_pid(), f" {this_process()}")
        """Names the writing connection and its process."""
        self.engine = self._new_engine()
        self._given_up: set[asyncio.Task[None]] = set()

    async def run(self, work: Callable[[Connection], T], *, within: float | None = _ANSWER_SECONDS) -> T:
        """Runs `work` in one transaction. Raises what the database raises; TimeoutError after `within` seconds: then nobody knows
        whether it was committed if `work` has returned, and if it has not, it never will be."""
        engine = self.engine
        task = asyncio.create_task(self._run(engine, work), name="transaction")
        done, _ = await asyncio.wait([task], timeout=within)
        if not done:
            # Not awaited: to cancel a statement the driver asks the server, which does not answer.
            self.engine = self._new_engine()
            task.cancel()
            ending = asyncio.create_task(_give_up(engine, task), name="connection given up")
            self._given_up.add(ending)
            ending.add_done_callback(self._given_up.discard)
            raise TimeoutError
        return task.result()

    @staticmethod
    async def _run(engine: AsyncEngine, work: Callable[[Connection], T]) -> T:
        async with engine.begin() as connection:
            done = await connection.run_sync(work)
            _end_if_given_up()
            return done

    def session_parameters(self) -> dict[str, str]:
        """Returns the parameters of `session`."""
        return {}

    def is_gone(self, connection: Connection, session: str) -> bool:
        """Tells whether the holder has certainly ended: its process ran on this machine and no longer does, and the server has no
        connection from it. A missing connection alone proves nothing: a live process may have lost it."""
        pid, _, process = session.partition(" ")
        if not pid.isdecimal() or not has_ended(process):
            return False
        there = text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid AND pid <> pg_backend_pid()")
        return not connection.scalar(there, {"pid": int(pid)})

    async def close(self) -> None:
        await self.engine.dispose()

    def _new_engine(self) -> AsyncEngine:
        engine = async_engine(
            self._url,
            pool_size=1,
            max_overflow=0,
            connect_args=postgres_arguments(self._url, pooled=self._pooled),
        )
        event.listen(engine.sync_engine, "checkout", replace_if_broken)
        if self._pooled:
            event.listen(engine.sync_engine, "begin", _limit_transaction)
        return engine


class SqliteTransactions:
    """One connection in a thread of its own: a transaction is one visit to it, where aiosqlite makes one for each statement.

    Its transactions take the write lock when they begin, so that none fails halfway for lack of it.
    """

    def __init__(self, url: URL) -> None:
        self.dialect = "sqlite"
        self.commits_in_one_request = False  # there is no way to the server to be saved
        self._lock = FileLock(url.database)
        self._file = DatabaseFile(url.database)
        self.session: ColumnElement[str] = bindparam("b_session", type_=Text)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self.engine = create_engine(url.set(drivername="sqlite+pysqlite"), poolclass=StaticPool, connect_args=ANY_THREAD)
        event.listen(self.engine, "connect", prepare_sqlite)
        event.listen(self.engine, "begin", _begin_immediate)
        self._connection: Connection | None = None

    async def run(self, work: Callable[[Connection], T], *, within: float | None = None) -> T:
        """Runs `work` in one transaction, however long it takes: a thread cannot be abandoned. Raises what the database
        raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)

    def _run(self, work: Callable[[Connection], T]) -> T:
        self._file.check()
        if self._connection is None:  # kept: the pool would take as long over it as the rows
            self._connection = self.engine.connect()
        try:
            with self._connection.begin():
                done = work(self._connection)
        except BaseException:
            self._part()  # the pool rolls back what a failed commit leaves open
            raise
        self._file.seen()
        return done

    def _part(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _close(self) -> None:
        self._file.part()
        self._part()
        self.engine.dispose()
        self._file.close()

    def session_parameters(self) -> dict[str, str]:
        """Returns whether this process has the file's lock. A process that takes over from a suspended one gets it later, or
        never."""
        return {"b_session": _LOCKED if self._lock.take() else ""}

    def is_gone(self, _connection: Connection, session: str) -> bool:
        """Tells whether the holder has ended: it had the file's lock, which the system releases however a process ends."""
        return session == _LOCKED and self._lock.take()

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()
        self._lock.release()


class FileLock:
    """A lock beside the database's file, held as long as this process lives."""

    def __init__(self, database: str | None) -> None:
        on_disk = database and database != ":memory:" and not database.startswith("file:")
        self._path = Path(f"{database}.lock") if on_disk else None
        self._file: IO[bytes] | None = None

    def take(self) -> bool:
        """Takes the lock; tells whether this process has it now."""
        if self._file is not None or self._path is None:
            return True
        make_private(self._path)
        file = self._path.open("ab")  # open as long as the lock is held
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self._file = file
        return True

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


Transactions = PostgresTransactions | SqliteTransactions


def writing_transactions(url: URL, *, pooled: bool = False) -> Transactions:
    """Returns the one connection that writes. `pooled` as in PostgresTransactions."""
    return PostgresTransactions(url, pooled=pooled) if url.get_backend_name() == "postgresql" else SqliteTransactions(url)


async def is_pooled(url: URL) -> bool:
    """Tells whether something like pgbouncer stands between us and PostgreSQL and keeps no settings for a connection. Raises what
    the driver raises."""
    if url.get_backend_name() != "postgresql" or "server_settings" in url.query:
        return False
    arguments = {**postgres_arguments(url, pooled=False), **_UNNAMED}
    engine = async_engine(url, poolclass=NullPool, connect_args=arguments)
    try:
        async with engine.begin() as connection:
            return bool(await connection.scalar(text(f"SHOW {_IDLE}")) != _IDLE_MOST)
    except Exception as error:
        if "unsupported startup parameter" in str(error):  # pgbouncer's own wording
            return True
        raise
    finally:
        await engine.dispose()


_IDLE, _IDLE_MOST = "idle_in_transaction_session_timeout", f"{_ANSWER_SECONDS:.0f}s"
# Named statements would clash with those of other clients on a lent connection: https://www.pgbouncer.org/features.html
_UNNAMED: dict[str, Any] = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": lambda: "",
}


def postgres_arguments(url: URL, *, pooled: bool) -> dict[str, Any]:
    """Returns the arguments that asyncpg's connections are opened with, except those in the address itself."""
    # A transaction of ours that the server waits for in vain holds the lease's row: the server ends it by itself.
    settings = {"application_name": "marketflow"} | ({} if pooled else {_IDLE: _IDLE_MOST})
    wanted = {"timeout": _CONNECT_SECONDS, "command_timeout": _ANSWER_SECONDS, "server_settings": settings}
    return {name: value for name, value in (wanted | (_UNNAMED if pooled else {})).items() if name not in url.query}


def _limit_transaction(connection: Connection) -> None:
    connection.exec_driver_sql(f"SET LOCAL {_IDLE} = '{_IDLE_MOST}'")


def replace_if_broken(connection: Any, _record: object, _lent: object) -> None:
    """Has a connection replaced, before it is lent out, if the server has closed it. SQLAlchemy's own `pool_pre_ping` asks in a
    transaction, and where that transaction's end fails it forgets that it was cancelled: work that was given up is done after
    all."""
    try:
        connection.run_async(_ask_nothing)
    except TimeoutError:
        raise
    except Exception as error:
        raise InvalidatePoolError from error


async def _ask_nothing(driver: Any) -> None:
    await driver.execute("SELECT 1")  # one request and one answer: a pooler need not keep the server's connection for it


def _end_if_given_up() -> None:
    """Ends a transaction before its commit if it was cancelled, even if the driver has forgotten that."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _give_up(engine: AsyncEngine, task: asyncio.Task[Any]) -> None:
    """Drops a connection that does not answer, and cancels whoever waits for it."""
    await asyncio.wait([task], timeout=_ANSWER_SECONDS)
    await engine.dispose()


class ExactSum:
    """An exact SUM: SQLite's own would turn the amounts, stored as text, into floats."""

    def __init__(self) -> None:
        self._sum: Decimal | None = None

    def step(self, amount: str | None) -> None:
        if amount is not None:
            self._sum = EXACT.add(self._sum, Decimal(amount)) if self._sum is not None else Decimal(amount)

    def finalize(self) -> str | None:
        return format(self._sum, "f") if self._sum is not None else None


def exact_plus(one: str, other: str) -> str:
    """Adds two amounts, as SQLite stores them."""
    return format(EXACT.add(Decimal(one), Decimal(other)), "f")


def prepare_sqlite(connection: Any, _record: object) -> None:
    connection.create_function("exact_plus", 2, exact_plus, deterministic=True)
    # The driver begins transactions by itself unless told not to: https://docs.sqlalchemy.org/en/21/dialects/sqlite.html
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def words(error: Exception) -> str:
    """Returns the database's message, without the statement's values and without its address."""
    if isinstance(error, DBAPIError) and error.orig is not None and str(error.orig):
        # SQLAlchemy puts the class of asyncpg's error before its text.
        return _CLASS.sub("", str(error.orig).splitlines()[0])
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    return type(error).__name__
