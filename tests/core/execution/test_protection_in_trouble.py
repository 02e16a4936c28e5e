"""Plans where the exchange, the owner or the ledger is in trouble: nothing is left naked, and nothing waits for ever."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.domain.events.signals import SignalRefused
from core.domain.exit_plan import Level, Target
from core.domain.messages import FeePaid
from core.domain.order import Rejected
from core.domain.order_state_machine import OrderState
from core.domain.plan_leg import MOST_GENERATIONS, LegKind
from core.domain.position import Role
from core.domain.reasons import reason
from core.domain.signal import Side
from core.domain.strategy_book import StrategyBook
from core.domain.symbol_halt import SymbolHalt
from core.domain.trade_plan import PlanState
from core.domain.trading_state import Mode
from core.execution.resting_orders import RestingOrders
from core.policy.exits.protection import STOPPED, TAKEN
from core.records.commit_batch import CommitBatch
from tests.core.conftest import OpenWorld, Restart
from tests.core.engine.test_order_executor import became
from tests.core.engine.test_symbol_halts import accept, compare
from tests.core.execution.test_protection import TARGET, WIF, WITH_PLAN, assert_is_over, failures, legs, sold
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import Course, refused
from tests.core.world import World

TOO_LITTLE = Rejected(reason("filter_failure", filter="NOTIONAL"))
NO = Rejected(reason("rejected", message="no", code="-2010"))
LADDER: dict[str, Any] = {
    "trade_qty": Decimal(100),
    "stop_loss_pct": Decimal(5),
    "take_profit_pct": (Target(Level(pct=Decimal(10)), Decimal(50)), Target(Level(pct=Decimal(20)), Decimal(50))),
}


@pytest.fixture
async def bracketed(open_world: OpenWorld) -> World:
    return await open_world(**WITH_PLAN)


async def test_a_report_of_a_part_is_booked_when_more_has_filled_since(bracketed: World, ledger: MemoryLedger) -> None:
    await bracketed.say("BUY_SM")
    target = legs(bracketed)[LegKind.TARGET].client_order_id
    bracketed.venue.fill(target, TARGET, Decimal(5))
    (report,) = await bracketed.venue.open_orders(WIF)
    bracketed.venue.fill(target, TARGET, Decimal(3))
    await bracketed.clock.run(bracketed.trading.execution.resting.hear(report), limit=60)
    await bracketed.clock.forward(5)
    assert bracketed.portfolio.position(StrategyBook(WIF)).qty == Decimal("11.98")
    assert len([name for name, _ in ledger.fills if name == target]) == 2


async def test_a_plan_is_not_guarded_while_one_of_its_lists_is_missing(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    world = await open_world(**LADDER)
    world.venue.next(Course(), refused(NO), Course())
    await world.say("BUY_SM")
    assert world.portfolio.plans[StrategyBook(WIF)].state is PlanState.EXPOSED
    await world.clock.forward(30)
    assert world.portfolio.plans[StrategyBook(WIF)].state is PlanState.GUARDED
    assert world.portfolio.protected(StrategyBook(WIF)) == Decimal("99.90")


async def test_where_a_symbol_is_gone_its_orders_end_and_nothing_waits_for_ever(bracketed: World, ledger: MemoryLedger) -> None:
    await bracketed.say("BUY_SM")
    await bracketed.say("BUY_SM", symbol="SOLUSDC", close="1.5")
    handling = bracketed.inbox.ask(bracketed.said(bracketed.signal("SELL_SM")))
    bracketed.venue.delisted.add(WIF)
    await bracketed.clock.run(handling)
    await bracketed.clock.forward(100)
    assert len(bracketed.inbox) == 0
    assert bracketed.portfolio.resting_for(StrategyBook(WIF)) == []


async def test_orders_that_the_exchange_has_forgotten_do_not_block_their_symbol(bracketed: World, ledger: MemoryLedger) -> None:
    """A testnet that is reset forgets every order."""
    await bracketed.say("BUY_SM")
    bracketed.venue.forget()
    await bracketed.say("SELL_SM")
    assert bracketed.portfolio.resting_for(StrategyBook(WIF)) == []
    assert len(bracketed.inbox) == 0


async def test_orders_that_the_exchange_has_forgotten_are_told_and_placed_anew(bracketed: World, ledger: MemoryLedger) -> None:
    await bracketed.say("BUY_SM")
    forgotten = {order.client_order_id for order in bracketed.portfolio.resting_for(StrategyBook(WIF))}
    bracketed.venue.forget()
    await bracketed.clock.forward(300)
    assert {order.client_order_id for order in bracketed.portfolio.resting_for(StrategyBook(WIF))} == forgotten
    await bracketed.clock.forward(400)
    ended = [(ledger.orders[name].state, ledger.orders[name].reason) for name in forgotten]
    assert ended == [(OrderState.EXPIRED, reason("order_forgotten"))] * 2
    assert failures(ledger) == ["order_forgotten"]
    assert len(bracketed.portfolio.resting_for(StrategyBook(WIF))) == 2
    assert bracketed.portfolio.plans[StrategyBook(WIF)].state is PlanState.GUARDED


async def test_what_a_forgotten_target_had_sold_is_an_execution_of_its_plan(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    world = await open_world(trade_qty=Decimal(40), take_profit_pct=(Target(Level(pct=Decimal(10))),))
    signal = replace(world.signal("BUY_SM"), extra={"strategy": "trend"})
    await world.clock.run(world.inbox.ask(world.said(signal)))
    (target,) = world.portfolio.resting_for(StrategyBook(WIF, "trend"))
    world.venue.fill(target.client_order_id, TARGET, Decimal(5))
    await world.clock.forward(60)
    world.venue.forget()
    await world.clock.forward(900)
    execution = ledger.executions[target.client_order_id]
    assert (execution.qty, execution.role, execution.strategy) == (Decimal(5), Role.TARGET, "trend")
    assert execution.plan_id == world.portfolio.plans[StrategyBook(WIF, "trend")].plan_id


async def test_an_end_that_was_booked_by_a_process_that_died_then_is_found_by_the_next(
    bracketed: World, ledger: MemoryLedger, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bracketed.say("BUY_SM")
    ended = {order.client_order_id for order in bracketed.portfolio.resting_for(StrategyBook(WIF))}
    for name in ended:
        bracketed.venue.end(name, OrderState.EXPIRED)
    with monkeypatch.context() as dying:
        dying.setattr(RestingOrders, "_look_at_plan", _dies)
        await bracketed.clock.forward(5)
        assert {ledger.orders[name].state for name in ended} == {OrderState.EXPIRED}
        assert ledger.plans[bracketed.portfolio.plans[StrategyBook(WIF)].plan_id].state is PlanState.GUARDED
        await bracketed.crash()
    again = await restart(bracketed, ledger)
    await again.clock.forward(20)
    assert failures(ledger) == ["protection_gone"]
    assert set(legs(again)) == {LegKind.TARGET, LegKind.STOP}
    assert again.portfolio.plans[StrategyBook(WIF)].state is PlanState.GUARDED


async def _dies(*_: object) -> None:
    await asyncio.Event().wait()


async def test_orders_that_the_exchange_does_not_show_for_minutes_rest_on(bracketed: World, ledger: MemoryLedger) -> None:
    await bracketed.say("BUY_SM")
    there = bracketed.portfolio.resting_for(StrategyBook(WIF))
    for _ in range(3):
        bracketed.venue.hide_until(bracketed.clock.now() + timedelta(seconds=400))
        bracketed.venue.delisted.add(WIF)
        await bracketed.clock.forward(400)
        bracketed.venue.delisted.clear()
        await bracketed.clock.forward(60)
    assert bracketed.portfolio.resting_for(StrategyBook(WIF)) == there
    assert failures(ledger) == []


async def test_where_a_symbol_is_delisted_what_rested_there_ends_and_is_told_once(bracketed: World, ledger: MemoryLedger) -> None:
    await bracketed.say("BUY_SM")
    bracketed.venue.delisted.add(WIF)
    bracketed.venue.forget()
    await bracketed.clock.forward(700)
    assert bracketed.portfolio.resting_for(StrategyBook(WIF)) == []
    assert failures(ledger)[0] == "order_forgotten"
    assert len(failures(ledger)) <= 2  # and that it cannot be protected anew
    told = len(ledger.events)
    await bracketed.clock.forward(700)
    assert len(ledger.events) == told


async def test_a_sale_that_the_rules_refuse_is_not_repeated_and_told_for_ever(
    open_world: OpenWorld, ledger: MemoryLedger
) -> None:
    world = await open_world(trade_qty=Decimal(11), stop_loss_pct=Decimal(10))
    await world.say("BUY_SM")
    assert failures(ledger) == ["part_below_min_notional"]
    world.venue.trade(WIF, "0.40")
    await world.clock.forward(600)
    told = [event for event in ledger.events if isinstance(event, SignalRefused)]

    assert len(told) <= 1


async def test_a_symbol_that_takes_no_orders_keeps_its_protection_when_an_exit_is_approved(
    bracketed: World, ledger: MemoryLedger
) -> None:
    await bracketed.say("BUY_SM")
    await bracketed.set(mode=Mode.CONFIRM)
    await bracketed.say("SELL_SM")
    bracketed.venue.rules[WIF] = replace(bracketed.venue.rules[WIF], status="CANCEL_ONLY")
    await bracketed.clock.run(bracketed.market.load_instruments([WIF]))
    await bracketed.tap(bracketed.question().token)
    assert bracketed.venue.cancelled == []
    assert bracketed.portfolio.protected(StrategyBook(WIF)) == Decimal("19.98")


async def test_a_half_protected_position_keeps_its_half_while_the_symbol_takes_no_orders(
    open_world: OpenWorld, ledger: MemoryLedger
) -> None:
    world = await open_world(**LADDER)
    world.venue.next(Course(), refused(NO), Course())
    await world.say("BUY_SM")
    world.venue.rules[WIF] = replace(world.venue.rules[WIF], status="CANCEL_ONLY")
    await world.clock.run(world.market.load_instruments([WIF]))
    await world.clock.forward(120)
    assert world.portfolio.protected(StrategyBook(WIF)) > 0
    assert world.venue.cancelled == []


async def test_a_plan_that_has_used_up_its_ids_is_watched_on(bracketed: World, ledger: MemoryLedger) -> None:
    bracketed.venue.next(Course(), refused(NO))
    await bracketed.say("BUY_SM")
    plan = replace(bracketed.portfolio.plans[StrategyBook(WIF)], generation=MOST_GENERATIONS)
    await bracketed.clock.run(bracketed.trading.execution.writer.commit(CommitBatch(plans=[plan])))
    await bracketed.clock.forward(600)
    assert len(bracketed.venue.listed) == 1
    assert bracketed.portfolio.plans[StrategyBook(WIF)].failures > 1
    assert len(failures(ledger)) == 2
    bracketed.venue.trade(WIF, "0.45")
    await bracketed.clock.forward(10)
    assert_is_over(bracketed, ledger)


async def test_an_exit_of_a_halted_symbol_takes_its_orders_off(bracketed: World, ledger: MemoryLedger) -> None:
    await bracketed.say("BUY_SM")
    now = bracketed.clock.now()
    halt = SymbolHalt(WIF, (reason("less_than_ledger", qty="1", asset="WIF"),), now)
    await bracketed.clock.run(bracketed.trading.execution.writer.commit(CommitBatch(holds=[halt])))
    await bracketed.say("SELL_SM")
    assert sold(ledger) == [("SELL_SM", Decimal("19.98"))]
    assert_is_over(bracketed, ledger)


async def test_an_exit_that_waited_for_the_symbol_to_trade_again_takes_its_orders_off(
    bracketed: World, ledger: MemoryLedger
) -> None:
    await bracketed.say("BUY_SM")
    bracketed.venue.rules[WIF] = replace(bracketed.venue.rules[WIF], status="BREAK")
    await bracketed.clock.run(bracketed.market.load_instruments([WIF]))
    await bracketed.say("SELL_SM")
    assert sold(ledger) == []
    assert bracketed.venue.cancelled == []
    bracketed.venue.rules[WIF] = replace(bracketed.venue.rules[WIF], status="TRADING")
    await bracketed.clock.forward(120)
    assert sold(ledger) == [("SELL_SM", Decimal("19.98"))]
    assert_is_over(bracketed, ledger)


@pytest.mark.parametrize("seconds", [0, 4000])
async def test_an_exit_that_a_target_has_done_meanwhile_is_done_however_late_that_is_seen(
    bracketed: World, ledger: MemoryLedger, seconds: int
) -> None:
    """The symbol takes no orders of ours, and what rests fills; by the next attempt the exit may have grown too old."""
    await bracketed.say("BUY_SM")
    bracketed.venue.rules[WIF] = replace(bracketed.venue.rules[WIF], status="BREAK")
    await bracketed.clock.run(bracketed.market.load_instruments([WIF]))
    await bracketed.say("SELL_SM")
    target = legs(bracketed)[LegKind.TARGET].client_order_id
    bracketed.venue.fill(target, TARGET)
    report = await bracketed.venue.find_order(WIF, target)
    assert report is not None
    await bracketed.clock.run(bracketed.trading.execution.resting.hear(report))
    bracketed.clock.step(seconds)
    await bracketed.clock.forward(60)
    assert sold(ledger) == [(TAKEN, Decimal("19.98"))]
    attempts = [ledger.outcomes[one.seq] for one in ledger.messages.values() if one.message.source == "exit"]
    assert became(attempts[-1]) == ("done", "no_position")
    assert [event for event in ledger.events if isinstance(event, SignalRefused)] == []
    assert bracketed.portfolio.exits == {}


@pytest.mark.parametrize("price", ["0.48", "0.45"])
async def test_an_exit_that_waits_for_an_answer_leaves_an_exposed_position_watched(
    bracketed: World, ledger: MemoryLedger, price: str
) -> None:
    await bracketed.say("BUY_SM")
    await bracketed.set(mode=Mode.CONFIRM)
    await bracketed.say("SELL_SM")
    for leg in legs(bracketed).values():
        bracketed.venue.end(leg.client_order_id)
    bracketed.venue.prices[WIF] = Decimal(price)
    await bracketed.clock.forward(10)
    if price == "0.48":
        assert bracketed.portfolio.protected(StrategyBook(WIF)) == Decimal("19.98")
        return
    assert sold(ledger) == [(STOPPED, Decimal("19.98"))]
    assert bracketed.portfolio.approval_for(StrategyBook(WIF)) is None
    assert_is_over(bracketed, ledger)


async def test_a_stop_that_the_market_fell_far_beyond_sells_all_the_same(bracketed: World, ledger: MemoryLedger) -> None:
    bracketed.venue.next(Course(), refused(NO))
    await bracketed.say("BUY_SM")
    bracketed.venue.trade(WIF, "0.015")
    await bracketed.clock.forward(60)
    assert sold(ledger) == [(STOPPED, Decimal("19.98"))]
    assert_is_over(bracketed, ledger)


async def test_a_leg_whose_other_one_sold_its_share_is_no_loss_of_protection(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    """The exchange may show the stop as open for a moment after its target has filled."""
    world = await open_world(**LADDER)
    await world.say("BUY_SM")
    first = world.venue.listed[0]
    world.venue._mates.clear()
    world.venue.trade(WIF, "0.53")
    await world.clock.forward(5)
    assert sold(ledger) == [(TAKEN, Decimal("49.95"))]
    world.venue.end(first.below.client_order_id, OrderState.EXPIRED)
    await world.clock.forward(10)
    assert failures(ledger) == []
    assert world.venue.cancelled == []
    assert world.portfolio.plans[StrategyBook(WIF)].state is PlanState.GUARDED


async def test_of_two_targets_at_one_price_only_the_one_that_sold_is_gone(open_world: OpenWorld) -> None:
    twice = Target(Level(pct=Decimal(10)), Decimal(50))
    world = await open_world(trade_qty=Decimal(100), take_profit_pct=(twice, twice))
    await world.say("BUY_SM")
    first, second = world.portfolio.resting_for(StrategyBook(WIF))
    world.venue.fill(first.client_order_id, TARGET)
    await world.clock.forward(5)
    world.venue.end(second.client_order_id)
    await world.clock.forward(5)
    assert world.portfolio.protected(StrategyBook(WIF)) == Decimal("49.95")


async def test_what_is_accepted_as_missing_is_not_sold_by_what_rests(bracketed: World, ledger: MemoryLedger) -> None:
    """Two symbols share WIF: what one of them has lost must not be sold from the other's."""
    tether = "WIFUSDT"
    bracketed.venue.rules[tether] = replace(bracketed.venue.rules[WIF], symbol=tether)
    bracketed.venue.prices[tether] = Decimal("0.48")
    await bracketed.clock.run(bracketed.market.load_instruments(None))
    for symbol in (WIF, tether):
        await bracketed.say("BUY_SM", symbol=symbol)
    assert bracketed.portfolio.position(StrategyBook(tether)).qty == Decimal("19.98")
    bracketed.venue.more["WIF"] = Decimal(-5)
    await compare(bracketed)
    await accept(bracketed)
    assert bracketed.portfolio.position(StrategyBook(WIF)).qty == Decimal("14.98")
    await bracketed.clock.forward(10)
    assert bracketed.portfolio.protected(StrategyBook(WIF)) == Decimal("14.98")


