"""Copies of a ledger, as they are taken while it is in use, and the ways in which one comes to stand in its place."""

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
    """How a ledger is copied, and how the copy is put in its place."""

    url: str
    take: Callable[[], Awaitable[None]]
    put_back: Callable[[], Awaitable[None]]


def of_file(path: Path, *, in_place: bool = False) -> Copies:
    """With SQLite's own means; what is put back takes the place of the file and of its log, or is copied over it `in_place`."""
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
    """As a replica that lagged when it had to take over."""
    name = make_url(url).database or ""

    async def take() -> None:
        await postgres.copy(name, f"{name}_copy")

    async def put_back() -> None:
        await postgres.put_back(f"{name}_copy", name)

    return Copies(url, take, put_back)
