"""Resting orders are heard of by the stream and by asking, and each report counts once."""

from decimal import Decimal

import pytest

from core.domain.exit_plan import Level, Target
from core.domain.order import ListRequest, PlaceListResult
from core.domain.order_state_machine import OrderState
from core.domain.strategy_book import StrategyBook
from tests.core.conftest import OpenWorld
from tests.core.memory_ledger import MemoryLedger
from tests.core.world import World

WIF = "WIFUSDC"


async def guarded(open_world: OpenWorld) -> World:
    """Returns a process whose position has a stop and a target on the exchange; its timers do not ask."""
    world = await open_world(stop_loss_pct=Decimal(5), take_profit_pct=(Target(Level(pct=Decimal(10))),))
    await world.say("BUY_SM")
    world._timer.cancel()
    return world


async def test_a_fill_that_the_stream_tells_is_booked_once_though_it_is_asked_for_too(
    open_world: OpenWorld, ledger: MemoryLedger
) -> None:
    world = await guarded(open_world)
    hearing = world.trading.hearing
    await world.clock.run(hearing.connected())
    world.venue.trade(WIF, "0.45")
    (stop,) = [order for order in world.portfolio.resting_for(StrategyBook(WIF)) if order.terms.stop_price is not None]
    report = await world.venue.find_order(WIF, stop.client_order_id)
    assert report is not None
    for _ in range(2):
        await world.clock.run(hearing.heard(report))
        await world.clock.run(hearing.connected())
    await world.clock.forward(1)
    assert [row.qty for row in ledger.executions.values()] == [Decimal(20), Decimal("19.98")]
    assert world.portfolio.resting == {}


async def test_while_the_stream_tells_it_is_asked_every_half_minute_and_else_each_time(open_world: OpenWorld) -> None:
    world = await guarded(open_world)
    hearing, venue = world.trading.hearing, world.venue
    await hearing.connected()
    venue.trade(WIF, "0.45")  # not told by the stream
    for _ in range(2):
        await hearing.run()
    assert world.portfolio.position(StrategyBook(WIF)).is_open
    await world.clock.forward(31)
    await world.clock.run(hearing.run())
    await world.clock.forward(1)
    assert not world.portfolio.position(StrategyBook(WIF)).is_open


async def test_when_the_stream_is_away_it_is_asked_at_once(open_world: OpenWorld) -> None:
    world = await guarded(open_world)
    hearing = world.trading.hearing
    await hearing.connected()
    await hearing.away()
    world.venue.trade(WIF, "0.45")
    await world.clock.run(hearing.run())
    await world.clock.forward(1)
    assert not world.portfolio.position(StrategyBook(WIF)).is_open
    assert all(order.state is not OrderState.ACCEPTED for order in world.portfolio.in_flight.values())


async def test_a_report_that_cannot_be_stored_is_asked_for(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    world = await guarded(open_world)
    hearing = world.trading.hearing
    await hearing.connected()
    world.venue.trade(WIF, "0.45")
    (stop,) = [order for order in world.portfolio.resting_for(StrategyBook(WIF)) if order.terms.stop_price is not None]
    report = await world.venue.find_order(WIF, stop.client_order_id)
    assert report is not None
    ledger.is_full = True
    await hearing.heard(report)
    ledger.is_full = False
    await world.clock.run(hearing.run())
    await world.clock.forward(1)
    assert not world.portfolio.position(StrategyBook(WIF)).is_open


async def test_a_fill_that_is_told_before_its_order_is_booked_as_resting_is_booked_soon(
    open_world: OpenWorld, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await open_world(stop_loss_pct=Decimal(5), take_profit_pct=(Target(Level(pct=Decimal(10))),))
    world._timer.cancel()
    hearing, place = world.trading.hearing, world.venue.place_list
    await hearing.connected()

    async def fills_at_once(request: ListRequest) -> PlaceListResult:
        answer = await place(request)
        world.venue.trade(WIF, "0.53")
        for leg in (request.above, request.below):
            report = await world.venue.find_order(WIF, leg.client_order_id)
            assert report is not None
            await hearing.heard(report)
        return answer

    monkeypatch.setattr(world.venue, "place_list", fills_at_once)
    await world.say("BUY_SM")
    assert world.portfolio.position(StrategyBook(WIF)).is_open
    await world.clock.run(hearing.run())
    await world.clock.forward(1)
    assert not world.portfolio.position(StrategyBook(WIF)).is_open
    assert (world.portfolio.resting, len(ledger.executions)) == ({}, 2)
