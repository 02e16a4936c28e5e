"""Asks the ledger for all visitors in one event loop, in a thread of its own: a server's connections are made once, not for each
refresh, which Streamlit runs in threads that come and go."""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, TypeVar

from core.adapters.ledger.engines import is_missing, parse_url
from core.adapters.ledger.reader import LedgerReader, open_reader
from core.domain.errors import LedgerUnavailable

T = TypeVar("T")


def answer(question: Coroutine[Any, Any, T]) -> T:
    """Returns what a question comes to. Raises what it raises."""
    return asyncio.run_coroutine_threadsafe(question, _loop()).result()


@asynccontextmanager
async def reading(database_url: str) -> AsyncIterator[LedgerReader]:
    """Yields a reader of the ledger; of a file a new one, as a restore puts another file in its place. Raises
    LedgerUnavailable."""
    url = parse_url(database_url)
    if is_missing(url):
        raise LedgerUnavailable(f"there is no ledger at {url.database}")
    if url.get_backend_name() == "postgresql":
        yield _kept(database_url)
        return
    reader = open_reader(database_url)
    try:
        yield reader
    finally:
        await reader.close()


@cache
def _kept(database_url: str) -> LedgerReader:
    return open_reader(database_url)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="reading the ledger", daemon=True).start()
    return loop
