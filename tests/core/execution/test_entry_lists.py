"""Entries that bring their exits: bought whole or not at all, and protected by the exchange itself."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.domain.events.entries import EntryMissed
from core.domain.events.orders import OrderExecuted, OrderFailed
from core.domain.events.protection import ProtectionFailed, ProtectionRestored
from core.domain.exit_plan import Level, Target
from core.domain.order import NotTaken, Order, Rejected
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import AT_MARKET, EntryStyle, TimeInForce
from core.domain.plan_leg import LegKind, leg_of
from core.domain.reasons import reason
from core.domain.signal import Side, client_order_id
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import PlanState
from core.domain.trading_state import Pause
from tests.core.conftest import OpenWorld, Restart
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import LOST, Course, lost, refused
from tests.core.world import World, instrument

WIF = "WIFUSDC"
STOP, TARGET, HELD = Decimal("0.456"), Decimal("0.528"), Decimal("19.98")
WITH_PLAN: dict[str, Any] = {"stop_loss_pct": Decimal(5), "take_profit_pct": (Target(Level(pct=Decimal(10))),)}
BUSY = NotTaken(reason("exchange_busy"))
NO_SUCH_LIST = Rejected(reason("order_type_off", symbol=WIF, message="OPO orders are not supported", code=-2010))


@pytest.fixture
async def guarded(open_world: OpenWorld, venue: Any) -> World:
    """Returns a process on an exchange that takes entries with their exits: a stop 5 % below and a target 10 % above."""
    rules = venue.rules[WIF]
    venue.rules[WIF] = replace(rules, resting=replace(rules.resting, opo_allowed=True))
    return await open_world(**WITH_PLAN)


def legs(world: World) -> dict[LegKind, Order]:
    return {order.leg.kind: order for order in world.portfolio.resting_for(StrategyBook(WIF)) if order.leg is not None}


def failures(ledger: MemoryLedger) -> list[str]:
    return [event.why.code for event in ledger.events if isinstance(event, ProtectionFailed)]


def of_kind(ledger: MemoryLedger, kind: LegKind) -> list[Order]:
    return [order for order in ledger.orders.values() if order.leg is not None and order.leg.kind is kind]


def asked_for(world: World) -> Iterator[str]:
    """Yields the client order ids of everything that was asked of the exchange to buy."""
    yield from (request.client_order_id for request in world.venue.placed if request.side is Side.BUY)
    yield from (request.entry.client_order_id for request in world.venue.entered)


def assert_is_guarded(world: World, ledger: MemoryLedger, generation: int = 0) -> None:
    """Asserts that all that is held is protected by one pair of orders."""
    found = legs(world)
    assert found.keys() == {LegKind.TARGET, LegKind.STOP}
    assert {leg.qty for leg in found.values()} == {world.portfolio.position(StrategyBook(WIF)).qty}
    assert {leg.leg and leg.leg.generation for leg in found.values()} == {generation}
    assert {leg.list_id for leg in found.values()} != {None}
    (plan,) = ledger.plans.values()
    assert (plan.state, plan.exposed_since, plan.why) == (PlanState.GUARDED, None, None)
    assert world.portfolio.in_flight == {}


def assert_is_missed(world: World, ledger: MemoryLedger) -> None:
    (plan,) = ledger.plans.values()
    assert plan.state is PlanState.MISSED
    assert (world.portfolio.resting, world.portfolio.in_flight, world.portfolio.plans) == ({}, {}, {})
    assert all(order.state.final for order in ledger.orders.values())
    assert not world.portfolio.position(StrategyBook(WIF)).is_open
    assert failures(ledger) == []


async def test_an_entry_is_sent_with_its_exits_and_all_of_them_have_ids_of_ours(guarded: World, ledger: MemoryLedger) -> None:
    signal = guarded.signal("BUY_SM")
    await guarded.clock.run(guarded.inbox.ask(guarded.said(signal)))
    assert (guarded.venue.placed, guarded.venue.listed) == ([], [])
    (request,) = guarded.venue.entered
    entry, target, stop = request.entry, request.target, request.stop
    assert target is not None
    assert stop is not None
    assert (entry.client_order_id, entry.side, entry.qty, entry.mark) == (
        client_order_id(signal),
        Side.BUY,
        Decimal(20),
        ledger.mark,
    )
    assert (entry.terms.time_in_force, entry.terms.limit_price) == (TimeInForce.FOK, Decimal("0.4848"))
    assert (target.terms.limit_price, stop.terms.stop_price) == (TARGET, STOP)
    named = [leg_of(name) for name in (request.list_id, target.client_order_id, stop.client_order_id)]
    assert [(leg.plan_id, leg.kind, leg.number, leg.generation) for leg in named if leg is not None] == [
        (client_order_id(signal), kind, 1, 0) for kind in (LegKind.LIST, LegKind.TARGET, LegKind.STOP)
    ]
    assert_is_guarded(guarded, ledger)
    assert guarded.portfolio.position(StrategyBook(WIF)).qty == HELD


async def test_everything_is_committed_before_it_is_sent(guarded: World, ledger: MemoryLedger) -> None:
    guarded.venue.next(Course(gate=None, answer=LOST, executed=False))
    await guarded.say("BUY_SM")
    first = ledger.batches[next(n for n, batch in enumerate(ledger.batches) if batch.orders)]
    assert [(order.state, order.list_id is not None) for order in first.orders] == [(OrderState.SUBMITTED, True)] * 3
    (plan,) = first.plans
    assert (plan.state, plan.generation) == (PlanState.ENTERING, 1)


async def test_it_is_told_as_one_entry_with_its_plan(guarded: World, ledger: MemoryLedger) -> None:
    await guarded.say("BUY_SM")
    (told,) = [event for event in ledger.events if isinstance(event, OrderExecuted)]
    assert told.plan is not None
    assert told.plan.exits.stop is not None
    assert told.plan.exits.stop.level.price == STOP
    assert failures(ledger) == []


@pytest.mark.parametrize(("price", "kind"), [("0.455", LegKind.STOP), ("0.529", LegKind.TARGET)])
async def test_an_exit_that_fills_ends_the_trade(guarded: World, ledger: MemoryLedger, price: str, kind: LegKind) -> None:
    await guarded.say("BUY_SM")
    guarded.venue.trade(WIF, price)
    await guarded.clock.forward(5)
    (leg,) = [order for order in ledger.orders.values() if order.side is Side.SELL and order.executed_qty]
    assert leg.leg is not None
    assert (leg.leg.kind, leg.executed_qty) == (kind, HELD)
    assert (guarded.portfolio.plans, guarded.portfolio.resting) == ({}, {})


async def test_a_sell_takes_the_exits_off_first(guarded: World, ledger: MemoryLedger) -> None:
    await guarded.say("BUY_SM")
    await guarded.say("SELL_SM")
    assert len(guarded.venue.cancelled) == 1
    assert not guarded.portfolio.position(StrategyBook(WIF)).is_open
    assert all(plan.state.is_over for plan in ledger.plans.values())


# --- it misses


async def test_an_entry_that_is_not_offered_whole_is_missed_and_not_tried_again(guarded: World, ledger: MemoryLedger) -> None:
    guarded.venue.next(Course(fills=Decimal(0), state=OrderState.EXPIRED))
    await guarded.say("BUY_SM")
    await guarded.clock.forward(30)
    assert len(list(asked_for(guarded))) == 1
    (told,) = [event for event in ledger.events if isinstance(event, EntryMissed | OrderFailed)]
    assert isinstance(told, EntryMissed)
    assert told.order.reason == reason("not_whole", qty="20", base="WIF", price="0.4848")
    assert [leg.state for kind in (LegKind.TARGET, LegKind.STOP) for leg in of_kind(ledger, kind)] == [OrderState.EXPIRED] * 2
    assert_is_missed(guarded, ledger)


async def test_exits_of_a_missed_entry_are_asked_about_by_the_next_start(
    guarded: World, ledger: MemoryLedger, restart: Restart
) -> None:
    guarded.venue.next(Course(fills=Decimal(0), state=OrderState.EXPIRED))
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(type(guarded.placement._lists), "follow", _dies)
        await guarded.say("BUY_SM")
        await guarded.crash()
    again = await restart(guarded, ledger)
    assert_is_missed(again, ledger)


async def _dies(*_: Any) -> None:
    """Stands for a process that ends before it asks."""


# --- no answer


@pytest.mark.parametrize("executed", [True, False])
async def test_an_unanswered_list_is_asked_for_by_its_entry_behind_the_fence(
    guarded: World, ledger: MemoryLedger, executed: bool
) -> None:
    guarded.venue.next(lost(executed=executed))
    await guarded.say("BUY_SM")
    assert len(set(asked_for(guarded))) == 1
    assert len(guarded.venue.entered) == (1 if executed else 2)
    if not executed:
        assert guarded.venue.placed_at[1] - guarded.venue.placed_at[0] >= timedelta(seconds=guarded.venue.request_lifetime)
    assert_is_guarded(guarded, ledger, generation=0 if executed else 1)
    assert guarded.portfolio.position(StrategyBook(WIF)).qty == HELD


@pytest.mark.parametrize("executed", [True, False])
async def test_a_kill_before_the_answer_is_finished_by_the_next_start(
    guarded: World, ledger: MemoryLedger, restart: Restart, executed: bool
) -> None:
    answer = lost(executed=executed)
    guarded.venue.next(replace(answer, visible_after=4.0))
    signal = guarded.said(guarded.signal("BUY_SM"))
    await guarded.clock.run(guarded.inbox.deliver([signal], [], None))
    await guarded.clock.forward(1)
    await guarded.crash()
    again = await restart(guarded, ledger)
    assert len(guarded.venue.entered) == (1 if executed else 2)
    assert_is_guarded(again, ledger, generation=0 if executed else 1)
    assert again.portfolio.position(StrategyBook(WIF)).qty == HELD


async def test_a_kill_between_the_fill_and_the_question_is_finished_by_the_next_start(
    guarded: World, ledger: MemoryLedger, restart: Restart
) -> None:
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(type(guarded.placement._lists), "follow", _dies)
        await guarded.say("BUY_SM")
        (plan,) = ledger.plans.values()
        assert plan.state is PlanState.EXPOSED
        await guarded.crash()
    again = await restart(guarded, ledger)
    assert len(guarded.venue.entered) == 1
    assert_is_guarded(again, ledger)


# --- refused, or not taken


async def test_where_the_exchange_refuses_the_list_the_entry_goes_alone_and_its_exits_follow(
    guarded: World, ledger: MemoryLedger
) -> None:
    guarded.venue.next(refused(NO_SUCH_LIST))
    await guarded.say("BUY_SM")
    (entry,) = guarded.venue.placed
    assert (entry.terms.time_in_force, entry.client_order_id) == (TimeInForce.IOC, guarded.venue.entered[0].entry.client_order_id)
    assert len(guarded.venue.listed) == 1
    assert_is_guarded(guarded, ledger, generation=1)
    never = [order for order in ledger.orders.values() if order.state is OrderState.CANCELED]
    assert [(order.order_id, order.reason and order.reason.code) for order in never] == [(None, "order_type_off")] * 2
    assert failures(ledger) == []


async def test_an_entry_that_is_refused_for_itself_fails_with_its_exits(guarded: World, ledger: MemoryLedger) -> None:
    guarded.venue.next(refused(Rejected(reason("insufficient_balance", asset="USDC"))))
    await guarded.say("BUY_SM")
    assert len(list(asked_for(guarded))) == 1
    assert [event.kind for event in ledger.events if isinstance(event, EntryMissed | OrderFailed)] == ["order_failed"]
    assert_is_missed(guarded, ledger)


async def test_one_that_was_not_taken_is_sent_again_with_exits_of_new_ids(guarded: World, ledger: MemoryLedger) -> None:
    guarded.venue.next(refused(BUSY))
    await guarded.say("BUY_SM")
    first, second = guarded.venue.entered
    assert first.entry.client_order_id == second.entry.client_order_id
    assert not {first.list_id, *(leg.client_order_id for leg in first.exits)} & {
        second.list_id,
        *(leg.client_order_id for leg in second.exits),
    }
    assert_is_guarded(guarded, ledger, generation=1)


async def test_a_pause_meanwhile_ends_it(guarded: World, ledger: MemoryLedger) -> None:
    guarded.venue.next(refused(NotTaken(reason("exchange_busy"), retry_after=5.0)))
    buying = guarded.said(guarded.signal("BUY_SM"))
    await guarded.clock.run(guarded.inbox.deliver([buying], [], None))
    await guarded.clock.forward(1)
    await guarded.set(pause=Pause.ALL)
    await guarded.clock.forward(10)
    assert len(guarded.venue.entered) == 1
    assert_is_missed(guarded, ledger)


# --- taken, and not protected


async def test_exits_that_are_refused_once_the_entry_has_filled_leave_it_exposed_and_are_placed_anew(
    guarded: World, ledger: MemoryLedger
) -> None:
    guarded.venue.refuses_exits = True
    await guarded.say("BUY_SM")
    (plan,) = ledger.plans.values()
    assert plan.state is PlanState.EXPOSED
    assert failures(ledger) == ["protection_ended"]
    guarded.venue.refuses_exits = False
    await guarded.clock.forward(10)
    assert len(guarded.venue.listed) == 1
    assert_is_guarded(guarded, ledger, generation=1)
    assert [event for event in ledger.events if isinstance(event, ProtectionRestored)]


async def test_with_its_exits_refused_a_position_beyond_its_stop_is_sold(guarded: World, ledger: MemoryLedger) -> None:
    guarded.venue.refuses_exits = True
    await guarded.say("BUY_SM")
    guarded.venue.prices[WIF] = Decimal("0.45")
    await guarded.clock.forward(10)
    assert [row.signal_type for row in ledger.executions.values()] == ["BUY_SM", "SELL_STOP_LOSS"]
    assert not guarded.portfolio.position(StrategyBook(WIF)).is_open


async def test_exits_that_still_wait_are_asked_about_again(guarded: World, ledger: MemoryLedger) -> None:
    guarded.venue.keeps_waiting = 3
    await guarded.say("BUY_SM")
    assert guarded.venue.keeps_waiting == 0
    assert_is_guarded(guarded, ledger)


async def test_exits_that_wait_for_ever_protect_nothing_and_are_placed_anew(guarded: World, ledger: MemoryLedger) -> None:
    guarded.venue.keeps_waiting = 1_000
    await guarded.say("BUY_SM")
    (plan,) = ledger.plans.values()
    assert plan.state is PlanState.EXPOSED
    assert failures(ledger) == ["exits_wait"]
    await guarded.clock.forward(30)
    assert len(guarded.venue.cancelled) == 1
    assert_is_guarded(guarded, ledger, generation=1)


async def test_exits_that_sell_more_than_is_held_are_placed_anew_for_that(guarded: World, ledger: MemoryLedger) -> None:
    """The commission was taken from coins of the owner's own, so that the exits are for more than the ledger holds."""
    guarded.venue.more["WIF"] = Decimal(1)
    guarded.venue.from_free = True
    await guarded.say("BUY_SM")
    assert {leg.qty for leg in legs(guarded).values()} == {Decimal(20)}
    (plan,) = ledger.plans.values()
    assert plan.state is PlanState.EXPOSED
    await guarded.clock.forward(10)
    assert_is_guarded(guarded, ledger, generation=1)
    assert guarded.portfolio.position(StrategyBook(WIF)).qty == HELD
    assert failures(ledger) == []


