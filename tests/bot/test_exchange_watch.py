"""An exchange that is away for long is told once, and once that it is back."""

import pytest

from bot.jobs import PATIENCE_SECONDS, ExchangeWatch
from core.domain.errors import ExchangeUnavailable
from core.domain.events import Event
from core.market import Market
from tests.core.scripted_venue import ScriptedVenue
from tests.core.virtual_time import VirtualClock
from tests.core.world import instrument


async def test_an_exchange_that_is_away_for_long_is_told_once() -> None:
    clock = VirtualClock()
    venue = ScriptedVenue(clock, {"WIFUSDC": instrument()}, {})
    market = Market(venue, clock, watched=set)
    told: list[Event] = []
    watch = ExchangeWatch(market, told.append, clock)
    venue.unavailable = True
    for _ in range(3):
        with pytest.raises(ExchangeUnavailable):
            await market.load_instruments(None)
        await watch.run()
        assert told == []
        await clock.forward(PATIENCE_SECONDS / 3)
    for _ in range(3):
        await watch.run()
        await clock.forward(PATIENCE_SECONDS)
    venue.unavailable = False
    await market.load_instruments(None)
    await watch.run()
    await watch.run()
    assert [getattr(event, "recovered", None) for event in told] == [False, True]
