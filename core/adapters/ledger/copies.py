"""Copies a ledger into one file while the program works on it, and lays such a file beside a ledger, to be put in its place.

SQLite makes its own copy (https://sqlite.org/lang_vacuum.html#vacuuminto); PostgreSQL's is made and read by its own programs,
`pg_dump` and `pg_restore` (https://www.postgresql.org/docs/current/app-pgdump.html).
"""

import os
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from enum import StrEnum
from pathlib import Path

from sqlalchemy import URL

from core.adapters.ledger.engines import files_of
from core.adapters.private_files import make_private, sync, take_from_others, written_whole
from core.domain.errors import MarketFlowError

_BUSY_SECONDS = 30.0
_SSL = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
_LONGEST_MESSAGE = 300  # characters of what a program of PostgreSQL says


class Kind(StrEnum):
    """The database that a copy is of."""

    SQLITE = "SQLite"
    POSTGRESQL = "PostgreSQL"


_BEGINNINGS = {b"SQLite format 3\0": Kind.SQLITE, b"PGDMP": Kind.POSTGRESQL}


def kind_of_ledger(url: URL) -> Kind:
    """Returns the kind of copy that the ledger at `url` has. Raises MarketFlowError for one that is nowhere on disk."""
    if url.get_backend_name() == "postgresql":
        return Kind.POSTGRESQL
    if not files_of(url):
        raise MarketFlowError("the ledger of DATABASE_URL is in memory: there is nothing to copy")
    return Kind.SQLITE


def kind_of_copy(file: Path) -> Kind:
    """Returns what the file is a copy of. Raises MarketFlowError if it is none."""
    try:
        with file.open("rb") as opened:
            begin = opened.read(max(map(len, _BEGINNINGS)))
    except OSError as error:
        raise MarketFlowError(f"{file} cannot be read: {error.strerror}") from None
    for expected, kind in _BEGINNINGS.items():
        if begin.startswith(expected):
            return kind
    raise MarketFlowError(f"{file} is no copy of a ledger: `marketflow backup FILE` makes one")


def copy_ledger(url: URL, target: Path) -> int:
    """Writes a complete, consistent copy of the ledger into the new file `target`, which only its owner can read, and
    returns its size in bytes. Raises MarketFlowError; `target` is there only if the copy is whole."""
    if target.exists():
        raise MarketFlowError(f"{target} exists already, and no copy is written over: name another file")
    try:
        with written_whole(target) as partial:
            if kind_of_ledger(url) is Kind.SQLITE:
                _copy_sqlite(files_of(url)[0], partial)
            else:
                _run(url, "pg_dump", "--format=custom", "--no-owner", f"--file={partial}")
        return target.stat().st_size
    except OSError as error:
        raise MarketFlowError(f"{target} cannot be written: {error.strerror}") from None


def lay_beside(copy: Path, beside: Path) -> None:
    """Copies a copy of a SQLite ledger into the file `beside`, and checks each of its pages. Raises MarketFlowError."""
    try:
        remove_with_its_own(beside)
        make_private(beside)
        _copy_sqlite(copy, beside)
        sync(beside)
    except OSError as error:
        raise MarketFlowError(f"{beside} cannot be written: {error.strerror}") from None


def put_in_place(beside: Path, ledger: Path, kept_as: Path) -> None:
    """Puts `beside` in the place of `ledger`, whose files are kept as `kept_as` and with the same endings. Nobody may be using
    either. Raises MarketFlowError."""
    try:
        for ending in ("-shm", "-wal", ""):  # a log without its database is kept, too: it is of no other one
            old = ledger.with_name(f"{ledger.name}{ending}")
            if old.exists():
                old.rename(kept_as.with_name(f"{kept_as.name}{ending}"))
        beside.rename(ledger)
        take_from_others(ledger)
        sync(ledger.parent)
    except OSError as error:
        raise MarketFlowError(f"{ledger} cannot be replaced: {error.strerror}; what was there is {kept_as}*") from None


def load_into(url: URL, copy: Path) -> None:
    """Loads a copy of a PostgreSQL ledger into the empty database at `url`, whole or not at all. Raises MarketFlowError."""
    _run(url, "pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={_address(url)}", str(copy))


def remove_with_its_own(database: Path) -> None:
    """Removes a SQLite database and every file that belongs to it. Raises OSError."""
    for ending in ("", "-wal", "-shm", ".lock"):
        database.with_name(f"{database.name}{ending}").unlink(missing_ok=True)


def _copy_sqlite(source: Path, target: Path) -> None:
    try:
        with closing(sqlite3.connect(source, timeout=_BUSY_SECONDS)) as database:
            database.execute("VACUUM INTO ?", (str(target),))
        with closing(sqlite3.connect(target)) as written:
            (found,) = written.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        raise MarketFlowError(f"{source} cannot be copied: {error}") from None
    if found != "ok":
        raise MarketFlowError(f"{source} is damaged: {found}")


def _address(url: URL) -> str:
    """Returns the address as libpq takes it, without the password: a command line is read by everybody on the machine."""
    bare = URL.create("postgresql", username=url.username, host=url.host, port=url.port, database=url.database)
    return bare.render_as_string()


def _run(url: URL, program: str, *arguments: str) -> None:
    database = () if any(one.startswith("--dbname=") for one in arguments) else (f"--dbname={_address(url)}",)
    try:
        done = subprocess.run(  # noqa: S603 - one of two names, and what our own settings say
            [program, "--no-password", *arguments, *database], env=_environment(url), capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise MarketFlowError(
            f"{program} is not installed here: it comes with PostgreSQL's client programs (Debian: postgresql-client)"
        ) from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise MarketFlowError(f"{program}: {lines[0][:_LONGEST_MESSAGE]}")


def _environment(url: URL) -> Mapping[str, str]:
    """Returns the environment of PostgreSQL's programs (https://www.postgresql.org/docs/current/libpq-envars.html)."""
    password = {"PGPASSWORD": str(url.password)} if url.password is not None else {}
    mode = url.query.get("ssl")
    return {**os.environ, **password, **({"PGSSLMODE": str(mode)} if mode in _SSL else {}), "PGAPPNAME": "marketflow backup"}
