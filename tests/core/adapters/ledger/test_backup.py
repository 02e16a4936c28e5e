"""Runs the backup recipe of docs/running.md, word for word, on a ledger that is being written to."""

import asyncio
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.clock import SystemClock
from core.adapters.ledger.opening import look_into_ledger, open_ledger
from core.adapters.ledger.queries import LedgerQueries
from core.adapters.private_files import readable_by_others
from core.records.commit_batch import CommitBatch
from tests.core.adapters.ledger import values
from tests.servers.postgres import PostgresServer, find_programs

RUNNING = Path("docs/running.md")
ALL = 10_000


def recipes() -> dict[str, str]:
    """Returns the commands, by what the first of them does."""
    section = RUNNING.read_text().partition("## Backups")[2].partition("\n## ")[0]
    blocks = re.findall(r"```bash\n(.*?)```", section, re.DOTALL)
    wanted = {
        "copy sqlite": "VACUUM INTO",
        "copy postgres": "pg_dump",
        "restore sqlite": "cp marketflow",
        "restore postgres": "pg_restore",
    }
    return {name: next(block for block in blocks if word in block) for name, word in wanted.items()}


async def run(recipe: str, folder: Path, **addresses: str) -> str:
    env = {"PATH": os.environ["PATH"], **addresses}
    process = await asyncio.create_subprocess_exec(
        "bash", "-euo", "pipefail", "-c", recipe, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return out.decode()


async def executed(url: str) -> list[str]:
    ledger = await look_into_ledger(url, SystemClock())
    found = await LedgerQueries(ledger.reader).executions_after(0, ALL)
    await ledger.close()
    return [one.execution_id for _, one in found]


async def copied_while_written(url: str, recipe: str, folder: Path, **addresses: str) -> str:
    """Copies a ledger in the middle of commits; returns the commands' output."""
    ledger = await open_ledger(url, SystemClock())
    wrote = asyncio.Event()

    async def write() -> None:
        for number in range(200):
            await ledger.commit(CommitBatch(executions=[values.execution(number)]))
            if number == 50:
                wrote.set()

    writing = asyncio.create_task(write())
    await wrote.wait()
    said = await run(recipe, folder, **addresses)
    await writing
    await ledger.close()
    return said


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="needs the command sqlite3")
async def test_a_sqlite_ledger_is_copied_while_it_is_written_to_and_put_back(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/marketflow.db"
    said = await copied_while_written(url, recipes()["copy sqlite"], tmp_path)
    assert said == "ok\n"
    assert not readable_by_others(tmp_path / "marketflow-backup.db")
    in_copy = await executed(f"sqlite+aiosqlite:///{tmp_path}/marketflow-backup.db")
    everything = await executed(url)
    assert len(in_copy) >= 50
    assert in_copy == everything[: len(in_copy)]
    await run(recipes()["restore sqlite"], tmp_path)
    again = await open_ledger(url, SystemClock())  # at once: nobody holds the copy
    await again.commit(CommitBatch(executions=[values.execution(999)]))
    await again.close()
    assert (await executed(url))[:-1] == in_copy
    assert await executed(f"sqlite+aiosqlite:///{tmp_path}/before/marketflow.db") == everything


async def test_a_postgresql_ledger_is_copied_while_it_is_written_to_and_put_back(
    tmp_path: Path, postgres: PostgresServer, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{find_programs()}:{os.environ['PATH']}")
    if shutil.which("pg_dump") is None or shutil.which("pg_restore") is None:
        pytest.skip("needs the commands pg_dump and pg_restore")
    address = postgres_url.replace("+asyncpg", "")
    restored = address.rpartition("/")[0] + "/marketflow_restored"
    await copied_while_written(postgres_url, recipes()["copy postgres"], tmp_path, DATABASE=address)
    assert not readable_by_others(tmp_path / "marketflow-backup.dump")
    try:
        await run(recipes()["restore postgres"], tmp_path, DATABASE=address, RESTORED=restored)
        in_copy = await executed(restored.replace("postgresql://", "postgresql+asyncpg://"))
    finally:
        await postgres.execute("DROP DATABASE IF EXISTS marketflow_restored WITH (FORCE)")
    everything = await executed(postgres_url)
    assert len(in_copy) >= 50
    assert in_copy == everything[: len(in_copy)]
