"""A stop that moves to breakeven: told once it rests there, and what protects is never taken off for nothing."""

from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core.domain.events.protection import PlanChanged, ProtectionFailed, ProtectionRestored
from core.domain.exit_plan import Breakeven, Level, Target
from core.domain.limit_entry import OnTimeout
from core.domain.order import ListRequest, NotTaken, PlaceListResult, RecentOrders, Unanswered
from core.domain.order_terms import OrderType
from core.domain.plan_leg import LegKind
from core.domain.reasons import reason
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import ChangeCause, PlanState
from core.policy.exits.breakeven import breakeven_price
from core.policy.exits.protection import STOPPED, TAKEN
from tests.core.conftest import OpenWorld, Restart
from tests.core.execution.test_account_guard import compare, set_back
from tests.core.execution.test_protection import WIF, assert_is_over, failures, legs, sold
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import Course, refused
from tests.core.world import World

LADDER: dict[str, Any] = {
    "trade_qty": Decimal(40),
    "stop_loss_pct": Decimal(5),
    "take_profit_pct": (Target(Level(pct=Decimal(5)), Decimal(50)), Target(Level(pct=Decimal(10)), Decimal(50))),
    "breakeven_after": Breakeven(),
}
BY_PRICE = {**LADDER, "take_profit_pct": (Target(Level(pct=Decimal(10))),), "breakeven_after": Breakeven(Decimal(3))}
BEFORE, EVEN = Decimal("0.456"), Decimal("0.4810")  # 19.20 paid for 39.96, and 0.1 % of what they will bring


@pytest.fixture
async def ladder(open_world: OpenWorld) -> World:
    """Returns a process whose entries have two targets, after the first of which the stop moves."""
    return await open_world(**LADDER)


@pytest.fixture
async def by_price(open_world: OpenWorld) -> World:
    """Returns a process whose stops move once the market is 3 % above the entry."""
    return await open_world(**BY_PRICE)


def stops(world: World) -> set[Decimal | None]:
    return {
        order.terms.stop_price
        for order in world.portfolio.resting_for(StrategyBook(WIF))
        if order.terms.type is OrderType.STOP_LOSS
    }


def moves(ledger: MemoryLedger) -> list[tuple[Decimal | None, str, int, int]]:
    return [
        (stop.level.price, event.change.cause, event.change.number, event.change.count)
        for event in ledger.events
        if isinstance(event, PlanChanged) and (stop := event.plan.exits.stop) is not None
    ]


async def unprotected_ladder(open_world: OpenWorld) -> World:
    """Returns a process whose entry is filled, and whose two lists the exchange was too busy to take."""
    world = await open_world(**LADDER)
    world.venue.next(Course(), refused(NotTaken(reason("exchange_busy"))), refused(NotTaken(reason("exchange_busy"))))
    await world.say("BUY_SM")
    return world


async def test_after_the_first_target_the_stop_of_the_rest_is_at_the_average_cost_with_fees(
    ladder: World, ledger: MemoryLedger
) -> None:
    await ladder.say("BUY_SM")
    assert stops(ladder) == {BEFORE}
    ladder.venue.trade(WIF, "0.5041")
    await ladder.clock.forward(5)
    assert (sold(ledger), stops(ladder)) == ([(TAKEN, Decimal("19.98"))], {EVEN})
    assert moves(ledger) == [(EVEN, ChangeCause.TARGET, 1, 2)]
    assert (ladder.portfolio.plans[StrategyBook(WIF)].state, ladder.portfolio.protected(StrategyBook(WIF))) == (
        PlanState.GUARDED,
        Decimal("19.98"),
    )
    assert failures(ledger) == []
    ladder.venue.trade(WIF, "0.4810")
    await ladder.clock.forward(5)
    assert sold(ledger)[1:] == [(STOPPED, Decimal("19.98"))]
    (execution,) = [row for row in ledger.executions.values() if row.signal_type == STOPPED]
    assert execution.profit_quote is not None
    assert Decimal(0) <= execution.profit_quote < Decimal("0.002")  # what the step of the price adds
    assert_is_over(ladder, ledger)


