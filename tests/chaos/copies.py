"""Copies of a ledger taken while it is in use, and the ways in which one replaces the original."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from tests.servers.postgres import PostgresServer


@dataclass(frozen=True)
class Copies:
    """Copies a ledger, and restores the copy."""

    url: str
    take: Callable[[], Awaitable[None]]
    put_back: Callable[[], Awaitable[None]]


def of_file(path: Path, *, in_place: bool = False) -> Copies:
    """Copies a SQLite file with SQLite's own means; the restored copy replaces file and log, or overwrites the file
    `in_place`."""
    copy = path.with_name("copy.db")

    def backup() -> None:
        copy.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(path)) as live:
            live.execute("VACUUM INTO ?", [str(copy)])

    async def take() -> None:
        await asyncio.to_thread(backup)

    def replace() -> None:
        if in_place:
            path.write_bytes(copy.read_bytes())
            return
        for name in ("-wal", "-shm"):
            Path(f"{path}{name}").unlink(missing_ok=True)
        copy.replace(path)

    async def put_back() -> None:
        await asyncio.to_thread(replace)

    return Copies(f"sqlite+aiosqlite:///{path}", take, put_back)


def of_server(postgres: PostgresServer, url: str) -> Copies:
    """Copies a server's database, like a replica that lagged when it had to take over."""
    name = make_url(url).database or ""

    async def take() -> None:
        await postgres.copy(name, f"{name}_copy")

    async def put_back() -> None:
        await postgres.put_back(f"{name}_copy", name)

    return Copies(url, take, put_back)
