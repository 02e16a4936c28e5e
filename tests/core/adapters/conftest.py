"""A loopback exchange and its clients."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest

from core.adapters.binance.binance_client import BinanceClient
from core.adapters.binance.credentials import Credentials
from core.adapters.paper.paper_exchange import PaperExchange
from core.ports.venue import Venue as VenuePort
from tests.core.adapters.clocks import RealClock
from tests.core.adapters.keys import credentials_of
from tests.core.adapters.over_websocket import over_websocket, placings
from tests.core.adapters.paper.memory_paper_book import MemoryPaperBook
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
def credentials(request: pytest.FixtureRequest, venue: Venue) -> Credentials:
    return credentials_of(venue, getattr(request, "param", "hmac"))


@pytest.fixture
async def connect(venue: Venue, clock: RealClock, credentials: Credentials) -> AsyncIterator[Connect]:
    """Returns a function that makes clients of the venue with its own key, closed after the test; options are those of
    BinanceClient and Credentials."""
    async with AsyncExitStack() as closing:

        def make(**options: Any) -> BinanceClient:
            its_own = {name: options.pop(name) for name in ("key", "secret", "private_key") if name in options}
            key = replace(credentials, **its_own)
            client = BinanceClient(**{"api_url": venue.api_url, "clock": clock, "credentials": key, **options})
            closing.push_async_callback(client.close)
            return client

        yield make


@pytest.fixture
def client(connect: Connect) -> BinanceClient:
    return connect()


@pytest.fixture(params=["binance", "binance over websocket", "paper"])
async def port(
    request: pytest.FixtureRequest, venue: Venue, client: BinanceClient, connect: Connect, clock: RealClock
) -> AsyncIterator[VenuePort]:
    """Yields each implementation of a Venue on the same market, Binance by each way of an order."""
    if request.param == "binance":
        yield client
    elif request.param == "binance over websocket":
        quick = connect(ws_url=venue.ws_url)
        async with over_websocket(quick):
            yield quick
        assert "POST" not in placings(venue)
    else:
        market = BinanceClient(api_url=venue.api_url, clock=clock)  # the public API: no key
        start = {asset: held.free for asset, held in venue.balances.items()}
        yield PaperExchange(market=market, book=MemoryPaperBook(), clock=clock, balances=start, rules_max_age=0)
        await market.close()
