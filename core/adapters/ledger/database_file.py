"""Whether SQLite still writes into the file that is there: into one that was deleted or replaced it writes without a word."""

from pathlib import Path

from core.domain.errors import LedgerSetBack

_Identity = tuple[int, int] | None


class DatabaseFile:
    """The file of a database and its write-ahead log, as a process that writes there has seen them. A database without a file
    is never another."""

    def __init__(self, database: str | None) -> None:
        on_disk = database and database != ":memory:" and not database.startswith("file:")
        self._paths = (Path(database), Path(f"{database}-wal")) if database and on_disk else ()
        self._seen: list[_Identity] = [None for _ in self._paths]

    def check(self) -> None:
        """Raises LedgerSetBack where one of them is gone or another than before. Each stays as long as somebody writes there:
        https://sqlite.org/tempfiles.html#write_ahead_log_wal_files"""
        for path, seen in zip(self._paths, self._seen, strict=True):
            if seen is not None and _identity(path) != seen:
                raise LedgerSetBack(
                    f"{path.name} was deleted or replaced while this MarketFlow worked on it, so that nobody else sees what it "
                    "writes. This one ends; at its next start it asks the exchange what is missing"
                )

    def seen(self) -> None:
        """Remembers what is there for the first time; to be called when something was written."""
        self._seen = [seen or _identity(path) for path, seen in zip(self._paths, self._seen, strict=True)]


def _identity(path: Path) -> _Identity:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
