"""Checks that SQLite still writes into the files that are there: it writes silently into one that was deleted, replaced or
overwritten."""

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from core.adapters.ledger.wal_index import IndexFile, LogFile, WalIndex
from core.domain.errors import LedgerSetBack

_Identity = tuple[int, int] | None
_Content = tuple[int, int] | None

_LOOKS, _LOOK_SECONDS = 10, 0.5
_AT_ITS_NEXT_START = "This one ends; at its next start it asks the exchange what is missing"


class DatabaseFile:
    """The file of a database, its write-ahead log and the log's index, as last seen by a process that writes there. A database
    without a file never changes."""

    def __init__(self, database: str | None) -> None:
        on_disk = database and database != ":memory:" and not database.startswith("file:")
        self._paths = tuple(Path(f"{database}{ending}") for ending in ("", "-wal", "-shm")) if on_disk else ()
        self._names = [
            str(path) for path in self._paths
        ]  # looked at twice in each commit: a Path costs more than the system's call
        self._seen: list[_Identity] = [None for _ in self._paths]
        self._index = IndexFile(self._paths[2]) if self._paths else None
        self._log = LogFile(self._paths[1]) if self._paths else None
        self._index_seen: WalIndex | None = None
        self._content: _Content = None
        self._is_copied_over = False

    def check(self) -> None:
        """Raises LedgerSetBack if one of them is missing or replaced, or was written to by anything but SQLite. Each stays as
        long as somebody writes there: https://sqlite.org/tempfiles.html#write_ahead_log_wal_files"""
        self._check()

    def _check(self) -> WalIndex | None:
        """Checks, and returns the index as it was read then; None if it was not."""
        found = [_look(name) for name in self._names]
        for path, seen, now in zip(self._paths, self._seen, found, strict=True):
            if seen is not None and now.identity != seen:
                raise LedgerSetBack(
                    f"{path.name} was deleted or replaced while this MarketFlow worked on it, so that nobody else sees what it "
                    f"writes. {_AT_ITS_NEXT_START}"
                )
        if self._index is None or self._log is None or self._index_seen is None:
            return None
        return self._check_content(self._index, self._log, self._index_seen, found[0].content)

    def _check_content(self, file: IndexFile, log: LogFile, before: WalIndex, content: _Content) -> WalIndex | None:
        """Checks that the database's file, whose `content` was looked at before, changed only by checkpoints, which the index
        records, whichever process makes them."""
        index = file.read()
        if index is None:
            return None
        if content != self._content and index.checkpoint == before.checkpoint and not index.is_copying:
            self._is_copied_over = True
            raise _copied_over(self._paths[0])
        if not log.is_of(index, self._seen[1]) and file.read() == index:
            raise _copied_over(self._paths[1])
        return index

    def seen(self) -> None:
        """Remembers the current state; call it after each write. Raises LedgerSetBack as `check` does."""
        index = self._check()
        if None in self._seen:
            self._seen = [seen or _look(name).identity for name, seen in zip(self._names, self._seen, strict=True)]
        if self._index is not None:
            self._index_seen = index or self._index.read()
            # Not as it was before the index was read: a checkpoint in between would be known, and what it wrote would not.
            self._content = _look(self._names[0]).content

    def part(self) -> None:
        """Separates a file that was copied over ours from the log, which belongs to the old one: the next process to open it
        would mix the two. Keeps the log beside it under another name. Call it before SQLite closes the file."""
        if not self._paths or self._seen[0] is None:
            return
        database, log, index = self._paths
        with suppress(OSError):  # then it is as if this process had been killed
            if self._is_copied_over and _look(database).identity == self._seen[0]:
                _give_own_file(database)
            if _look(database).identity not in {None, self._seen[0]}:
                if _look(log).identity == self._seen[1]:
                    log.replace(log.with_name(f"{log.name}.before"))
                if _look(index).identity == self._seen[2]:
                    index.unlink()

    def close(self) -> None:
        """Closes the index and the log; call it once SQLite has closed the database."""
        if self._index is not None and self._log is not None:
            self._index.close()
            self._log.close()


def _copied_over(path: Path) -> LedgerSetBack:
    return LedgerSetBack(
        f"{path.name} was copied over while this MarketFlow worked on it: stop MarketFlow before a copy is put back. "
        f"{_AT_ITS_NEXT_START}"
    )


def _give_own_file(database: Path) -> None:
    """Replaces the file with a copy of itself once nobody writes to it any more. SQLite keeps using the replaced one."""
    own = database.with_name(f"{database.name}.copied")
    try:
        for _ in range(_LOOKS):
            before = _look(database).content
            time.sleep(_LOOK_SECONDS)
            shutil.copy2(database, own)
            if _look(database).content == before:
                with own.open("rb") as file:
                    os.fsync(file.fileno())
                own.replace(database)
                return
    finally:
        own.unlink(missing_ok=True)


class _Look(NamedTuple):
    """A file as the system describes it: which one it is, and a value that changes whenever it is written to."""

    identity: _Identity = None
    content: _Content = None


_MISSING = _Look()


def _look(name: str | Path) -> _Look:
    try:
        found = os.stat(name)  # noqa: PTH116 - see DatabaseFile
    except FileNotFoundError:
        return _MISSING
    return _Look((found.st_dev, found.st_ino), (found.st_mtime_ns, found.st_size))
