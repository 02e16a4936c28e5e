"""A copy of a ledger is a state that it had, whatever is written meanwhile, and takes its place at once."""

import asyncio
import os
from pathlib import Path

import pytest
from sqlalchemy import make_url

from bot.clock import SystemClock
from core.adapters.ledger.copies import copy_ledger, lay_beside, load_into, put_in_place
from core.adapters.ledger.opening import look_into_ledger, open_ledger
from core.adapters.ledger.queries import LedgerQueries
from core.adapters.private_files import readable_by_others
from core.records.commit_batch import CommitBatch
from tests.core.adapters.ledger import values
from tests.servers.postgres import PostgresServer, find_programs

ALL = 10_000


async def executed(url: str) -> list[str]:
    ledger = await look_into_ledger(url, SystemClock())
    found = await LedgerQueries(ledger.reader).executions_after(0, ALL)
    await ledger.close()
    return [one.execution_id for _, one in found]


async def copied_while_written(url: str, copy: Path) -> None:
    """Copies a ledger in the middle of commits."""
    ledger = await open_ledger(url, SystemClock())
    wrote = asyncio.Event()

    async def write() -> None:
        for number in range(200):
            await ledger.commit(CommitBatch(executions=[values.execution(number)]))
            if number == 50:
                wrote.set()

    writing = asyncio.create_task(write())
    await wrote.wait()
    await asyncio.to_thread(copy_ledger, make_url(url), copy)
    await writing
    await ledger.close()
    assert not readable_by_others(copy)


async def test_a_sqlite_ledger_is_copied_while_it_is_written_to_and_put_back(tmp_path: Path) -> None:
    file, copy, kept = (tmp_path / name for name in ("marketflow.db", "copy.db", "kept.db"))
    url = f"sqlite+aiosqlite:///{file}"
    await copied_while_written(url, copy)
    in_copy, everything = await executed(f"sqlite+aiosqlite:///{copy}"), await executed(url)
    assert len(in_copy) >= 50
    assert in_copy == everything[: len(in_copy)]
    beside = tmp_path / "beside.db"
    lay_beside(copy, beside)
    put_in_place(beside, file, kept)
    again = await open_ledger(url, SystemClock())  # at once: nobody holds the copy
    await again.commit(CommitBatch(executions=[values.execution(999)]))
    await again.close()
    assert (await executed(url))[:-1] == in_copy
    assert await executed(f"sqlite+aiosqlite:///{kept}") == everything


async def test_a_postgresql_ledger_is_copied_while_it_is_written_to_and_put_back(
    tmp_path: Path, postgres: PostgresServer, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{find_programs()}:{os.environ['PATH']}")
    restored, copy = f"{postgres_url.rpartition('/')[0]}/marketflow_restored", tmp_path / "copy.dump"
    await copied_while_written(postgres_url, copy)
    await postgres.execute("CREATE DATABASE marketflow_restored")
    try:
        await asyncio.to_thread(load_into, make_url(restored), copy)
        in_copy = await executed(restored)
    finally:
        await postgres.execute("DROP DATABASE IF EXISTS marketflow_restored WITH (FORCE)")
    everything = await executed(postgres_url)
    assert len(in_copy) >= 50
    assert in_copy == everything[: len(in_copy)]
