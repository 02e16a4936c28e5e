"""What timers look at: a part that is away for long is told once, and once that it is back; a question has its time."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.jobs import PATIENCE_SECONDS, ApprovalTimer, LedgerWatch, PartWatch
from core.book import Book
from core.domain.controls import Controls
from core.domain.errors import ExchangeUnavailable
from core.domain.events import Event, PartTroubled
from core.domain.messages import Message
from core.market import Market
from tests.bot.parts import approval
from tests.core.scripted_venue import ScriptedVenue
from tests.core.virtual_time import NOON, VirtualClock
from tests.core.world import LIMITS, instrument


async def test_an_exchange_that_is_away_for_long_is_told_once() -> None:
    clock = VirtualClock()
    venue = ScriptedVenue(clock, {"WIFUSDC": instrument()}, {})
    market = Market(venue, clock, watched=set)
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
    # One that is away for a moment is not compared with again: that alone could use up what may be asked of it.
    venue.unavailable = True
    with pytest.raises(ExchangeUnavailable):
        await market.load_instruments(None)
    await watch.run()
    venue.unavailable = False
    await market.load_instruments(None)
    await watch.run()
    assert len(back) == 1


async def test_a_ledger_that_is_back_says_how_long_it_was_away() -> None:
    clock = VirtualClock()
    ready = (True, "migrated")
    told: list[Event] = []
    watch = LedgerWatch(lambda: ready, told.append, clock)
    for word, seconds in (("", 1), ("busy", 2), ("", 5), ("disk is full", 7), ("", 1)):
        ready = (not word, word)
        await watch.run()
        await clock.forward(seconds)
    await watch.run()
    (event,) = told
    assert isinstance(event, PartTroubled)
    assert (event.part, event.recovered) == ("ledger", True)
    assert event.detail == "It could not be written for 7 s (disk is full). Nothing was traded meanwhile, nothing is lost."


@pytest.mark.parametrize(("step", "after"), [(0.0, 120), (3600.0, 1), (-3600.0, 120)])
async def test_a_question_has_its_time_and_no_more_whatever_is_done_to_the_clock(step: float, after: int) -> None:
    clock, said = VirtualClock(), []

    class Inbox:
        async def deliver(self, messages: list[Message]) -> None:
            said.extend(messages)

    book = Book(
        Controls(), LIMITS, approvals={"a": replace(approval("a"), asked_at=NOON, expires_at=NOON + timedelta(seconds=120))}
    )
    timer = ApprovalTimer(book, cast("Any", Inbox()), clock)
    await timer.run()
    clock.step(step)
    seconds = 0
    while not said and seconds < 4000:
        await clock.forward(1)
        seconds += 1
        await timer.run()
    assert (seconds, [message.source_id for message in said]) == (after, ["approval:a"])
