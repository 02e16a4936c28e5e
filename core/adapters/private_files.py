"""Files that no other user of the machine may read: they contain trades, balances and people."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

PRIVATE = 0o600
OTHERS = stat.S_IRWXG | stat.S_IRWXO
UMASK = OTHERS
"""The process umask: files created in any way belong to their owner alone."""


def make_private(path: Path) -> None:
    """Creates an empty file if there is none. Raises OSError."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
    except FileExistsError:
        return
    os.fchmod(file, PRIVATE)  # whatever the umask is
    os.close(file)


def take_from_others(path: Path) -> None:
    """Removes all other users' permissions from an existing file, without opening it, as that would release SQLite's locks.
    Raises OSError."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    if stat.S_ISREG(found.st_mode) and found.st_mode & OTHERS:
        path.chmod(PRIVATE)


@contextmanager
def written_whole(target: Path) -> Iterator[Path]:
    """Yields an empty private file beside `target`, which takes that name once the block has written it; if the block fails there
    is neither. Raises OSError."""
    partial = target.with_name(f"{target.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        make_private(partial)
        yield partial
        sync(partial)
        partial.rename(target)
        sync(target.parent)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Has the system write a file, or the names in a folder, to the disk. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_private(path: Path) -> TextIO:
    """Opens a text file for writing from scratch. Raises OSError."""
    make_private(path)
    take_from_others(path)
    return path.open("w", newline="", encoding="utf-8")


def readable_by_others(path: Path) -> bool:
    """Tells whether another user of the machine may read or change the file; False if it does not exist."""
    try:
        return bool(path.stat().st_mode & OTHERS)
    except OSError:
        return False
