"""A plan from the entry to its end: what protects a position rests on the exchange, and is heard of once."""

import asyncio
import json
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.adapters.ledger import codec
from core.domain.events.orders import OrderExecuted
from core.domain.events.protection import ProtectionFailed, ProtectionRestored
from core.domain.exit_plan import Level, StopLoss, Target
from core.domain.order import NotTaken, Order, RecentOrders, Rejected
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderType
from core.domain.plan_leg import LegKind, leg_of
from core.domain.reasons import reason
from core.domain.signal import Side, client_order_id
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import PlanState
from core.domain.trading_state import Mode, Pause
from core.execution.fence import FENCE_MARGIN
from core.policy.exits.protection import STOPPED, TAKEN
from core.policy.exits.targets import remaining
from tests.core.conftest import OpenWorld, Restart
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import LOST, Course, refused
from tests.core.world import World

WIF = "WIFUSDC"
STOP, TARGET = Decimal("0.456"), Decimal("0.528")
WITH_PLAN: dict[str, Any] = {"stop_loss_pct": Decimal(5), "take_profit_pct": (Target(Level(pct=Decimal(10))),)}
BUSY = reason("overloaded")


@pytest.fixture
async def bracketed(open_world: OpenWorld) -> World:
    """Returns a process whose entries have a stop 5 % below and a target 10 % above."""
    return await open_world(**WITH_PLAN)


def legs(world: World) -> dict[LegKind, Order]:
    """Returns the orders that rest for WIFUSDC, by what they are."""
    return {order.leg.kind: order for order in world.portfolio.resting_for(StrategyBook(WIF)) if order.leg is not None}


def sold(ledger: MemoryLedger) -> list[tuple[str, Decimal]]:
    """Returns what was sold, oldest first: the type of its signal and its quantity."""
    return [(row.signal_type, row.qty) for row in ledger.executions.values() if row.side is Side.SELL]


def failures(ledger: MemoryLedger) -> list[str]:
    return [event.why.code for event in ledger.events if isinstance(event, ProtectionFailed)]


def assert_is_over(world: World, ledger: MemoryLedger) -> None:
    """Asserts that nothing is held, nothing rests, and the plan is closed."""
    assert not world.portfolio.position(StrategyBook(WIF)).is_open
    assert (world.portfolio.resting, world.portfolio.in_flight, world.portfolio.plans) == ({}, {}, {})
    assert all(plan.state.is_over for plan in ledger.plans.values())
    assert all(order.state.final for order in ledger.orders.values())


async def test_what_was_bought_is_protected_at_once_for_what_is_held_after_fees(bracketed: World, ledger: MemoryLedger) -> None:
    await bracketed.say("BUY_SM")
    (request,) = bracketed.venue.listed
    assert (request.symbol, request.qty, request.mark) == (WIF, Decimal("19.98"), ledger.mark)
    assert (request.above.terms.type, request.above.terms.limit_price) == (OrderType.LIMIT_MAKER, TARGET)
    assert (request.below.terms.type, request.below.terms.stop_price) == (OrderType.STOP_LOSS, STOP)
    (plan,) = ledger.plans.values()
    assert (plan.state, plan.entry_price, plan.exposed_since) == (PlanState.GUARDED, Decimal("0.48"), None)
    assert {leg.state for leg in legs(bracketed).values()} == {OrderState.ACCEPTED}
    assert bracketed.portfolio.protected(StrategyBook(WIF)) == Decimal("19.98")
    assert bracketed.portfolio.in_flight == {}


async def test_every_leg_has_an_id_that_follows_from_the_entry(bracketed: World) -> None:
    signal = bracketed.signal("BUY_SM")
    await bracketed.clock.run(bracketed.inbox.ask(bracketed.said(signal)))
    (request,) = bracketed.venue.listed
    named = [leg_of(name) for name in (request.list_id, request.above.client_order_id, request.below.client_order_id)]
    assert [(leg.plan_id, leg.kind, leg.number, leg.generation) for leg in named if leg is not None] == [
        (client_order_id(signal), kind, 1, 0) for kind in (LegKind.LIST, LegKind.TARGET, LegKind.STOP)
    ]