async def test_once_the_market_is_far_enough_above_the_entry_the_plan_changes(by_price: World, ledger: MemoryLedger) -> None:
    await by_price.say("BUY_SM")
    by_price.venue.trade(WIF, "0.4943")
    await by_price.clock.forward(5)
    assert (stops(by_price), moves(ledger)) == ({BEFORE}, [])
    by_price.venue.trade(WIF, "0.4945")
    await by_price.clock.forward(5)
    assert (stops(by_price), moves(ledger)) == ({EVEN}, [(EVEN, ChangeCause.PRICE, 0, 0)])
    by_price.venue.trade(WIF, "0.49")
    by_price.venue.trade(WIF, "0.50")
    await by_price.clock.forward(10)
    assert len(moves(ledger)) == 1  # once


async def test_an_offset_is_added(open_world: OpenWorld) -> None:
    world = await open_world(**{**BY_PRICE, "breakeven_after": Breakeven(Decimal(3), Decimal(1))})
    await world.say("BUY_SM")
    world.venue.trade(WIF, "0.4945")
    await world.clock.forward(5)
    assert stops(world) == {Decimal("0.4858")}  # 0.48096… and 1 % of it


async def test_a_stop_at_breakeven_moves_again_when_its_entry_buys_dearer(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    """The entry fills in part and is followed at the market, dearer: the stop is to bring back what both have cost."""
    world = await open_world(**BY_PRICE)
    await world.enter("0.47", expires_in=60, on_timeout=OnTimeout.MARKET)
    entry = next(iter(world.portfolio.entries_for(StrategyBook(WIF))), None)
    assert entry is not None
    world.venue.fill(entry.client_order_id, Decimal("0.47"), Decimal(20))
    await world.clock.forward(5)
    world.venue.trade(WIF, "0.4845")
    await world.clock.forward(10)
    assert stops(world) == {Decimal("0.4710")}
    await world.clock.forward(80)
    held = world.portfolio.position(StrategyBook(WIF))
    assert held.qty > Decimal(39)
    assert stops(world) == {breakeven_price(held, world.venue.rules[WIF], Decimal(0))} == {Decimal("0.4781")}
    assert world.portfolio.plans[StrategyBook(WIF)].state is PlanState.GUARDED
    assert len(moves(ledger)) == 1  # the execution tells where it is now


@pytest.mark.parametrize("stop", ["0.4", "0.2"])
async def test_a_stop_is_never_moved_down(open_world: OpenWorld, ledger: MemoryLedger, stop: str) -> None:
    world = await open_world(**BY_PRICE)
    await world.say("BUY_SM")
    plan = world.portfolio.plans[StrategyBook(WIF)]
    assert plan.exits.stop is not None
    higher = replace(plan.exits.stop, level=Level(price=Decimal("0.485")))
    world.portfolio.plans[StrategyBook(WIF)] = replace(plan, exits=replace(plan.exits, stop=higher))
    world.venue.trade(WIF, "0.4945")
    await world.clock.forward(5)
    assert (stops(world), moves(ledger)) == ({BEFORE}, [])  # nothing was taken off for it either
    assert world.portfolio.plans[StrategyBook(WIF)].exits.breakeven is None
    assert len(world.venue.listed) == 1


async def test_what_rests_stays_while_its_replacement_could_not_be_placed(by_price: World, ledger: MemoryLedger) -> None:
    await by_price.say("BUY_SM")
    rules = by_price.venue.rules[WIF]
    band = replace(rules.resting, most_stops=0)
    by_price.market._instruments[WIF] = replace(rules, resting=band)
    by_price.venue.rules[WIF] = replace(rules, resting=band)
    by_price.venue.trade(WIF, "0.4945")
    await by_price.clock.forward(5)
    assert (by_price.venue.cancelled, stops(by_price), failures(ledger)) == ([], {BEFORE}, ["stops_full"])
    (failure,) = [event for event in ledger.events if isinstance(event, ProtectionFailed)]
    assert failure.stop_stays == BEFORE
    by_price.venue.rules[WIF] = by_price.market._instruments[WIF] = rules
    await by_price.clock.forward(70)
    assert (stops(by_price), moves(ledger)) == ({EVEN}, [(EVEN, ChangeCause.PRICE, 0, 0)])
    assert isinstance(ledger.events[-2], ProtectionRestored)


async def test_the_new_stop_is_watched_while_the_earlier_one_rests(by_price: World, ledger: MemoryLedger) -> None:
    await by_price.say("BUY_SM")
    rules = by_price.venue.rules[WIF]
    narrow = replace(rules, resting=replace(rules.resting, most_stops=0))
    by_price.market._instruments[WIF] = by_price.venue.rules[WIF] = narrow
    by_price.venue.trade(WIF, "0.4945")
    await by_price.clock.forward(5)
    by_price.venue.trade(WIF, "0.4809")
    await by_price.clock.forward(5)
    assert sold(ledger) == [(STOPPED, Decimal("39.96"))]
    assert_is_over(by_price, ledger)


async def test_a_market_below_breakeven_by_then_is_sold(ladder: World, ledger: MemoryLedger) -> None:
    await ladder.say("BUY_SM")
    ladder.venue.trade(WIF, "0.5041")
    ladder.venue.trade(WIF, "0.4805")  # before it is heard of
    await ladder.clock.forward(5)
    assert sold(ledger) == [(TAKEN, Decimal("19.98")), (STOPPED, Decimal("19.98"))]
    assert_is_over(ladder, ledger)


async def test_a_stop_that_fills_while_it_is_being_moved_is_the_exit(by_price: World, ledger: MemoryLedger) -> None:
    await by_price.say("BUY_SM")
    by_price.venue.trade(WIF, "0.4945")
    stop = legs(by_price)[LegKind.STOP].client_order_id
    cancel = by_price.venue.cancel_order

    async def too_late(symbol: str, client_order_id: str) -> bool:
        if client_order_id == stop or not by_price.venue.cancelled:
            by_price.venue.fill(stop, BEFORE)
        return await cancel(symbol, client_order_id)

    by_price.venue.cancel_order = too_late  # type: ignore[method-assign]
    await by_price.clock.forward(10)
    assert sold(ledger) == [(STOPPED, Decimal("39.96"))]
    assert (len(by_price.venue.listed), moves(ledger)) == (1, [])
    assert_is_over(by_price, ledger)


async def test_a_crash_between_the_two_steps_is_finished_at_the_start(
    by_price: World, ledger: MemoryLedger, restart: Restart
) -> None:
    await by_price.say("BUY_SM")
    by_price.venue.trade(WIF, "0.4945")
    by_price.venue.next(refused(NotTaken(reason("exchange_busy"))), Course())
    commits = len(ledger.batches)
    while not any(order.state.value == "CANCELED" for order in ledger.orders.values()):
        await by_price.clock.forward(0.1)
    assert len(ledger.batches) > commits
    await by_price.crash()
    again = await restart(by_price, ledger)
    await again.clock.forward(20)
    assert (stops(again), moves(ledger)) == ({EVEN}, [(EVEN, ChangeCause.PRICE, 0, 0)])
    assert again.portfolio.plans[StrategyBook(WIF)].state is PlanState.GUARDED
    assert again.portfolio.protected(StrategyBook(WIF)) == Decimal("39.96")


async def test_a_move_that_was_committed_before_anything_was_taken_off_goes_on_at_the_start(
    ladder: World, ledger: MemoryLedger, restart: Restart
) -> None:
    await ladder.say("BUY_SM")
    await ladder.crash()
    ladder.venue.trade(WIF, "0.5041")
    again = await restart(ladder, ledger)
    await again.clock.forward(5)
    assert stops(again) == {BEFORE}  # it stays while a new one could not be sent at once
    await again.clock.forward(20)
    assert (stops(again), moves(ledger)) == ({EVEN}, [(EVEN, ChangeCause.TARGET, 1, 2)])


async def test_between_two_targets_both_rest_and_the_first_is_sold_above_its_price(
    open_world: OpenWorld, ledger: MemoryLedger
) -> None:
    """A position that lost its orders while the market passed the first target is not left without a stop until the last."""
    world = await unprotected_ladder(open_world)
    world.venue.trade(WIF, "0.5100")  # the targets are at 0.504 and 0.528
    await world.clock.forward(10)
    targets = sorted(
        one.terms.limit_price or 0 for one in world.portfolio.resting_for(StrategyBook(WIF)) if one.terms.stop_price is None
    )
    assert (targets, stops(world)) == ([Decimal("0.5106"), Decimal("0.528")], {BEFORE})
    assert world.portfolio.plans[StrategyBook(WIF)].state is PlanState.GUARDED
    world.venue.trade(WIF, "0.5107")
    await world.clock.forward(10)
    assert sold(ledger) == [(TAKEN, Decimal("19.98"))]
    assert world.portfolio.plans[StrategyBook(WIF)].sold_at == (Decimal("0.504"),)
    assert (stops(world), moves(ledger)) == ({EVEN}, [(EVEN, ChangeCause.TARGET, 1, 2)])
    world.venue.trade(WIF, "0.53")
    await world.clock.forward(5)
    assert_is_over(world, ledger)


async def test_a_target_above_its_price_that_the_ledger_lost_is_still_that_target(
    open_world: OpenWorld, ledger: MemoryLedger, restart: Restart
) -> None:
    """Otherwise the second one would count as sold, and the first be placed again: nothing would wait for the second."""
    world = await unprotected_ladder(open_world)
    copy = deepcopy(ledger)
    world.venue.trade(WIF, "0.5270")
    await world.clock.forward(10)
    assert len(world.portfolio.resting_for(StrategyBook(WIF))) == 4
    world.venue.trade(WIF, "0.5277")  # the first one, which is at 0.504, rests there
    again = await set_back(world, copy, restart, after=1.0)
    await compare(again)
    await again.clock.forward(60)
    assert again.portfolio.plans[StrategyBook(WIF)].sold_at == (Decimal("0.504"),)
    assert {one.price for one in again.portfolio.resting_for(StrategyBook(WIF)) if one.terms.limit_price} == {Decimal("0.528")}
    assert moves(copy)[0] == (EVEN, ChangeCause.TARGET, 1, 2)


async def test_orders_that_the_ledger_lost_do_not_rest_beside_those_that_replaced_them(
    open_world: OpenWorld, ledger: MemoryLedger, restart: Restart
) -> None:
    """The exchange takes both where the account has other coins, and would sell those as well."""
    world = await unprotected_ladder(open_world)
    copy = deepcopy(ledger)
    world.venue.trade(WIF, "0.5100")
    await world.clock.forward(10)
    world.venue.trade(WIF, "0.5107")  # the stop of the rest moves, and while that is done its old one is taken over
    again = await set_back(world, copy, restart, after=1.0)
    await compare(again)
    await again.clock.forward(60)
    assert again.portfolio.protected(StrategyBook(WIF)) == again.portfolio.position(StrategyBook(WIF)).qty == Decimal("19.98")
    assert stops(again) == {EVEN}
    there = await again.venue.open_orders(WIF)
    assert {report.client_order_id for report in there} == {
        one.client_order_id for one in again.portfolio.resting_for(StrategyBook(WIF))
    }


async def test_orders_that_are_found_again_are_known_as_they_were_placed(
    open_world: OpenWorld, ledger: MemoryLedger, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger lost them, and decides on the same ones anew while the market is elsewhere."""

    async def shows_nothing(_symbol: str, _limit: int) -> RecentOrders:
        return RecentOrders()

    world = await unprotected_ladder(open_world)
    copy = deepcopy(ledger)
    world.venue.trade(WIF, "0.5100")
    await world.clock.forward(10)
    placed = {one.client_order_id: one.terms for one in world.portfolio.resting_for(StrategyBook(WIF))}
    world.venue.trade(WIF, "0.5103")
    monkeypatch.setattr(world.venue, "recent_orders", shows_nothing)
    again = await set_back(world, copy, restart, after=1.0)
    await again.clock.forward(30)
    assert len(world.venue.listed) == 4  # two of them were refused
    assert {one.client_order_id: one.terms for one in again.portfolio.resting_for(StrategyBook(WIF))} == placed
    assert again.portfolio.plans[StrategyBook(WIF)].state is PlanState.GUARDED


async def test_a_stop_that_was_on_its_way_while_the_first_target_sold_moves_too(
    open_world: OpenWorld, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await open_world(**LADDER)
    place = world.venue.place_list

    async def answers_late(request: ListRequest) -> PlaceListResult:
        answer = await place(request)
        if len(world.venue.listed) > 1:
            return answer
        world.venue.trade(WIF, "0.5053")  # the target of the first list
        return Unanswered("timed out")

    monkeypatch.setattr(world.venue, "place_list", answers_late)
    await world.say("BUY_SM")
    await world.clock.forward(30)
    assert world.portfolio.plans[StrategyBook(WIF)].state is PlanState.GUARDED
    assert stops(world) == {EVEN}
    assert moves(ledger) == [(EVEN, ChangeCause.TARGET, 1, 2)]
