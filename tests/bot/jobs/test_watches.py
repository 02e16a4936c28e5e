"""Timers: an alert when a part is away for long, another when it is back; approvals expire."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.jobs.timers import PATIENCE_SECONDS, ApprovalTimer, PartWatch
from core.domain.errors import ExchangeUnavailable
from core.domain.events.table import Event
from core.domain.messages import Message
from core.domain.trading_state import TradingState
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio
from tests.bot.parts import approval
from tests.core.scripted_venue import ScriptedVenue
from tests.core.virtual_time import NOON, VirtualClock
from tests.core.world import LIMITS, instrument


async def test_an_exchange_that_is_away_for_long_is_told_once() -> None:
    clock = VirtualClock()
    venue = ScriptedVenue(clock, {"WIFUSDC": instrument()}, {})
    market = MarketDataCache(venue, clock, watched=set)
    told: list[Event] = []
    back: list[float] = []
    watch = PartWatch("exchange", lambda: market.ready, told.append, clock, back=lambda: back.append(clock.monotonic()))
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
    assert len(back) == 1
    # One that is away for a moment is not compared again: that alone could use up the rate limit.
    venue.unavailable = True
    with pytest.raises(ExchangeUnavailable):
        await market.load_instruments(None)
    await watch.run()
    venue.unavailable = False
    await market.load_instruments(None)
    await watch.run()
    assert len(back) == 1


@pytest.mark.parametrize(("step", "after"), [(0.0, 120), (3600.0, 1), (-3600.0, 120)])
async def test_a_question_has_its_time_and_no_more_whatever_is_done_to_the_clock(step: float, after: int) -> None:
    clock, said = VirtualClock(), []

    class Inbox:
        async def deliver(self, messages: list[Message]) -> None:
            said.extend(messages)

    portfolio = Portfolio(
        TradingState(), LIMITS, approvals={"a": replace(approval("a"), asked_at=NOON, expires_at=NOON + timedelta(seconds=120))}
    )
    timer = ApprovalTimer(portfolio, cast("Any", Inbox()), clock)
    await timer.run()
    clock.step(step)
    seconds = 0
    while not said and seconds < 4000:
        await clock.forward(1)
        seconds += 1
        await timer.run()
    assert (seconds, [message.source_id for message in said]) == (after, ["approval:a"])