async def test_the_intent_to_protect_is_committed_with_the_entrys_settlement(bracketed: World, ledger: MemoryLedger) -> None:
    """A crash after that commit is finished by the next start; before it the entry is not settled either."""
    await bracketed.say("BUY_SM")
    entry = next(n for n, order in enumerate(ledger.order_history) if order.state is OrderState.FILLED)
    assert [order.state for order in ledger.order_history[entry + 1 : entry + 3]] == [OrderState.SUBMITTED] * 2
    assert ledger.batches[-3].orders[0].state is OrderState.FILLED
    assert [order.leg is not None for order in ledger.batches[-3].orders] == [False, True, True]


@pytest.mark.parametrize(("price", "kind", "filled"), [("0.455", STOPPED, "0.455"), ("0.529", TAKEN, "0.528")])
async def test_a_leg_that_fills_is_the_exit_and_is_told(
    bracketed: World, ledger: MemoryLedger, price: str, kind: str, filled: str
) -> None:
    await bracketed.say("BUY_SM")
    bracketed.venue.trade(WIF, price)
    await bracketed.clock.forward(5)
    assert sold(ledger) == [(kind, Decimal("19.98"))]
    told = ledger.events[-1]
    assert isinstance(told, OrderExecuted)
    assert told.execution.price == Decimal(filled)
    (trade,) = ledger.trades.values()
    assert trade.profit == Decimal("19.98") * Decimal(filled) * Decimal("0.999") - Decimal("9.6")
    assert len(bracketed.venue.placed) == 1  # nothing but the entry was sold or bought by us
    assert_is_over(bracketed, ledger)


async def test_a_stop_that_filled_while_the_program_was_dead_is_booked_at_the_start(
    bracketed: World, ledger: MemoryLedger, restart: Restart
) -> None:
    await bracketed.say("BUY_SM")
    await bracketed.crash()
    bracketed.venue.trade(WIF, "0.40")
    again = await restart(bracketed, ledger)
    await again.clock.forward(2)
    assert sold(ledger) == [(STOPPED, Decimal("19.98"))]
    assert_is_over(again, ledger)


async def test_an_exit_takes_the_legs_off_and_sells_what_is_left(bracketed: World, ledger: MemoryLedger) -> None:
    await bracketed.say("BUY_SM")
    await bracketed.say("SELL_SM")
    assert len(bracketed.venue.cancelled) == 1  # the exchange cancels the other leg with it
    assert sold(ledger) == [("SELL_SM", Decimal("19.98"))]
    assert_is_over(bracketed, ledger)


async def test_a_stop_that_fills_while_it_is_cancelled_is_the_exit(bracketed: World, ledger: MemoryLedger) -> None:
    await bracketed.say("BUY_SM")
    bracketed.venue.trade(WIF, "0.45")  # filled, and not heard of yet
    outcome = await bracketed.say("SELL_SM", close="0.45")
    assert outcome is not None
    assert (outcome.outcome, outcome.reason and outcome.reason.code) == ("ignored", "closed_by_plan")
    assert sold(ledger) == [(STOPPED, Decimal("19.98"))]
    assert len(bracketed.venue.placed) == 1
    assert_is_over(bracketed, ledger)


async def test_a_partly_filled_target_is_booked_and_the_rest_is_sold_by_the_exit(bracketed: World, ledger: MemoryLedger) -> None:
    await bracketed.say("BUY_SM")
    bracketed.venue.fill(legs(bracketed)[LegKind.TARGET].client_order_id, TARGET, Decimal(5))
    (report,) = await bracketed.venue.open_orders(WIF)
    await bracketed.clock.run(bracketed.trading.execution.resting.hear(report))
    assert bracketed.portfolio.position(StrategyBook(WIF)).qty == Decimal("14.98")
    assert sold(ledger) == []  # the order is not at its end
    await bracketed.say("SELL_SM")
    assert sorted(sold(ledger)) == [("SELL_SM", Decimal("14.98")), (TAKEN, Decimal(5))]
    (trade,) = ledger.trades.values()
    assert trade.qty == Decimal("19.98")
    assert_is_over(bracketed, ledger)


