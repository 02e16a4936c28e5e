"""`marketflow backup` and `restore` change nothing where they refuse, and say why."""

import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import make_url

from core.adapters.ledger import copies
from core.adapters.ledger.engines import FileLock
from core.domain.errors import MarketFlowError
from tests.ledgers import make_ledger
from tests.running import Ended, run_command
from tests.servers.postgres import PostgresServer
from tests.venue.server import running_venue

NOBODY = "http://127.0.0.1:9/api"
"""An address that nobody answers at."""


def settings(folder: Path, exchange: str = NOBODY) -> dict[str, str]:
    return {"DATABASE_URL": make_ledger(folder / "ledger.db"), "BINANCE_API_URL": exchange, "SYMBOLS": "WIFUSDC"}


async def command(*words: str | Path, its: Mapping[str, str]) -> Ended:
    return await run_command(*map(str, words), settings=its)


def content(folder: Path) -> dict[str, bytes]:
    """Returns the folder's files, without the lock that each process leaves behind."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.suffix != ".lock"}


async def test_a_copy_belongs_to_its_owner_and_is_never_written_over(tmp_path: Path) -> None:
    its, copy = settings(tmp_path), tmp_path / "copy.db"
    made = await command("backup", copy, its=its)
    assert made.code == 0
    assert f"{copy}: a complete copy of the ledger, " in made.stdout
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    before = content(tmp_path)
    again = await command("backup", copy, its=its)
    assert again.code == 1
    assert again.stderr == f"marketflow: {copy} exists already, and no copy is written over: name another file\n"
    assert content(tmp_path) == before


async def test_where_there_is_no_ledger_none_is_made(tmp_path: Path) -> None:
    its = {"DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}"}
    ended = await command("backup", tmp_path / "copy.db", its=its)
    assert ended.code == 1
    assert "there is no ledger at" in ended.stderr
    assert content(tmp_path) == {}


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    target = tmp_path / "away" / "copy.db"
    ended = await command("backup", target, its=settings(tmp_path))
    assert (ended.code, ended.stderr) == (1, f"marketflow: {target} cannot be written: No such file or directory\n")


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (b"", "is no copy of a ledger: `marketflow backup FILE` makes one"),
        (b"id,symbol\n", "is no copy of a ledger: `marketflow backup FILE` makes one"),
        (b"PGDMP\x01\x0e", "is a copy of a ledger in PostgreSQL, and DATABASE_URL leads to SQLite"),
        (b"SQLite format 3\0 and no more", "cannot be copied: file is not a database"),
        (None, "cannot be read: No such file or directory"),
    ],
)
async def test_what_is_no_copy_changes_nothing(tmp_path: Path, what: bytes | None, said: str) -> None:
    its, copy = settings(tmp_path), tmp_path / "copy.db"
    if what is not None:
        copy.write_bytes(what)
    before = content(tmp_path)
    ended = await command("restore", copy, its=its)
    assert ended.code == 1
    assert said in ended.stderr
    assert content(tmp_path) == before


async def test_a_damaged_copy_changes_nothing(tmp_path: Path) -> None:
    its, copy = settings(tmp_path), tmp_path / "copy.db"
    await command("backup", copy, its=its)
    whole = copy.read_bytes()
    copy.write_bytes(whole[: len(whole) // 2])
    before = content(tmp_path)
    ended = await command("restore", copy, its=its)
    assert ended.code == 1
    assert f"{copy}" in ended.stderr
    assert content(tmp_path) == before


async def test_without_the_exchange_nothing_is_put_back(tmp_path: Path) -> None:
    its, copy = settings(tmp_path), tmp_path / "copy.db"
    await command("backup", copy, its=its)
    before = content(tmp_path)
    ended = await command("restore", copy, its=its)
    assert ended.code == 1
    assert "Restored" not in ended.stdout
    assert content(tmp_path) == before


async def test_while_the_program_runs_nothing_is_put_back(tmp_path: Path) -> None:
    its, copy = settings(tmp_path), tmp_path / "copy.db"
    await command("backup", copy, its=its)
    lock = FileLock(str(tmp_path / "ledger.db"))
    assert lock.take()
    try:
        ended = await command("restore", copy, its=its)
    finally:
        lock.release()
    assert ended.code == 1
    assert ended.stderr == f"marketflow: MarketFlow is working on {tmp_path / 'ledger.db'}: stop it first, and nothing is lost\n"


async def test_the_ledger_of_before_is_kept_even_if_it_is_damaged(tmp_path: Path) -> None:
    async with running_venue() as venue:
        its, copy, ledger = settings(tmp_path, venue.api_url), tmp_path / "copy.db", tmp_path / "ledger.db"
        await command("backup", copy, its=its)
        ledger.write_bytes(b"what a broken disk has left")
        (tmp_path / "ledger.db-wal").write_bytes(b"and of its log")
        ended = await command("restore", copy, its=its)
    assert ended.code == 0, ended.stderr
    found = content(tmp_path)
    kept = {text for name, text in found.items() if name.startswith("ledger.db.before-")}
    assert kept == {b"what a broken disk has left", b"and of its log"}
    assert stat.S_IMODE(ledger.stat().st_mode) == 0o600
    assert not any("restoring" in name for name in found)
    assert (await command("backup", tmp_path / "another.db", its=its)).code == 0


async def test_a_database_with_a_ledger_is_not_written_over(
    tmp_path: Path, postgres: PostgresServer, postgres_ledger_url: str
) -> None:
    its, copy = {"DATABASE_URL": postgres_ledger_url, "BINANCE_API_URL": NOBODY}, tmp_path / "copy.dump"
    made = await command("backup", copy, its=its)
    assert made.code == 0, made.stderr
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    ended = await command("restore", copy, its=its)
    assert ended.code == 1
    assert "holds a ledger, which is not written over: make an empty database (createdb)" in ended.stderr


def test_the_password_reaches_no_command_line_and_no_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "pg_dump"
    program.write_text(f'#!{sys.executable}\nimport os, sys\nsys.exit(os.environ["PGPASSWORD"] + " " + " ".join(sys.argv[1:]))\n')
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    seen: list[list[str]] = []
    run = subprocess.run

    def watched(arguments: list[str], **options: object) -> object:
        seen.append(arguments)
        return run(arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", watched)
    url = make_url("postgresql+asyncpg://me:s3cret-word@127.0.0.1:9/ledger?ssl=require")
    with pytest.raises(MarketFlowError, match=r"^pg_dump: ") as raised:
        copies.copy_ledger(url, tmp_path / "copy")
    assert not any("s3cret-word" in word for words in seen for word in words)
    assert any("--dbname=postgresql://me@127.0.0.1:9/ledger" in words for words in seen)
    assert "s3cret-word" not in str(raised.value).replace("s3cret-word ", "", 1)  # the stand-in says it once, as no pg_dump does


def test_without_postgresqls_programs_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MarketFlowError, match="pg_dump is not installed here: it comes with PostgreSQL's client programs"):
        copies.copy_ledger(make_url("postgresql+asyncpg://me@127.0.0.1:9/ledger"), tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []
