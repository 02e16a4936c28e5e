"""A ledger goes backwards under a running process: the process notices at its next transaction, and ends."""

import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, make_url, update

from bot.clock import SystemClock
from core.adapters.ledger.opening import open_ledger
from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.ledger.tables import upkeep_tables
from core.domain.errors import LeaseLost, LedgerSetBack
from core.records.commit_batch import CommitBatch
from tests.core.adapters.ledger import values
from tests.core.adapters.ledger.conftest import Reopen
from tests.core.virtual_time import VirtualClock
from tests.servers.postgres import PostgresServer

TODAY = values.NOW.date().isoformat()
LEASE = upkeep_tables.lease.c


async def write(ledger: SqlLedger, qty: str) -> None:
    await ledger.commit(CommitBatch(positions=[values.position(qty)]))


async def found_out(ledger: SqlLedger) -> None:
    """Asserts that it can neither write nor trade any more, and says why."""
    for _ in range(2):
        with pytest.raises(LedgerSetBack, match="at its next start it asks the exchange what is missing"):
            await write(ledger, "9")
    assert ledger.lost
    assert not ledger.may_trade
    assert ledger.ready == (False, "older than it was left")


SET_BACK: dict[str, Callable[[Connection], object]] = {
    "one commit is missing": lambda db: db.execute(update(upkeep_tables.lease).values(commits=LEASE.commits - 1)),
    "all commits of this process are missing": lambda db: db.execute(update(upkeep_tables.lease).values(commits=0)),
    "it is from before this process": lambda db: db.execute(update(upkeep_tables.lease).values(epoch=LEASE.epoch - 1)),
    "it was never held": lambda db: db.execute(delete(upkeep_tables.lease)),
    "it is one that others went on with": lambda db: db.execute(update(upkeep_tables.lease).values(commits=LEASE.commits + 7)),
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
        await ledger.commit(CommitBatch(orders=[values.order(999)]))  # an order without a message
    await write(ledger, "2")
    ledger = await reopen()
    await write(ledger, "3")
    assert (await ledger.load(TODAY)).positions == [values.position("3")]


async def test_who_took_over_is_told_from_a_ledger_that_went_back(ledger: SqlLedger) -> None:
    await ledger.writing.run(lambda db: db.execute(update(upkeep_tables.lease).values(epoch=LEASE.epoch + 1, commits=0)))
    with pytest.raises(LeaseLost, match="taken this ledger over") as lost:
        await write(ledger, "1")
    assert not isinstance(lost.value, LedgerSetBack)


@pytest.fixture
async def on_disk(tmp_path: Path) -> AsyncIterator[tuple[SqlLedger, Path]]:
    """Opens a ledger in a SQLite file with some content, and a backup that lacks the last commit."""
    path = tmp_path / "ledger.db"
    ledger = await open_ledger(f"sqlite+aiosqlite:///{path}", SystemClock())
    await write(ledger, "1")
    with closing(sqlite3.connect(path)) as live, closing(sqlite3.connect(tmp_path / "backup.db")) as backup:
        live.backup(backup)
    await write(ledger, "2")
    yield ledger, path
    with suppress(RuntimeError):  # the test has closed it
        await ledger.close()


def moved_over(path: Path) -> None:
    path.with_name("backup.db").replace(path)


def restored(path: Path) -> None:
    with closing(sqlite3.connect(path.with_name("backup.db"))) as backup, closing(sqlite3.connect(path)) as live:
        backup.backup(live)


def copied_over(path: Path) -> None:
    """Overwrites it as `cp` does: the file stays the same one."""
    path.write_bytes(path.with_name("backup.db").read_bytes())


def copied_over_without_its_time(path: Path) -> None:
    """Overwrites it as `cp --preserve` does."""
    backup = path.with_name("backup.db")
    os.utime(backup, (1, 1))
    copied_over(path)
    os.utime(path, (1, 1))


def log_cut(path: Path) -> None:
    os.truncate(path.with_name("ledger.db-wal"), 4096)


def log_copied_over(path: Path) -> None:
    """Overwrites the log with one of the same length and other content."""
    log = path.with_name("ledger.db-wal")
    log.write_bytes(bytes(log.stat().st_size))


FILES: dict[str, Callable[[Path], object]] = {
    "a backup is moved over it": moved_over,
    "a backup is restored into it": restored,
    "it is deleted": Path.unlink,
    "it is moved away": lambda path: path.rename(path.with_name("old.db")),
    "its log is deleted": lambda path: path.with_name("ledger.db-wal").unlink(),
    "the index of its log is deleted": lambda path: path.with_name("ledger.db-shm").unlink(),
    "a backup is copied over it": copied_over,
    "a backup is copied over it with its time": copied_over_without_its_time,
    "its log is cut": log_cut,
    "its log is written over": log_copied_over,
}


@pytest.mark.parametrize("what", FILES)
async def test_a_file_that_is_replaced_under_the_process_is_found_out(on_disk: tuple[SqlLedger, Path], what: str) -> None:
    ledger, path = on_disk
    FILES[what](path)
    await found_out(ledger)


@pytest.mark.parametrize("all_in_the_file", [False, True])
@pytest.mark.parametrize("put_back", [moved_over, copied_over, copied_over_without_its_time])
async def test_the_next_start_finds_the_backup_and_nothing_of_what_came_after_it(
    on_disk: tuple[SqlLedger, Path], put_back: Callable[[Path], object], all_in_the_file: bool
) -> None:
    ledger, path = on_disk
    if all_in_the_file:
        checkpoint(path)
    await write(ledger, "3")
    put_back(path)
    await found_out(ledger)
    await ledger.close()
    again = await open_ledger(f"sqlite+aiosqlite:///{path}", SystemClock())
    assert (await again.load(TODAY)).positions == [values.position("1")]
    await write(again, "4")
    await again.close()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_a_file_that_nothing_was_copied_over_stays_where_it_is(on_disk: tuple[SqlLedger, Path]) -> None:
    ledger, path = on_disk
    before = path.stat().st_ino
    checkpoint(path)
    log_copied_over(path)
    await found_out(ledger)
    await ledger.close()
    assert path.stat().st_ino == before


async def test_a_backup_that_is_copied_over_it_once_all_is_in_the_file_is_found_out(on_disk: tuple[SqlLedger, Path]) -> None:
    ledger, path = on_disk
    checkpoint(path)
    await write(ledger, "3")
    copied_over(path)
    await found_out(ledger)


def checkpoint(path: Path) -> None:
    """Runs a checkpoint in another program, like tools that copy a database in use."""
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[0] == 0


async def test_what_others_do_by_sqlites_own_means_is_no_set_back(on_disk: tuple[SqlLedger, Path]) -> None:
    ledger, path = on_disk
    with closing(sqlite3.connect(path)) as other:
        for number in range(40):
            await write(ledger, str(number))
            if number % 3 == 0:
                checkpoint(path)
            if number % 5 == 0:
                other.execute("CREATE TABLE IF NOT EXISTS notes (words TEXT)")
                other.execute("INSERT INTO notes VALUES ('by hand')")
                other.commit()
    path.chmod(0o600)
    await write(ledger, "1")
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    await write(ledger, "2")
    assert not ledger.lost


async def test_a_checkpoint_of_its_own_is_no_set_back(on_disk: tuple[SqlLedger, Path]) -> None:
    ledger, path = on_disk
    await ledger.writing.run(lambda connection: connection.exec_driver_sql("PRAGMA wal_autocheckpoint = 10").close())
    before = path.stat().st_size
    for number in range(30):
        await write(ledger, str(number))
    assert path.stat().st_size > before
    assert not ledger.lost


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
