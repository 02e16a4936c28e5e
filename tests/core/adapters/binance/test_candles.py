"""Candles from the exchange: asked for as documented, read exactly, refused plainly."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.adapters.binance.binance_client import BinanceClient
from core.domain.candle import Interval
from core.domain.errors import ExchangeUnavailable, SymbolUnknown
from tests.venue import Venue, running_venue

WIF = "WIFUSDC"
NOW = datetime(2026, 5, 28, 20, 27, 30, tzinfo=UTC)


@pytest.fixture
async def venue() -> AsyncIterator[Venue]:
    """Yields an exchange whose clock stands still, so that no interval ends in the middle of a test."""
    async with running_venue(clock=NOW.timestamp) as started:
        yield started


@pytest.mark.parametrize("interval", Interval)
async def test_every_interval_is_one_of_the_exchange(venue: Venue, client: BinanceClient, interval: Interval) -> None:
    venue.walk(WIF, "0.48", "0.52", "0.47", "0.50")
    (candle,) = await client.candles(WIF, interval, NOW - interval.length, 1)
    assert (candle.high, candle.low, candle.close) == (Decimal("0.52"), Decimal("0.47"), Decimal("0.50"))
    (seen,) = [seen.params for seen in venue.requests if seen.path == "/api/v3/klines"]
    assert (seen["interval"], seen["limit"], seen["symbol"]) == (interval.value, "1", WIF)


async def test_candles_begin_where_it_was_asked_for(venue: Venue, client: BinanceClient) -> None:
    venue.set_price(WIF, "0.50")
    venue.clock.offset_ms = 5 * 60_000
    found = await client.candles(WIF, Interval.M1, NOW, 1000)
    first = NOW + timedelta(seconds=30)
    assert [candle.opened_at for candle in found] == [first + timedelta(minutes=number) for number in range(5)]
    assert len(await client.candles(WIF, Interval.M1, NOW, 2)) == 2


@pytest.mark.parametrize("symbol", ["NOSUCH", "", "WIF USDC", "WIF/USDC?limit=1"])
async def test_a_symbol_that_there_is_not(client: BinanceClient, symbol: str) -> None:
    with pytest.raises(SymbolUnknown):
        await client.candles(symbol, Interval.H1, NOW, 1)


async def test_an_exchange_that_does_not_answer(venue: Venue, client: BinanceClient) -> None:
    venue.faults.cut("GET klines", times=2)
    with pytest.raises(ExchangeUnavailable):
        await client.candles(WIF, Interval.H1, NOW, 1)
