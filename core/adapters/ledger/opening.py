"""Opens a ledger: exclusively for one process, which migrates it, or for reading, which changes nothing."""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from sqlalchemy import URL, Connection
from sqlalchemy.exc import SQLAlchemyError

from core.adapters.ledger.engines import (
    PostgresTransactions,
    Transactions,
    files_of,
    is_missing,
    is_pooled,
    parse_url,
    words,
    writing_transactions,
)
from core.adapters.ledger.lease import Lease, take_lease
from core.adapters.ledger.lease_watch import LeaseWatch
from core.adapters.ledger.reader import LedgerReader
from core.adapters.ledger.reading import questions_to
from core.adapters.ledger.schema import revisions, upgrade
from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.private_files import make_private, take_from_others
from core.domain.errors import LedgerNotReady, LedgerUnavailable
from core.ports.clock import Clock


async def open_ledger(database_url: str, clock: Clock) -> SqlLedger:
    """Opens the ledger at `database_url` exclusively for this process, creates it if there is none and upgrades it to the newest
    schema. Raises LedgerUnavailable, and LedgerInUse while another process works on it."""
    url = parse_url(database_url)
    async with _opening(url) as (writing, pooled):
        for file in files_of(url)[:1]:
            make_private(file)  # SQLite gives its other files the same permissions
        revision, newest = await writing.run(_made, within=None)
        if revision > newest:
            raise _of_newer_version()
        for file in files_of(url):
            take_from_others(file)
        lease = await take_lease(writing, this_process_name(), clock)
        if revision < newest:
            await _upgrade(writing, lease, clock)
    return SqlLedger(writing, LedgerReader(questions_to(url, pooled=pooled)), lease, clock)


async def open_as_standby(database_url: str, clock: Clock) -> tuple[SqlLedger, LeaseWatch]:
    """Opens the ledger at `database_url` for reading, and the watch over the process that holds it; creates the ledger if there
    is none. `take_over` makes it this process's own. Raises LedgerUnavailable."""
    url = parse_url(database_url)
    if url.get_backend_name() != "postgresql":
        raise LedgerUnavailable(
            "a standby needs the ledger on PostgreSQL: a SQLite file belongs to one machine and one process. Set DATABASE_URL to "
            "postgresql+asyncpg://..., or use `marketflow run`"
        )
    async with _opening(url) as (writing, pooled):
        if pooled or not isinstance(writing, PostgresTransactions):
            raise LedgerUnavailable(
                "a standby needs a connection of its own to PostgreSQL, and DATABASE_URL leads to a pooler, which lends them: "
                "set it to the address of the server itself"
            )
        revision, newest = await writing.run(_made, within=None)
        if revision > newest:
            raise _of_newer_version()
        watch = LeaseWatch(writing, this_process_name(), clock)
    return SqlLedger(writing, LedgerReader(questions_to(url)), None, clock), watch


async def take_over(ledger: SqlLedger, watch: LeaseWatch, clock: Clock) -> None:
    """Waits until this process has the ledger of `open_as_standby`, and upgrades it to the newest schema. Raises
    LedgerUnavailable."""
    lease = await watch.lease()
    ledger.hold(lease)
    try:
        revision, newest = await ledger.writing.run(revisions)
        if revision is not None and revision > newest:
            raise _of_newer_version()
        if revision is None or revision < newest:
            await _upgrade(ledger.writing, lease, clock)
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        raise LedgerUnavailable(f"the ledger of DATABASE_URL cannot be upgraded: {words(error)}") from None


async def look_into_ledger(database_url: str, clock: Clock) -> SqlLedger:
    """Opens the ledger at `database_url` for reading, whoever works on it, and changes nothing. Raises LedgerUnavailable:
    LedgerNotReady if there is none or its schema is not the newest."""
    url = parse_url(database_url)
    if is_missing(url):
        raise LedgerNotReady(f"there is no ledger at {url.database} yet; the first start of MarketFlow makes it")
    async with _opening(url) as (writing, pooled):
        revision, newest = await writing.run(revisions)
        if revision is None:
            raise LedgerNotReady("there is no ledger in the database of DATABASE_URL yet; the first start of MarketFlow makes it")
        if revision < newest:
            raise LedgerNotReady("the ledger is of an older version: stop MarketFlow where it runs and start this version once")
        if revision > newest:
            raise _of_newer_version()
    return SqlLedger(writing, LedgerReader(questions_to(url, pooled=pooled)), None, clock)


async def has_ledger(database_url: str) -> bool:
    """Tells whether there is a ledger at `database_url`, of whatever version. Raises LedgerUnavailable."""
    url = parse_url(database_url)
    if is_missing(url):
        return False
    async with _opening(url) as (writing, _):
        revision, _ = await writing.run(revisions)
    await writing.close()
    return revision is not None


async def upgrade_unused(database_url: str) -> None:
    """Upgrades a ledger that certainly nobody works on, such as a copy, to the newest schema. Who held it last, and when, is not
    changed. Raises LedgerUnavailable."""
    async with _opening(parse_url(database_url)) as (writing, _):
        revision, newest = await writing.run(revisions)
        if revision is None:
            raise LedgerUnavailable("there is no ledger of MarketFlow in that copy")
        if revision > newest:
            raise _of_newer_version()
        if revision < newest:
            await writing.run(upgrade, within=None)
    await writing.close()


@asynccontextmanager
async def _opening(url: URL) -> AsyncIterator[tuple[Transactions, bool]]:
    """Opens connections to `url`, and tells whether a pooler lends them. Closes them if the block fails, and puts the database's
    message into words without secrets."""
    writing: Transactions | None = None
    try:
        pooled = await is_pooled(url)
        writing = writing_transactions(url, pooled=pooled)
        yield writing, pooled
    except BaseException as error:
        if writing is not None:
            await writing.close()
        if isinstance(error, SQLAlchemyError | OSError | TimeoutError):
            raise LedgerUnavailable(f"the ledger of DATABASE_URL cannot be opened: {words(error)}") from None
        raise


def _made(connection: Connection) -> tuple[str, str]:
    """Creates the ledger if there is none; returns its revision and the newest."""
    revision, newest = revisions(connection)
    if revision is None:
        upgrade(connection)
    return revision or newest, newest


async def _upgrade(writing: Transactions, lease: Lease, clock: Clock) -> None:
    """Upgrades the ledger under its lease: a step may drop what a process of the previous version writes to, so only the holder
    may take it."""
    at, number = clock.monotonic(), lease.next_number()
    await writing.run(partial(_upgrade_under, lease, number), within=None)
    lease.proved(at, number)


def _upgrade_under(lease: Lease, number: int, connection: Connection) -> None:
    lease.stamp(connection, number)
    upgrade(connection)


def _of_newer_version() -> LedgerUnavailable:
    return LedgerUnavailable("the ledger is of a newer version of MarketFlow than this one, which would not understand it")


def this_process_name() -> str:
    """Returns the name of this process for people."""
    return f"process {os.getpid()} on {socket.gethostname()}"
