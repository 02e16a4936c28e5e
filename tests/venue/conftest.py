"""A loopback Binance and python-binance's client of it, for one test alone."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.venue import Venue, running_venue
from tests.venue.asking import client_of


@pytest.fixture
async def venue() -> AsyncIterator[Venue]:
    async with running_venue() as started:
        yield started


@pytest.fixture
async def client(venue: Venue) -> AsyncIterator[Any]:
    async with client_of(venue) as made:
        yield made