async def test_levels_count_from_the_price_of_the_decision_where_the_fill_was_near_it(
    guarded: World, ledger: MemoryLedger
) -> None:
    await _filled_at(guarded, "0.481")
    (plan,) = ledger.plans.values()
    assert plan.entry_price == Decimal("0.48")
    assert legs(guarded)[LegKind.STOP].terms.stop_price == STOP
    assert_is_guarded(guarded, ledger)


async def test_levels_are_moved_where_the_fill_was_far_from_the_price_of_the_decision(
    guarded: World, ledger: MemoryLedger
) -> None:
    await _filled_at(guarded, "0.4848")
    await guarded.clock.forward(10)
    (plan,) = ledger.plans.values()
    assert plan.entry_price == Decimal("0.4848")
    assert legs(guarded)[LegKind.STOP].terms.stop_price == Decimal("0.4606")
    assert_is_guarded(guarded, ledger, generation=1)
    assert failures(ledger) == []


async def _filled_at(world: World, price: str) -> None:
    """Enters while the market moves to `price` on the way."""
    place = world.venue.place_entry

    async def moved(request: Any) -> Any:
        world.venue.prices[WIF] = Decimal(price)
        return await place(request)

    world.venue.place_entry = moved  # type: ignore[method-assign]
    await world.say("BUY_SM")


