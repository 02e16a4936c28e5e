"""A ledger on SQLite and on PostgreSQL: every test here runs on both."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.clock import SystemClock
from core.adapters.ledger.opening import open_ledger
from core.adapters.ledger.sql_ledger import SqlLedger
from tests.ledgers import make_ledger

Reopen = Callable[[], Awaitable[SqlLedger]]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Returns the address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/ledger.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Returns the address of an empty ledger of the newest schema."""
    if request.param == "sqlite":
        return make_ledger(tmp_path / "ledger.db")
    url: str = request.getfixturevalue("postgres_ledger_url")
    return url


@pytest.fixture
async def reopen(database_url: str) -> AsyncIterator[Reopen]:
    """Returns a function that reopens the ledger, like a restart: the previous one is closed."""
    async with AsyncExitStack() as stack:

        async def again() -> SqlLedger:
            await stack.aclose()
            ledger = await open_ledger(database_url, SystemClock())
            stack.push_async_callback(ledger.close)
            return ledger

        yield again


@pytest.fixture
async def ledger(reopen: Reopen) -> SqlLedger:
    """Opens an empty ledger."""
    return await reopen()
