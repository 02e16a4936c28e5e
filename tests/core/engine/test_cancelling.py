"""Cancelling an order, whatever the exchange does meanwhile."""

import asyncio

import pytest

from core.domain.messages import CancelRequested
from core.domain.order_state_machine import OrderState
from core.domain.trading_state import Pause
from core.engine.inbox import beside
from core.records.message_outcome import MessageOutcome
from tests.core.engine.test_order_executor import became
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import Course
from tests.core.world import World

RESTING = Course(final_after=600)


async def resting(world: World, course: Course = RESTING) -> str:
    """Returns the client order id of an order under way."""
    world.venue.next(course)
    await world.clock.run(world.inbox.deliver([world.said(world.signal("BUY_SM"))]))
    await world.clock.forward(0.2)
    (order,) = world.portfolio.in_flight
    return order


async def wanted_off(world: World, order: str) -> "asyncio.Future[MessageOutcome]":
    """Cancels the order; returns a future of the outcome."""
    command = CancelRequested("WIFUSDC", order, 7, "Ann")
    (answer,) = await world.clock.run(world.inbox.ask_all([world.message(command, beside("WIFUSDC"))]))
    assert answer is not None
    return answer


@pytest.mark.parametrize("away", [0.0, 20.0])
async def test_it_is_taken_off_as_soon_as_the_exchange_is_there(world: World, ledger: MemoryLedger, away: float) -> None:
    order = await resting(world)
    world.venue.unavailable = away > 0
    answer = await wanted_off(world, order)
    await world.clock.forward(away)
    world.venue.unavailable = False
    assert became(await world.clock.run(answer)) == ("done", "")
    await world.clock.forward(10)
    assert ledger.order_history[-1].state is OrderState.CANCELED
    assert [event.kind for event in ledger.events] == ["order_failed"]


async def test_one_that_has_not_arrived_yet_is_taken_off_when_it_has(world: World, ledger: MemoryLedger) -> None:
    gate = asyncio.Event()
    order = await resting(world, Course(final_after=600, gate=gate))
    answer = await wanted_off(world, order)
    await world.clock.forward(3)
    assert not answer.done()
    gate.set()
    assert became(await world.clock.run(answer)) == ("done", "")
    await world.clock.forward(10)
    assert ledger.order_history[-1].state is OrderState.CANCELED


async def test_one_that_ended_by_itself_is_left_alone(world: World) -> None:
    await world.say("BUY_SM")
    answer = await wanted_off(world, world.venue.placed[-1].client_order_id)
    assert became(await world.clock.run(answer)) == ("ignored", "not_resting")


async def test_nobody_waits_for_it_who_wants_to_pause(world: World) -> None:
    order = await resting(world)
    world.venue.unavailable = True
    answer = await wanted_off(world, order)
    before = world.clock.monotonic()
    assert became(await world.set(pause=Pause.ALL)) == ("done", "")
    assert world.clock.monotonic() == before
    assert not answer.done()
    world.venue.unavailable = False
    await world.clock.run(answer)