async def test_what_is_written_off_has_no_plan_any_more(bracketed: World, ledger: MemoryLedger) -> None:
    await bracketed.say("BUY_SM")
    bracketed.venue.delisted.add(WIF)
    await bracketed.clock.run(bracketed.market.load_instruments([WIF]))
    await compare(bracketed)
    await accept(bracketed)
    await bracketed.clock.forward(1500)
    assert_is_over(bracketed, ledger)


async def test_a_target_that_ended_and_left_too_little_for_another_order_ends_its_plan(
    open_world: OpenWorld, ledger: MemoryLedger
) -> None:
    """The rest is known to be too little only once the target is at its end, which brings no fill."""
    world = await open_world(take_profit_pct=WITH_PLAN["take_profit_pct"])
    await world.say("BUY_SM")
    target = legs(world)[LegKind.TARGET].client_order_id
    world.venue.fill(target, TARGET, Decimal(15))
    await world.clock.forward(5)
    assert world.portfolio.position(StrategyBook(WIF)).is_open
    world.venue.end(target)
    await world.clock.forward(5)
    assert_is_over(world, ledger)
    ends = [batch for batch in ledger.batches if any(not plan.is_open for plan in batch.plans)]
    assert [batch.orders[0].client_order_id for batch in ends] == [target]
    assert failures(ledger) == []


