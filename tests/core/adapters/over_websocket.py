"""Orders over the WebSocket API: the connection kept open while a test runs, and what went over it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from core.adapters.binance.binance_client import BinanceClient
from tests.venue import Venue

PATIENCE = 10.0  # seconds


@contextlib.asynccontextmanager
async def keeping_connection(client: BinanceClient) -> AsyncIterator[None]:
    """Keeps the client's connection for orders until the end of the block, whatever becomes of it."""
    keeping = asyncio.create_task(client.keep_order_connection())
    try:
        yield
        assert not keeping.done()
    finally:
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping


@contextlib.asynccontextmanager
async def over_websocket(client: BinanceClient) -> AsyncIterator[None]:
    """Keeps the client's connection for orders, open from the beginning of the block on."""
    async with keeping_connection(client):
        await until(lambda: client.has_order_connection)
        yield


async def until(true: Callable[[], bool]) -> None:
    """Waits for what another connection or process does."""
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 - they tell nobody
            await asyncio.sleep(0.002)


def placings(venue: Venue) -> list[str]:
    """Returns how each order or list came: `POST` or the method of the WebSocket API."""
    return [seen.method for seen in venue.requests if seen.method == "POST" or ".place" in seen.method]
