"""Cached prices: fresh or requested, once however many wait, and never guessed."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Collection, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar

import pytest

from core.domain.errors import ExchangeUnavailable
from core.domain.instrument import Quote
from core.state.market_data import MarketDataCache
from tests.core.scripted_venue import ScriptedVenue
from tests.core.virtual_time import VirtualClock


class CountedVenue(ScriptedVenue):
    """Counts the requests for prices."""

    asked = 0
    slowness: ClassVar[deque[float]] = deque()  # seconds that the coming answers take

    async def quotes(self, symbols: Collection[str]) -> Mapping[str, Quote]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.slowness:
            await self.clock.sleep(self.slowness.popleft())
        return await super().quotes(symbols)


@pytest.fixture
def counted(venue: ScriptedVenue, clock: VirtualClock) -> CountedVenue:
    return CountedVenue(clock, venue.rules, venue.prices)


@pytest.fixture
async def market(counted: CountedVenue, clock: VirtualClock) -> MarketDataCache:
    """Returns a cache that watches WIFUSDC once it runs."""
    market = MarketDataCache(counted, clock, watched=lambda: {"WIFUSDC"})
    await market.load_instruments(None)
    return market


async def test_a_price_is_good_for_three_seconds(market: MarketDataCache, counted: CountedVenue, clock: VirtualClock) -> None:
    first = await market.fresh_quote("WIFUSDC")
    await clock.forward(3)
    assert await market.fresh_quote("WIFUSDC") is first
    assert counted.asked == 1
    await clock.forward(0.001)
    counted.prices["WIFUSDC"] = Decimal("0.49")
    newer = await market.fresh_quote("WIFUSDC")
    assert newer is not None
    assert (newer.bid, counted.asked) == (Decimal("0.49"), 2)


@pytest.mark.parametrize(("took", "is_price"), [(1.9, True), (3.1, False), (12.4, False)])
async def test_a_price_is_as_old_as_its_question(
    market: MarketDataCache, counted: CountedVenue, clock: VirtualClock, took: float, is_price: bool
) -> None:
    """Ignores the adapter's stamp: here the time of the answer."""
    counted.slowness.append(took)
    watching = asyncio.create_task(market.run())
    await clock.forward(took)
    quote = market.quote("WIFUSDC")
    assert quote is not None
    assert clock.now() - quote.at == timedelta(seconds=took)
    counted.unavailable = True
    assert (await clock.run(market.fresh_quote("WIFUSDC")) is not None) is is_price
    watching.cancel()


async def test_an_answer_that_comes_late_takes_no_newer_ones_place(
    market: MarketDataCache, counted: CountedVenue, clock: VirtualClock
) -> None:
    counted.slowness.append(8)
    watching = asyncio.create_task(market.run())  # requests first, is answered last
    await clock.forward(7)
    newer = await market.fresh_quote("WIFUSDC")
    await clock.forward(1)
    assert newer is not None
    assert market.quote("WIFUSDC") is newer
    watching.cancel()


async def test_many_that_wait_for_a_price_ask_once(market: MarketDataCache, counted: CountedVenue) -> None:
    quotes = await asyncio.gather(*(market.fresh_quote("WIFUSDC") for _ in range(20)))
    assert len({quote and quote.bid for quote in quotes}) == 1
    assert counted.asked == 1


async def test_one_that_gives_up_does_not_take_the_price_from_the_others(market: MarketDataCache, counted: CountedVenue) -> None:
    first = asyncio.create_task(market.fresh_quote("WIFUSDC"))
    second = asyncio.create_task(market.fresh_quote("WIFUSDC"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is not None
    assert first.cancelled()


async def test_no_answer_is_no_price_though_an_old_one_is_known(
    market: MarketDataCache, counted: CountedVenue, clock: VirtualClock
) -> None:
    await market.fresh_quote("WIFUSDC")
    await clock.forward(10)
    counted.unavailable = True
    assert await market.fresh_quote("WIFUSDC") is None
    assert market.price("WIFUSDC") == Decimal("0.48")  # for display


async def test_a_symbol_without_a_price_or_without_rules_has_none(market: MarketDataCache, counted: CountedVenue) -> None:
    del counted.prices["SOLUSDC"]
    assert await market.fresh_quote("SOLUSDC") is None
    counted.prices["NOPEUSDC"] = Decimal(1)
    assert await market.fresh_quote("NOPEUSDC") is None


async def test_rules_are_asked_for_when_they_are_first_needed(counted: CountedVenue, clock: VirtualClock) -> None:
    market = MarketDataCache(counted, clock, watched=lambda: ())
    assert market.instruments_ready[0] is False
    assert await market.find_instrument("WIFUSDC") == counted.rules["WIFUSDC"]
    assert await market.find_instrument("NOPEUSDC") is None
    counted.unavailable = True
    assert await market.find_instrument("WIFUSDC") == counted.rules["WIFUSDC"]
    with pytest.raises(ExchangeUnavailable):
        await market.find_instrument("SOLUSDC")


async def test_watched_prices_stay_fresh_and_trouble_is_said_until_it_is_over(
    market: MarketDataCache, counted: CountedVenue, clock: VirtualClock
) -> None:
    watching = asyncio.create_task(market.run())
    await clock.forward(10)
    assert counted.asked == 11
    counted.unavailable = True
    await clock.forward(2)
    assert market.ready == (False, "no route to host")
    counted.unavailable = False
    counted.prices["WIFUSDC"] = Decimal("0.51")
    await clock.forward(2)
    assert market.ready[0]
    assert market.price("WIFUSDC") == Decimal("0.51")
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching


async def test_an_exchange_that_was_never_reached_is_not_said_to_answer(counted: CountedVenue, clock: VirtualClock) -> None:
    counted.unavailable = True
    market = MarketDataCache(counted, clock, watched=lambda: {"WIFUSDC"})
    with pytest.raises(ExchangeUnavailable):
        await market.load_instruments(None)
    running = asyncio.create_task(market.run())
    await clock.forward(5)
    assert market.ready == (False, "no route to host")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