async def test_a_plan_whose_position_went_for_a_fee_ends(bracketed: World, ledger: MemoryLedger) -> None:
    await bracketed.say("BUY_SM")
    paid = FeePaid(WIF, "WIF", Decimal("19.979"))
    await bracketed.clock.run(bracketed.inbox.ask(bracketed.message(paid, WIF)))
    assert not bracketed.portfolio.position(StrategyBook(WIF)).is_open
    await bracketed.clock.forward(10)
    assert_is_over(bracketed, ledger)


async def test_a_stop_of_too_little_to_sell_is_told_once_and_sells_where_it_becomes_enough(
    open_world: OpenWorld, ledger: MemoryLedger
) -> None:
    """The exchange is asked once about a position that fell below its minimum; then it is watched on without a word."""
    world = await open_world(trade_qty=Decimal(11), stop_loss_pct=Decimal(5))
    world.venue.next(Course(), *[refused(NO)] * 9)
    await world.say("BUY_SM")
    world.venue.courses.clear()
    world.venue.next(*[refused(TOO_LITTLE)] * 9)
    world.venue.prices[WIF] = Decimal("0.44")
    await world.clock.forward(2000)
    assert len([request for request in world.venue.placed if request.side is Side.SELL]) - 1 == 1
    lost = [event for event in ledger.events if isinstance(event, SignalRefused)]
    assert [(event.reason.code, event.lost_exit) for event in lost] == [("too_little_to_sell", True)]
    assert world.portfolio.plans[StrategyBook(WIF)].why == lost[0].reason
    world.venue.courses.clear()
    world.venue.prices[WIF] = Decimal("0.4559")
    await world.clock.forward(10)
    assert_is_over(world, ledger)