# --- the others


async def test_while_another_symbol_holds_the_coin_its_exits_follow(guarded: World, ledger: MemoryLedger) -> None:
    """Free coins of that position would pay the commission, and be sold with what was bought."""
    modern = guarded.venue.rules[WIF]
    guarded.venue.rules["WIFUSDT"] = replace(instrument("WIF", "USDT"), resting=modern.resting)
    guarded.venue.rules["USDCUSDT"] = instrument("USDC", "USDT")
    guarded.venue.prices |= {"WIFUSDT": Decimal("0.48"), "USDCUSDT": Decimal(1)}
    await guarded.clock.run(guarded.market.load_instruments(None))
    await guarded.say("BUY_SM", symbol="WIFUSDT")
    await guarded.say("BUY_SM")
    assert [request.symbol for request in guarded.venue.entered] == ["WIFUSDT"]
    assert [request.symbol for request in guarded.venue.listed] == [WIF]
    await guarded.say("SELL_SM", symbol="WIFUSDT")
    await guarded.say("SELL_SM")
    await guarded.say("BUY_SM", symbol="WIFUSDT")
    assert [request.symbol for request in guarded.venue.entered] == ["WIFUSDT", "WIFUSDT"]


@pytest.mark.parametrize(
    "changes",
    [
        {"entry_style": EntryStyle.MARKET},
        {"take_profit_pct": (Target(Level(pct=Decimal(5)), Decimal(50)), Target(Level(pct=Decimal(10)), Decimal(50)))},
        {"stop_loss_pct": None, "take_profit_pct": (Target(Level(pct=Decimal(10)), Decimal(50)),)},
        {"stop_loss_pct": None, "take_profit_pct": ()},
    ],
    ids=["at the market", "two targets", "half", "no plan"],
)
async def test_what_one_list_cannot_say_is_sent_alone(open_world: OpenWorld, guarded: World, changes: dict[str, Any]) -> None:
    world = await open_world(**{**WITH_PLAN, **changes})
    await world.say("BUY_SM")
    assert guarded.venue.entered == []
    assert [request.terms.time_in_force for request in guarded.venue.placed[:1]] != [TimeInForce.FOK]


@pytest.mark.parametrize("word", ["MARKET", "market"])
async def test_a_record_that_names_a_market_order_gets_one_and_its_exits_follow(
    guarded: World, ledger: MemoryLedger, word: str
) -> None:
    signal = replace(guarded.signal("BUY_SM"), extra={"order_type": word})
    await guarded.clock.run(guarded.inbox.ask(guarded.said(signal)))
    (entry,) = guarded.venue.placed
    assert entry.terms == AT_MARKET
    assert guarded.venue.entered == []
    assert_is_guarded(guarded, ledger)


@pytest.mark.parametrize("plan", [{"take_profit_pct": ()}, {"stop_loss_pct": None}], ids=["a stop", "a target"])
async def test_one_exit_goes_with_its_entry_too(open_world: OpenWorld, guarded: World, plan: dict[str, Any]) -> None:
    world = await open_world(**{**WITH_PLAN, **plan})
    await world.say("BUY_SM")
    (request,) = guarded.venue.entered
    assert len(request.exits) == 1
    assert world.portfolio.protected(StrategyBook(WIF)) == HELD
    assert world.portfolio.plans[StrategyBook(WIF)].state is PlanState.GUARDED