async def test_with_a_part_of_the_target_the_stop_is_gone_and_both_are_placed_anew_for_the_rest(
    bracketed: World, ledger: MemoryLedger
) -> None:
    await bracketed.say("BUY_SM")
    bracketed.venue.fill(legs(bracketed)[LegKind.TARGET].client_order_id, TARGET, Decimal(5))
    await bracketed.clock.forward(5)
    assert {kind: leg.qty for kind, leg in legs(bracketed).items()} == dict.fromkeys(legs(bracketed), Decimal("14.98"))
    assert set(legs(bracketed)) == {LegKind.TARGET, LegKind.STOP}
    assert (bracketed.portfolio.plans[StrategyBook(WIF)].state, failures(ledger)) == (PlanState.GUARDED, [])
    bracketed.venue.trade(WIF, "0.45")
    await bracketed.clock.forward(5)
    assert sorted(sold(ledger)) == [(STOPPED, Decimal("14.98")), (TAKEN, Decimal(5))]
    assert_is_over(bracketed, ledger)


@pytest.mark.parametrize("times", [1, 2])
async def test_a_target_that_was_the_last_trade_itself_is_placed_a_step_above_it(
    bracketed: World, ledger: MemoryLedger, times: int
) -> None:
    """Nobody has traded since it sold a part: the exchange takes no list with a target at its last trade."""
    await bracketed.say("BUY_SM")
    bracketed.venue.fill(legs(bracketed)[LegKind.TARGET].client_order_id, TARGET, Decimal(5))
    bracketed.venue.next(*[refused(Rejected(reason("list_prices", code=-2010)))] * times)
    await bracketed.clock.forward(8)
    assert [one.above.terms.limit_price for one in bracketed.venue.listed[1:]] == [TARGET, *[TARGET + Decimal("0.0001")] * times]
    again = legs(bracketed)[LegKind.TARGET]
    assert (again.price, again.qty) == (TARGET, Decimal("14.98"))
    assert bracketed.portfolio.plans[StrategyBook(WIF)].state is PlanState.GUARDED
    assert failures(ledger) == ["list_prices"] * (times - 1)  # the first refusal is explained by that trade, no other is


@pytest.mark.parametrize("far", ["0.48", "0.53"])
async def test_a_refusal_that_no_trade_of_ours_explains_is_told_at_once(bracketed: World, ledger: MemoryLedger, far: str) -> None:
    """Our own last trade was far from the target."""
    await bracketed.say("BUY_SM")
    bracketed.portfolio.last_prices[WIF] = Decimal(far)
    bracketed.venue.next(refused(Rejected(reason("list_prices", code=-2010))))
    for leg in legs(bracketed).values():
        bracketed.venue.end(leg.client_order_id)
    await bracketed.clock.forward(8)
    assert failures(ledger) == ["protection_ended", "list_prices"]
    assert bracketed.portfolio.plans[StrategyBook(WIF)].state is PlanState.GUARDED


async def test_of_a_ladder_the_target_that_was_the_last_trade_is_placed_a_step_above_it_once_the_others_rest(
    open_world: OpenWorld, ledger: MemoryLedger
) -> None:
    near, far = Target(Level(pct=Decimal(5)), Decimal(50)), Target(Level(pct=Decimal(10)), Decimal(50))
    world = await open_world(trade_qty=Decimal(80), stop_loss_pct=Decimal(5), take_profit_pct=(near, far))
    await world.say("BUY_SM")
    world.venue.fill(world.venue.listed[0].above.client_order_id, Decimal("0.504"), Decimal(5))
    world.venue.next(refused(Rejected(reason("list_prices", code=-2010))))  # the near one; the other is placed
    await world.clock.forward(8)
    assert [one.above.terms.limit_price for one in world.venue.listed[-2:]] == [Decimal("0.5041"), Decimal("0.528")]
    assert len(world.venue.listed) == 6
    assert (world.portfolio.plans[StrategyBook(WIF)].state, failures(ledger)) == (PlanState.GUARDED, [])


