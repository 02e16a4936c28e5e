"""The program's files belong to their owner alone, whatever the umask is and whoever created the file."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.export_csv import export
from bot.clock import SystemClock
from bot.settings.settings import load_settings
from core.adapters.ledger.opening import open_ledger
from core.adapters.private_files import open_private, readable_by_others, take_from_others
from core.records.commit_batch import CommitBatch
from tests.core.adapters.ledger.values import execution


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if readable_by_others(path))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def open_up(folder: Path) -> None:
    for path in folder.iterdir():
        path.chmod(0o644)


async def test_a_new_ledger_and_all_beside_it(tmp_path: Path, umask: int) -> None:
    ledger = await open_ledger(f"sqlite+aiosqlite:///{tmp_path}/ledger.db", SystemClock())
    await ledger.commit(CommitBatch(executions=[execution()]))
    assert names(tmp_path) == {"ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db.lock"}
    assert open_to_others(tmp_path) == []
    await ledger.close()


async def test_a_ledger_that_an_earlier_version_left_open_to_all(tmp_path: Path, umask: int) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/ledger.db"
    await (await open_ledger(url, SystemClock())).close()
    open_up(tmp_path)
    ledger = await open_ledger(url, SystemClock())
    await ledger.commit(CommitBatch(executions=[execution()]))
    assert open_to_others(tmp_path) == []
    await ledger.close()


async def test_what_is_no_ledger_is_left_as_it_is(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("dear diary " * 1000)
    notes.chmod(0o644)
    with pytest.raises(Exception, match="cannot be opened"):
        await open_ledger(f"sqlite+aiosqlite:///{notes}", SystemClock())
    assert open_to_others(tmp_path) == ["notes.txt"]
    take_from_others(tmp_path)  # a folder stays enterable
    assert notes.read_text().startswith("dear")


async def test_an_export(tmp_path: Path, umask: int) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/ledger.db"
    await (await open_ledger(url, SystemClock())).close()
    (tmp_path / "old.csv").touch(0o666)
    for name in ("new.csv", "old.csv"):
        await export(load_settings({"DATABASE_URL": url}, env_file=None), tmp_path / name, lambda _: None)
    assert open_to_others(tmp_path) == []
    with open_private(Path("/dev/null")):  # no file of ours, and no folder's permission is removed
        pass


def test_whatever_else_the_program_makes(tmp_path: Path) -> None:
    """Checks that the command line sets the umask before anything else, for libraries too."""
    make = (
        "import os; from bot.__main__ import main; os.umask(0); main(['export', 'x/y']) ; os.mkdir('d'); open('f', 'w').close()"
    )
    subprocess.run(
        [sys.executable, "-c", make], cwd=tmp_path, check=True, capture_output=True, env={"PYTHONPATH": str(Path.cwd())}
    )
    assert names(tmp_path) >= {"d", "f"}
    assert open_to_others(tmp_path) == []


@pytest.mark.parametrize(("mode", "warned"), [(0o644, True), (0o640, True), (0o600, False)])
def test_an_env_file_that_others_can_read_is_warned_of(tmp_path: Path, mode: int, warned: bool) -> None:
    file = tmp_path / ".env"
    file.write_text("SYMBOL=WIFUSDC\n")
    file.chmod(mode)
    assert any("chmod 600" in warning for warning in load_settings({}, file).warnings) is warned
