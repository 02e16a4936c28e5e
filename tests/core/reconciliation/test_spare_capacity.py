"""A briefly missing price costs no entry that is still good; and nobody waits longer than that."""

import asyncio
from decimal import Decimal

import pytest

from core.domain.reasons import Reason
from core.domain.trading_state import Pause
from core.records.message_outcome import MessageOutcome
from tests.core.scripted_venue import ScriptedVenue
from tests.core.virtual_time import VirtualClock
from tests.core.world import World


def coming(world: World) -> asyncio.Task[MessageOutcome | None]:
    """Sends an entry; the test lets time pass."""
    return asyncio.create_task(world.inbox.ask(world.said(world.signal("BUY_SM"))))


@pytest.mark.parametrize("away", [0.5, 3.0, 20.0, 55.0])
async def test_an_entry_waits_for_its_price_while_it_is_good(
    world: World, venue: ScriptedVenue, clock: VirtualClock, away: float
) -> None:
    venue.unavailable = True
    bought = coming(world)
    await clock.forward(away)
    assert not bought.done()
    venue.unavailable = False
    outcome = await clock.run(bought)
    assert outcome is not None
    assert (outcome.outcome, len(venue.placed)) == ("ordered", 1)


@pytest.mark.parametrize(("age", "longest"), [(0.0, 60.0), (40.0, 20.0), (59.9, 0.1)])
async def test_it_waits_no_longer_than_it_is_good(
    world: World, venue: ScriptedVenue, clock: VirtualClock, age: float, longest: float
) -> None:
    venue.unavailable = True
    began = clock.now()
    outcome = await world.say("BUY_SM", age=age)
    assert outcome is not None
    assert outcome.reason == Reason("price_unknown", {"symbol": "WIFUSDC"})
    assert (clock.now() - began).total_seconds() <= longest
    assert not venue.placed


async def test_the_price_that_it_waited_for_must_still_be_the_signals(
    world: World, venue: ScriptedVenue, clock: VirtualClock
) -> None:
    venue.unavailable = True
    asked = coming(world)
    await clock.forward(10)
    venue.unavailable, venue.prices["WIFUSDC"] = False, Decimal("0.60")
    outcome = await clock.run(asked)
    assert outcome is not None
    assert outcome.reason is not None
    assert outcome.reason.code == "price_band"


async def test_a_pause_ends_the_waiting(world: World, venue: ScriptedVenue, clock: VirtualClock) -> None:
    venue.unavailable = True
    asked = coming(world)
    await clock.forward(5)
    await world.set(pause=Pause.ENTRIES)
    await clock.forward(2.5)
    assert asked.done()
    assert (await asked).reason == Reason("entries_paused")  # type: ignore[union-attr]


async def test_other_symbols_and_exits_do_not_wait(world: World, venue: ScriptedVenue, clock: VirtualClock) -> None:
    await world.say("BUY_SM", symbol="SOLUSDC", close="1.5")
    del venue.prices["WIFUSDC"]
    waiting = coming(world)
    await clock.forward(5)
    began = clock.now()
    sold = await world.say("SELL_SM", symbol="SOLUSDC", close="1.5")
    assert sold is not None
    assert (sold.outcome, clock.now()) == ("ordered", began)
    venue.prices["WIFUSDC"] = Decimal("0.48")
    await clock.run(waiting)
    await clock.forward(60)  # a signal younger than the process needs no question
    venue.unavailable = True
    began = clock.now()
    sold = await world.say("SELL_SM")
    assert sold is not None
    assert sold.outcome == "ordered"
    assert clock.now() == began


async def test_who_ends_waits_for_no_price(world: World, venue: ScriptedVenue, clock: VirtualClock) -> None:
    venue.unavailable = True
    asked = coming(world)
    await clock.forward(5)
    world.trading.decisions.patient = False
    began = clock.now()
    await clock.run(asked)
    assert (clock.now() - began).total_seconds() <= 2