async def test_of_a_ladder_a_target_that_sold_a_part_is_placed_again_for_the_rest_of_its_share(
    open_world: OpenWorld, ledger: MemoryLedger, restart: Restart
) -> None:
    near, far = Target(Level(pct=Decimal(5)), Decimal(50)), Target(Level(pct=Decimal(10)), Decimal(50))
    world = await open_world(trade_qty=Decimal(80), stop_loss_pct=Decimal(5), take_profit_pct=(near, far))
    await world.say("BUY_SM")
    world.venue.fill(world.venue.listed[0].above.client_order_id, Decimal("0.504"), Decimal(10))
    await world.clock.forward(8)
    assert [one.qty for one in world.venue.listed[-2:]] == [Decimal("29.96"), Decimal("39.96")]
    world = await restart(world, ledger)
    world.venue.fill(world.venue.listed[-2].above.client_order_id, Decimal("0.504"), Decimal(9))
    await world.clock.forward(8)
    assert [one.qty for one in world.venue.listed[-2:]] == [Decimal("20.96"), Decimal("39.96")]
    assert world.portfolio.plans[StrategyBook(WIF)].state is PlanState.GUARDED
    assert failures(ledger) == []


async def test_a_ladder_sells_its_shares_and_the_stop_stays_for_the_rest(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    near, far = Target(Level(pct=Decimal(5)), Decimal(60)), Target(Level(pct=Decimal(10)), Decimal(40))
    world = await open_world(trade_qty=Decimal(40), stop_loss_pct=Decimal(5), take_profit_pct=(near, far))
    await world.say("BUY_SM")
    assert [one.qty for one in world.venue.listed] == [Decimal("23.97"), Decimal("15.99")]
    world.venue.trade(WIF, "0.5041")
    await world.clock.forward(5)
    assert sold(ledger) == [(TAKEN, Decimal("23.97"))]
    left = remaining(world.portfolio.plans[StrategyBook(WIF)], world.venue.rules[WIF])
    assert [target.share for target in left.targets] == [Decimal(100)]
    assert world.portfolio.protected(StrategyBook(WIF)) == Decimal("15.99")
    assert len(world.venue.listed) == 2  # what rests for the rest is left alone
    world.venue.trade(WIF, "0.45")
    await world.clock.forward(5)
    assert sold(ledger) == [(TAKEN, Decimal("23.97")), (STOPPED, Decimal("15.99"))]
    (trade,) = ledger.trades.values()
    assert trade.qty == Decimal("39.96")
    assert_is_over(world, ledger)


async def test_a_target_that_has_sold_a_part_is_taken_off_where_what_is_left_is_too_little_to_sell(
    open_world: OpenWorld, ledger: MemoryLedger
) -> None:
    near, far = Target(Level(pct=Decimal(5)), Decimal(60)), Target(Level(pct=Decimal(10)), Decimal(40))
    world = await open_world(trade_qty=Decimal(40), stop_loss_pct=Decimal(5), take_profit_pct=(near, far))
    await world.say("BUY_SM")
    ids = [one.above.client_order_id for one in world.venue.listed]
    world.venue.fill(ids[1], Decimal("0.528"), Decimal(10))
    await world.clock.forward(5)
    world.venue.fill(ids[0], Decimal("0.504"))
    await world.clock.forward(10)
    assert world.portfolio.position(StrategyBook(WIF)).qty == Decimal("5.99")
    assert_is_over(world, ledger)


async def test_a_fill_that_is_heard_twice_moves_the_position_once(bracketed: World, ledger: MemoryLedger) -> None:
    await bracketed.say("BUY_SM")
    target = legs(bracketed)[LegKind.TARGET].client_order_id
    for qty in ("5", "3"):
        bracketed.venue.fill(target, TARGET, Decimal(qty))
        (report,) = await bracketed.venue.open_orders(WIF)
        for _ in range(2):
            await bracketed.clock.run(bracketed.trading.execution.resting.hear(report))
    assert bracketed.portfolio.position(StrategyBook(WIF)).qty == Decimal("11.98")
    assert len([fill for name, fill in ledger.fills.items() if name[0] == target]) == 2


async def test_a_report_that_waited_while_its_order_went_on_to_fill_holds_nothing_up(
    bracketed: World, ledger: MemoryLedger
) -> None:
    await bracketed.say("BUY_SM")
    target = legs(bracketed)[LegKind.TARGET].client_order_id
    bracketed.venue.fill(target, TARGET, Decimal(5))
    (report,) = await bracketed.venue.open_orders(WIF)
    bracketed.venue.fill(target, TARGET, Decimal(3))
    await bracketed.clock.run(bracketed.trading.execution.resting.hear(replace(report, fills=())))
    assert bracketed.portfolio.position(StrategyBook(WIF)).qty == Decimal("11.98")
    assert len([fill for name, fill in ledger.fills.items() if name[0] == target]) == 2


async def test_a_target_that_went_on_to_fill_while_it_was_heard_of_leaves_no_rest_bare(
    open_world: OpenWorld, ledger: MemoryLedger
) -> None:
    world = await open_world(trade_qty=Decimal(40), **WITH_PLAN)
    await world.say("BUY_SM")
    target = legs(world)[LegKind.TARGET].client_order_id
    world.venue.fill(target, TARGET, Decimal(22))
    (report,) = await world.venue.open_orders(WIF)
    world.venue.fill(target, TARGET, Decimal(6))
    await world.clock.run(world.trading.execution.resting.hear(replace(report, fills=())))
    await world.clock.forward(5)
    assert {kind: leg.qty for kind, leg in legs(world).items()} == dict.fromkeys((LegKind.TARGET, LegKind.STOP), Decimal("11.96"))
    assert world.portfolio.plans[StrategyBook(WIF)].state is PlanState.GUARDED


async def test_without_an_answer_the_legs_are_asked_for_behind_the_fence(bracketed: World, ledger: MemoryLedger) -> None:
    bracketed.venue.next(Course(), Course(answer=LOST))
    await bracketed.say("BUY_SM")
    await bracketed.clock.forward(10)
    assert len(bracketed.venue.listed) == 1
    assert set(legs(bracketed)) == {LegKind.TARGET, LegKind.STOP}
    assert next(iter(ledger.plans.values())).state is PlanState.GUARDED


async def test_legs_that_never_arrived_are_placed_anew_under_ids_of_their_own(bracketed: World, ledger: MemoryLedger) -> None:
    bracketed.venue.next(Course(), Course(executed=False, answer=LOST))
    await bracketed.say("BUY_SM")
    await bracketed.clock.forward(20)
    first, second = bracketed.venue.listed
    assert first.above.client_order_id != second.above.client_order_id
    assert {order.leg.generation for order in legs(bracketed).values() if order.leg is not None} == {1}
    assert failures(ledger) == ["protection_not_placed"]
    assert isinstance(ledger.events[-1], ProtectionRestored)


async def test_a_start_finds_out_about_all_lists_of_a_ladder_behind_one_fence(
    open_world: OpenWorld, ledger: MemoryLedger, restart: Restart
) -> None:
    near, far = Target(Level(pct=Decimal(5)), Decimal(50)), Target(Level(pct=Decimal(10)), Decimal(50))
    world = await open_world(trade_qty=Decimal(40), stop_loss_pct=Decimal(5), take_profit_pct=(near, far))
    world.venue.next(Course(), Course(executed=False, answer=LOST))
    asking = asyncio.create_task(world.inbox.ask(world.said(world.signal("BUY_SM"))))
    await world.clock.forward(1)
    await world.crash()
    asking.cancel()
    assert {order.state for order in ledger.orders.values() if order.leg} == {OrderState.UNKNOWN, OrderState.SUBMITTED}
    names, began = [name for name, order in ledger.orders.items() if order.leg], world.clock.now()
    again = await restart(world, ledger)
    await again.clock.forward(30)
    one_fence = timedelta(seconds=again.venue.request_lifetime + 2) + FENCE_MARGIN
    assert {ledger.orders[name].state for name in names} == {OrderState.REJECTED}
    assert max(ledger.orders[name].updated_at for name in names) - began < one_fence


async def test_a_list_that_is_shown_late_and_that_the_ledger_has_lost_is_not_placed_twice(
    bracketed: World, ledger: MemoryLedger, restart: Restart
) -> None:
    gate = asyncio.Event()
    bracketed.venue.next(Course(gate=gate), Course(visible_after=1.5))
    asking = asyncio.create_task(bracketed.inbox.ask(bracketed.said(bracketed.signal("BUY_SM"))))
    await bracketed.clock.forward(1)
    copy = deepcopy(ledger)  # the entry is under way
    gate.set()
    await bracketed.clock.run(asking)
    await bracketed.crash()
    assert len(bracketed.venue.listed) == 1
    again = await restart(bracketed, copy)
    await again.clock.forward(20)
    assert len(again.venue.listed) == 1
    assert set(legs(again)) == {LegKind.TARGET, LegKind.STOP}
    assert again.portfolio.plans[StrategyBook(WIF)].state is PlanState.GUARDED


async def test_what_was_sold_before_the_ledger_was_set_back_is_not_sold_again_by_its_protection(
    bracketed: World, ledger: MemoryLedger, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bracketed.say("BUY_SM")
    copy = deepcopy(ledger)
    await bracketed.say("SELL_SM")
    await bracketed.crash()
    ask, asked = bracketed.venue.recent_orders, []

    async def slow_at_first(symbol: str, limit: int) -> RecentOrders:
        asked.append(symbol)
        if len(asked) == 1:  # of the comparison at the start
            await bracketed.clock.sleep(20)
        return await ask(symbol, limit)

    monkeypatch.setattr(bracketed.venue, "recent_orders", slow_at_first)
    again = await restart(bracketed, copy)
    await again.clock.forward(60)
    assert len(again.venue.listed) == 1
    assert [qty for _, qty in sold(copy)] == [qty for _, qty in sold(ledger)]
    assert_is_over(again, copy)


@pytest.mark.parametrize("answer", [Rejected(reason("rejected", message="no", code="-2010")), NotTaken(BUSY, retry_after=3)])
async def test_a_refused_protection_is_told_at_once_and_tried_again(
    bracketed: World, ledger: MemoryLedger, answer: Rejected | NotTaken
) -> None:
    bracketed.venue.next(Course(), refused(answer))
    await bracketed.say("BUY_SM")
    (plan,) = ledger.plans.values()
    assert plan.state is PlanState.EXPOSED
    assert failures(ledger) == [answer.reason.code]
    await bracketed.clock.forward(30)
    assert set(legs(bracketed)) == {LegKind.TARGET, LegKind.STOP}
    assert failures(ledger) == [answer.reason.code]
    assert isinstance(ledger.events[-1], ProtectionRestored)


async def test_a_plan_that_the_exchange_cannot_hold_is_watched_here(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    world = await open_world(**WITH_PLAN)
    rules = world.venue.rules[WIF]
    world.venue.rules[WIF] = replace(rules, resting=replace(rules.resting, oco_allowed=False))
    await world.clock.run(world.market.load_instruments([WIF]))
    await world.say("BUY_SM")
    assert world.venue.listed == []
    assert failures(ledger) == ["order_lists_missing"]
    await world.clock.forward(60)
    assert failures(ledger) == ["order_lists_missing"]  # told once
    world.venue.trade(WIF, "0.4559")
    await world.clock.forward(5)
    assert sold(ledger) == [(STOPPED, Decimal("19.98"))]
    assert_is_over(world, ledger)


async def test_a_stop_that_ends_without_a_fill_is_placed_anew_or_sold(bracketed: World, ledger: MemoryLedger) -> None:
    await bracketed.say("BUY_SM")
    for leg in legs(bracketed).values():
        bracketed.venue.end(leg.client_order_id, OrderState.EXPIRED)
    bracketed.venue.prices[WIF] = Decimal("0.45")  # it was triggered, and nobody bought
    await bracketed.clock.forward(5)
    assert failures(ledger) == ["protection_ended"]
    assert sold(ledger) == [(STOPPED, Decimal("19.98"))]
    assert_is_over(bracketed, ledger)


async def test_legs_that_somebody_cancelled_are_told_and_placed_again(bracketed: World, ledger: MemoryLedger) -> None:
    await bracketed.say("BUY_SM")
    for leg in legs(bracketed).values():
        bracketed.venue.end(leg.client_order_id)
    await bracketed.clock.forward(5)
    assert failures(ledger) == ["protection_ended"]
    assert {order.leg.generation for order in legs(bracketed).values() if order.leg is not None} == {1}
    assert bracketed.portfolio.plans[StrategyBook(WIF)].state is PlanState.GUARDED


async def test_a_pause_and_a_mode_that_asks_leave_a_plan_alone(bracketed: World, ledger: MemoryLedger) -> None:
    await bracketed.say("BUY_SM")
    await bracketed.set(pause=Pause.ALL, mode=Mode.CONFIRM)
    for leg in legs(bracketed).values():
        bracketed.venue.end(leg.client_order_id, OrderState.EXPIRED)
    bracketed.venue.prices[WIF] = Decimal("0.45")
    await bracketed.clock.forward(5)
    assert sold(ledger) == [(STOPPED, Decimal("19.98"))]


async def test_an_entry_that_bought_nothing_closes_its_plan(bracketed: World, ledger: MemoryLedger) -> None:
    bracketed.venue.next(Course(fills=Decimal(0), state=OrderState.EXPIRED))
    await bracketed.say("BUY_SM")
    assert bracketed.venue.listed == []
    assert_is_over(bracketed, ledger)


async def test_an_exit_that_waits_for_approval_leaves_the_protection_in_place(
    open_world: OpenWorld, ledger: MemoryLedger
) -> None:
    world = await open_world(**WITH_PLAN)
    await world.say("BUY_SM")
    await world.set(mode=Mode.CONFIRM)
    await world.say("SELL_SM")
    assert world.venue.cancelled == []
    assert set(legs(world)) == {LegKind.TARGET, LegKind.STOP}
    await world.tap(world.question().token)
    assert sold(ledger) == [("SELL_SM", Decimal("19.98"))]
    assert_is_over(world, ledger)


async def test_the_time_without_protection_is_counted_for_positions_alone(bracketed: World) -> None:
    assert bracketed.portfolio.unprotected(bracketed.clock.now()) == {}
    await bracketed.say("BUY_SM")
    assert bracketed.portfolio.unprotected(bracketed.clock.now()) == {WIF: 0}
    bracketed.portfolio.plans[StrategyBook(WIF)] = replace(
        bracketed.portfolio.plans[StrategyBook(WIF)], exposed_since=bracketed.clock.now() - timedelta(seconds=12)
    )
    assert bracketed.portfolio.unprotected(bracketed.clock.now()) == {WIF: 12}


async def test_the_report_of_an_entry_and_of_each_exit_names_the_plan(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    half = Decimal(50)
    targets = Target(Level(pct=Decimal(10)), half), Target(Level(pct=Decimal(20)), half)
    world = await open_world(stop_loss_pct=Decimal("5.01"), take_profit_pct=targets, trade_qty=Decimal(100))
    await world.say("BUY_SM")
    world.venue.trade(WIF, "0.53")
    await world.clock.forward(5)
    world.venue.trade(WIF, "0.45")
    await world.clock.forward(5)
    entry, target, stop = (event for event in ledger.events if isinstance(event, OrderExecuted))
    assert entry.plan is not None
    assert entry.plan.exits.stop == StopLoss(Level(Decimal("0.456")))  # 0.455952, at the next tick
    assert entry.plan.exits.targets == (Target(Level(Decimal("0.528")), half), Target(Level(Decimal("0.576")), half))
    assert [event.plan.exits for event in (target, stop) if event.plan is not None] == [entry.plan.exits] * 2
    assert (entry.protected, target.protected, stop.protected) == (None, Decimal("49.95"), Decimal(0))
    assert_is_over(world, ledger)


async def test_a_report_of_a_version_without_plans_can_be_read(bracketed: World, ledger: MemoryLedger) -> None:
    await bracketed.say("BUY_SM")
    event = next(one for one in ledger.events if isinstance(one, OrderExecuted))
    body = json.loads(codec.events.encode(event))
    assert codec.events.decode(json.dumps(body)) == event
    old = codec.events.decode(json.dumps({name: value for name, value in body.items() if name not in {"plan", "protected"}}))
    assert old == replace(event, plan=None, protected=None)
