"""A ledger that went backwards under a process that works on it: the process finds out at its next transaction, and ends."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, make_url, update

from bot.clock import SystemClock
from core.adapters.ledger import tables
from core.adapters.ledger.opening import open_ledger
from core.adapters.ledger.sql_ledger import SqlLedger
from core.domain.errors import LeaseLost, LedgerSetBack
from core.ports import Changes
from tests.core.virtual_time import VirtualClock
from tests.ledger import values
from tests.ledger.conftest import Reopen
from tests.servers.postgres import PostgresServer

TODAY = values.NOW.date().isoformat()
LEASE = tables.lease.c


async def write(ledger: SqlLedger, qty: str) -> None:
    await ledger.commit(Changes(positions=[values.position(qty)]))


async def found_out(ledger: SqlLedger) -> None:
    """It can neither write nor trade any more, and says why."""
    for _ in range(2):
        with pytest.raises(LedgerSetBack, match="at its next start it asks the exchange what is missing"):
            await write(ledger, "9")
    assert ledger.lost
    assert not ledger.may_trade
    assert ledger.ready == (False, "older than it was left")


SET_BACK: dict[str, Callable[[Connection], object]] = {
    "one commit is missing": lambda db: db.execute(update(tables.lease).values(commits=LEASE.commits - 1)),
    "all commits of this process are missing": lambda db: db.execute(update(tables.lease).values(commits=0)),
    "it is from before this process": lambda db: db.execute(update(tables.lease).values(epoch=LEASE.epoch - 1)),
    "it was never held": lambda db: db.execute(delete(tables.lease)),
    "it is one that others went on with": lambda db: db.execute(update(tables.lease).values(commits=LEASE.commits + 7)),
}


@pytest.mark.parametrize("what", SET_BACK)
async def test_a_ledger_that_is_not_as_it_was_left_is_found_out(ledger: SqlLedger, what: str) -> None:
    for qty in "123":
        await write(ledger, qty)
    await ledger.writing.run(SET_BACK[what])
    await found_out(ledger)


async def test_a_commit_in_doubt_is_not_asked_of_an_older_ledger(ledger: SqlLedger) -> None:
    await write(ledger, "1")
    await write(ledger, "2")
    assert ledger.lease is not None
    assert not await ledger.lease.was_committed(3)
    await ledger.writing.run(SET_BACK["one commit is missing"])
    with pytest.raises(LedgerSetBack):
        await ledger.lease.was_committed(3)


async def test_an_idle_process_finds_out_by_itself(database_url: str) -> None:
    clock = VirtualClock()
    ledger = await open_ledger(database_url, clock)

    class Fast(VirtualClock):
        async def sleep(self, seconds: float) -> None:
            clock._seconds += seconds

    ledger._clock = Fast()
    await write(ledger, "1")
    await ledger.writing.run(SET_BACK["one commit is missing"])
    with pytest.raises(LedgerSetBack):
        await ledger.keep_lease()
    await ledger.close()


async def test_a_failed_commit_is_no_set_back(reopen: Reopen) -> None:
    ledger = await reopen()
    await write(ledger, "1")
    with pytest.raises(Exception, match="cannot be written"):
        await ledger.commit(Changes(orders=[values.order(999)]))  # an order of no message
    await write(ledger, "2")
    ledger = await reopen()
    await write(ledger, "3")
    assert (await ledger.load(TODAY)).positions == [values.position("3")]


async def test_who_took_over_is_told_from_a_ledger_that_went_back(ledger: SqlLedger) -> None:
    await ledger.writing.run(lambda db: db.execute(update(tables.lease).values(epoch=LEASE.epoch + 1, commits=0)))
    with pytest.raises(LeaseLost, match="taken this ledger over") as lost:
        await write(ledger, "1")
    assert not isinstance(lost.value, LedgerSetBack)


@pytest.fixture
async def on_disk(tmp_path: Path) -> AsyncIterator[tuple[SqlLedger, Path]]:
    """A ledger in a SQLite file with something in it, and a backup of it that lacks the last commit."""
    path = tmp_path / "ledger.db"
    ledger = await open_ledger(f"sqlite+aiosqlite:///{path}", SystemClock())
    await write(ledger, "1")
    with closing(sqlite3.connect(path)) as live, closing(sqlite3.connect(tmp_path / "backup.db")) as backup:
        live.backup(backup)
    await write(ledger, "2")
    yield ledger, path
    await ledger.close()


def moved_over(path: Path) -> None:
    path.with_name("backup.db").replace(path)


def restored(path: Path) -> None:
    with closing(sqlite3.connect(path.with_name("backup.db"))) as backup, closing(sqlite3.connect(path)) as live:
        backup.backup(live)


FILES: dict[str, Callable[[Path], object]] = {
    "a backup is moved over it": moved_over,
    "a backup is restored into it": restored,
    "it is deleted": Path.unlink,
    "it is moved away": lambda path: path.rename(path.with_name("old.db")),
    "its log is deleted": lambda path: path.with_name("ledger.db-wal").unlink(),
}


@pytest.mark.parametrize("what", FILES)
async def test_a_file_that_is_replaced_under_the_process_is_found_out(on_disk: tuple[SqlLedger, Path], what: str) -> None:
    ledger, path = on_disk
    FILES[what](path)
    await found_out(ledger)


async def test_a_failover_to_a_copy_that_lagged_is_found_out(postgres: PostgresServer, postgres_url: str) -> None:
    name = make_url(postgres_url).database
    assert name is not None
    ledger = await open_ledger(postgres_url, SystemClock())
    await write(ledger, "1")
    await postgres.copy(name, f"{name}_copy")
    await write(ledger, "2")
    await postgres.put_back(f"{name}_copy", name)
    await found_out(ledger)
    await ledger.close()
    again = await open_ledger(postgres_url, SystemClock())
    assert (await again.load(TODAY)).positions == [values.position("1")]
    await write(again, "3")
    await again.close()
