"""A client whose connection for orders is open."""

from collections.abc import AsyncIterator

import pytest

from core.adapters.binance.binance_client import BinanceClient
from tests.core.adapters.clocks import RealClock
from tests.core.adapters.conftest import Connect
from tests.core.adapters.over_websocket import over_websocket
from tests.venue import Venue


@pytest.fixture
def slow_clock() -> RealClock:
    """Returns a clock whose pauses last: after the connection has ended, orders go by REST for a while."""
    return RealClock()


@pytest.fixture
async def quick(venue: Venue, connect: Connect, slow_clock: RealClock) -> AsyncIterator[BinanceClient]:
    """Yields a client whose connection for orders is open, and is not made again within half a second."""
    client = connect(ws_url=venue.ws_url, clock=slow_clock)
    await client.measure_clock()
    async with over_websocket(client):
        yield client


@pytest.fixture
async def hasty(venue: Venue, connect: Connect, slow_clock: RealClock) -> AsyncIterator[BinanceClient]:
    """Yields such a client that waits for no answer longer than a second."""
    client = connect(ws_url=venue.ws_url, clock=slow_clock, timeout=1.0)
    await client.measure_clock()
    async with over_websocket(client):
        yield client
