"""Reads SQLite's index of its write-ahead log, in the first bytes of the file `-shm`: https://sqlite.org/walformat.html"""

import os
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

_HEADER = struct.Struct("=14x H I 4x 8s 8s 8x")  # page size, frames, checksum of the last one, salt
_CHECKPOINT = struct.Struct("=I 28x I")  # frames copied to the database's file, and frames whose copying may have begun
_LENGTH = 2 * _HEADER.size + _CHECKPOINT.size
_LOG_HEADER, _FRAME_HEADER = 32, 24


@dataclass(frozen=True, slots=True)
class WalIndex:
    """The state of the log: `frames` are committed, the last of which has `checksum`. `copied` of them are in the database's
    file, and up to `copying` while a checkpoint runs. `salt` changes each time that the log restarts."""

    page_size: int
    frames: int
    checksum: bytes
    salt: bytes
    copied: int
    copying: int

    @property
    def checkpoint(self) -> tuple[bytes, int, int]:
        """Returns a value that changes whenever SQLite changes the database's file."""
        return self.salt, self.copied, self.copying

    @property
    def is_copying(self) -> bool:
        """Tells whether a checkpoint is running, or was when its process ended."""
        return self.copied != self.copying


class LogFile:
    """The log of one database. Its file stays open between looks: SQLite holds no lock on it that closing it would release."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._identity: tuple[int, int] | None = None

    def is_of(self, index: WalIndex, identity: tuple[int, int] | None) -> bool:
        """Tells whether the log ends where `index` says, with the content that it says. `identity` (device, inode) is that of the
        file at its path now: another one is opened anew."""
        if not index.frames:
            return True
        if self._file is None or identity is None or self._identity != identity:
            self.close()
            self._file = os.open(self._path, os.O_RDONLY)
            opened = os.fstat(self._file)
            self._identity = opened.st_dev, opened.st_ino
        start = _LOG_HEADER + (index.frames - 1) * (_FRAME_HEADER + index.page_size)
        found = os.pread(self._file, _FRAME_HEADER, start)
        return found[8:16] == index.salt and found[16:24] == index.checksum

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class IndexFile:
    """The index of one database. The file stays open: closing it would release all locks of this process on it, including
    SQLite's (https://sqlite.org/howtocorrupt.html, 2.2)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def read(self) -> WalIndex | None:
        """Reads the index; None if there is none, or it is being written at this moment."""
        if self._file is None:
            try:
                self._file = os.open(self._path, os.O_RDONLY)
            except FileNotFoundError:
                return None
        found = os.pread(self._file, _LENGTH, 0)
        half = _HEADER.size
        if len(found) < _LENGTH or found[:half] != found[half : 2 * half]:
            return None
        page_size, frames, checksum, salt = _HEADER.unpack_from(found)
        copied, copying = _CHECKPOINT.unpack_from(found, 2 * half)
        return WalIndex(page_size if page_size > 1 else 65_536, frames, _as_in_log(checksum), salt, copied, copying)

    def close(self) -> None:
        """Closes the file if SQLite has deleted it, as the last process to use the database does."""
        if self._file is not None and os.fstat(self._file).st_nlink == 0:
            os.close(self._file)
            self._file = None


def _as_in_log(checksum: bytes) -> bytes:
    """Converts two numbers to the log's byte order, which is big-endian."""
    return checksum if sys.byteorder == "big" else checksum[3::-1] + checksum[:3:-1]
