"""Files that nobody else on the machine may read: trades, balances and people stand in them."""

import os
import stat
from pathlib import Path
from typing import TextIO

PRIVATE = 0o600
OTHERS = stat.S_IRWXG | stat.S_IRWXO
UMASK = OTHERS
"""For the process: what it makes by whichever way is its owner's alone."""


def make_private(path: Path) -> None:
    """Makes an empty file where there is none. Raises OSError."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
    except FileExistsError:
        return
    os.fchmod(file, PRIVATE)  # whatever the umask is
    os.close(file)


def take_from_others(path: Path) -> None:
    """Takes the right of everybody else from a file that is there; not opened, as that would let go of SQLite's locks. Raises
    OSError."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    if stat.S_ISREG(found.st_mode) and found.st_mode & OTHERS:
        path.chmod(PRIVATE)


def open_private(path: Path) -> TextIO:
    """A text file, written anew. Raises OSError."""
    make_private(path)
    take_from_others(path)
    return path.open("w", newline="", encoding="utf-8")


def readable_by_others(path: Path) -> bool:
    """Whether somebody else on the machine may read or change it; False where it is not there."""
    try:
        return bool(path.stat().st_mode & OTHERS)
    except OSError:
        return False
