"""A loopback exchange and its clients."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from core.adapters.binance.binance_client import BinanceClient
from tests.core.adapters.clocks import RealClock
from tests.venue import Venue, running_venue

Connect = Callable[..., BinanceClient]


@pytest.fixture
def clock() -> RealClock:
    return RealClock()


@pytest.fixture
async def venue() -> AsyncIterator[Venue]:
    async with running_venue() as started:
        yield started


@pytest.fixture
async def connect(venue: Venue, clock: RealClock) -> AsyncIterator[Connect]:
    """Returns a function that makes clients of the venue with its own key, closed after the test; options are BinanceClient's."""
    async with AsyncExitStack() as closing:

        def make(**options: Any) -> BinanceClient:
            client = BinanceClient(
                **{"api_url": venue.api_url, "clock": clock, "key": venue.key, "secret": venue.secret, **options}
            )
            closing.push_async_callback(client.close)
            return client

        yield make


@pytest.fixture
def client(connect: Connect) -> BinanceClient:
    return connect()
