"""Entries at a limit: they rest, what they fill is protected, and they are taken off when their time is over."""

from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.domain.events.entries import EntryChased, EntryFilledPartly, EntryMissed, EntryRests
from core.domain.events.orders import OrderExecuted, OrderFailed
from core.domain.exit_plan import Level, StopLoss, Target
from core.domain.limit_entry import OnTimeout
from core.domain.messages import CancelRequested
from core.domain.order import Order, OrderRequest
from core.domain.order_messages import EntryDue, PlanRequested
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms, OrderType, TimeInForce
from core.domain.plan_leg import LegKind
from core.domain.signal import Side, client_order_id
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import PlanState
from core.domain.trade_size import SizeKind, TradeSize
from core.domain.trading_state import Mode, Pause
from tests.core.conftest import OpenWorld, Restart
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import lost
from tests.core.world import World, restarted

WIF = "WIFUSDC"
WITH_PLAN: dict[str, Any] = {"stop_loss_pct": Decimal(5), "take_profit_pct": (Target(Level(pct=Decimal(10))),)}


@pytest.fixture
async def planned(open_world: OpenWorld) -> World:
    """Returns a process whose entries have a stop 5 % below and a target 10 % above."""
    return await open_world(**WITH_PLAN)


def entry(world: World) -> Order:
    """Returns the entry that rests."""
    order = next(iter(world.portfolio.entries_for(StrategyBook(WIF))), None)
    assert order is not None
    return order


def kinds(ledger: MemoryLedger) -> list[str]:
    return [event.kind for event in ledger.events]


def protected(world: World) -> Decimal:
    return world.portfolio.protected(StrategyBook(WIF))


async def test_the_turn_ends_when_the_order_rests_and_it_is_told(planned: World, ledger: MemoryLedger) -> None:
    outcome = await planned.enter("0.47", expires_in=60)
    assert outcome is not None
    assert outcome.outcome == "ordered"
    order = entry(planned)
    assert (order.state, order.terms.limit_price, order.qty) == (OrderState.ACCEPTED, Decimal("0.47"), Decimal(20))
    assert planned.portfolio.in_flight == {}
    assert order.expires_at is not None
    assert (order.expires_at - order.created_at).total_seconds() == 60
    assert kinds(ledger) == ["entry_rests"]
    assert ledger.plans[order.client_order_id].state is PlanState.ENTERING


async def test_a_quote_amount_is_divided_by_the_limit_and_rounded_down(open_world: OpenWorld) -> None:
    world = await open_world(trade_quote=Decimal(10))
    await world.enter("0.47")
    assert entry(world).qty == Decimal("21.27")  # 21.276...


async def test_an_unfilled_entry_is_taken_off_in_time_and_missed(planned: World, ledger: MemoryLedger) -> None:
    await planned.enter("0.47", expires_in=60)
    name = entry(planned).client_order_id
    await planned.clock.forward(58)
    assert planned.venue.cancelled == []
    await planned.clock.forward(5)
    assert planned.venue.cancelled == [name]
    assert (ledger.orders[name].state, ledger.plans[name].state) == (OrderState.CANCELED, PlanState.MISSED)
    assert (planned.portfolio.resting, planned.portfolio.in_flight, planned.portfolio.plans) == ({}, {}, {})
    (missed,) = [event for event in ledger.events if isinstance(event, EntryMissed)]
    assert missed.order.reason is not None
    assert missed.order.reason.code == "entry_timeout"
    assert not any(isinstance(event, OrderFailed) for event in ledger.events)
    assert ledger.positions.get(StrategyBook(WIF)) is None or not ledger.positions[StrategyBook(WIF)].qty


async def test_a_fill_is_protected_and_the_plan_counts_from_its_price(planned: World, ledger: MemoryLedger) -> None:
    await planned.enter("0.47")
    name = entry(planned).client_order_id
    planned.venue.trade(WIF, "0.469")
    await planned.clock.forward(4)
    assert ledger.orders[name].state is OrderState.FILLED
    assert protected(planned) == Decimal("19.98")
    plan = ledger.plans[name]
    assert (plan.state, plan.entry_price) == (PlanState.GUARDED, Decimal("0.47"))
    assert kinds(ledger) == ["entry_rests", "order_executed"]


async def test_each_part_that_fills_is_protected_while_the_rest_waits(planned: World, ledger: MemoryLedger) -> None:
    await planned.enter("0.47")
    name = entry(planned).client_order_id
    planned.venue.fill(name, Decimal("0.47"), Decimal(12))
    await planned.clock.forward(4)
    assert (planned.portfolio.position(StrategyBook(WIF)).qty, protected(planned)) == (Decimal("11.988"), Decimal("11.98"))
    assert entry(planned).state is OrderState.PARTIALLY_FILLED
    planned.venue.fill(name, Decimal("0.47"), Decimal(5))
    await planned.clock.forward(8)
    assert protected(planned) == Decimal("16.98")
    assert ledger.plans[name].state is PlanState.GUARDED
    planned.venue.fill(name, Decimal("0.47"))
    await planned.clock.forward(8)
    assert protected(planned) == Decimal("19.98")
    assert sum(isinstance(event, EntryFilledPartly) for event in ledger.events) == 1
    (done,) = [event for event in ledger.events if isinstance(event, OrderExecuted)]
    assert done.execution.qty == Decimal(20)
    assert len(ledger.executions) == 1


async def test_a_part_that_is_too_little_to_sell_leaves_the_plan_entering(planned: World, ledger: MemoryLedger) -> None:
    await planned.enter("0.47")
    name = entry(planned).client_order_id
    planned.venue.fill(name, Decimal("0.47"), Decimal(2))  # worth less than the exchange's minimum order
    await planned.clock.forward(4)
    assert (ledger.plans[name].state, protected(planned)) == (PlanState.ENTERING, Decimal(0))
    planned.venue.fill(name, Decimal("0.47"))
    await planned.clock.forward(4)
    assert (ledger.plans[name].state, protected(planned)) == (PlanState.GUARDED, Decimal("19.98"))


async def test_partly_filled_at_its_end_the_plan_goes_on_with_what_was_bought(planned: World, ledger: MemoryLedger) -> None:
    await planned.enter("0.47", expires_in=30)
    name = entry(planned).client_order_id
    planned.venue.fill(name, Decimal("0.47"), Decimal(12))
    await planned.clock.forward(45)
    assert (ledger.orders[name].state, ledger.orders[name].executed_qty) == (OrderState.CANCELED, Decimal(12))
    assert (ledger.plans[name].state, protected(planned)) == (PlanState.GUARDED, Decimal("11.98"))
    assert [request.below.client_order_id for request in planned.venue.listed] == [
        order.client_order_id for order in planned.portfolio.resting_for(StrategyBook(WIF)) if order.terms.stop_price is not None
    ]  # the bracket of the first fill: the time-out did not touch it
    (done,) = [event for event in ledger.events if isinstance(event, OrderExecuted)]
    assert done.order.reason is not None
    assert done.order.reason.code == "entry_timeout"


async def test_a_maker_that_would_take_is_missed(planned: World, ledger: MemoryLedger) -> None:
    await planned.enter("0.481", kind=OrderType.LIMIT_MAKER)
    (missed,) = [event for event in ledger.events if isinstance(event, EntryMissed)]
    assert missed.order.reason is not None
    assert missed.order.reason.code == "would_take"
    assert [plan.state for plan in ledger.plans.values()] == [PlanState.MISSED]


async def test_a_second_buy_is_refused_while_an_entry_rests(planned: World) -> None:
    await planned.enter("0.47")
    outcome = await planned.say("BUY_SM")
    assert outcome is not None
    assert outcome.reason is not None
    assert outcome is not None
    assert (outcome.outcome, outcome.reason.code) == ("ignored", "entry_rests")


async def test_an_entry_that_rests_counts_as_a_position(open_world: OpenWorld) -> None:
    world = await open_world(max_open_positions=1)
    await world.enter("0.47")
    outcome = await world.say("BUY_SM", symbol="SOLUSDC", close="1.5")
    assert outcome is not None
    assert outcome.reason is not None
    assert outcome is not None
    assert (outcome.outcome, outcome.reason.code) == ("denied", "open_positions")


async def test_a_sell_cancels_an_entry_that_has_bought_nothing(planned: World, ledger: MemoryLedger) -> None:
    await planned.enter("0.47")
    outcome = await planned.say("SELL_SM")
    assert outcome is not None
    assert outcome.reason is not None
    assert outcome is not None
    assert (outcome.outcome, outcome.reason.code) == ("ignored", "entry_withdrawn")
    assert planned.portfolio.resting == {}
    assert "entry_missed" in kinds(ledger)


async def test_a_sell_cancels_the_entry_and_sells_what_it_bought(planned: World, ledger: MemoryLedger) -> None:
    await planned.enter("0.47")
    planned.venue.fill(entry(planned).client_order_id, Decimal("0.47"), Decimal(12))
    await planned.clock.forward(4)
    await planned.say("SELL_SM")
    assert planned.portfolio.resting == {}
    assert [row.qty for row in ledger.executions.values() if row.side is Side.SELL] == [Decimal("11.98")]
    assert not planned.portfolio.position(StrategyBook(WIF)).is_open
    assert planned.portfolio.plans == {}


@pytest.mark.parametrize(
    ("size", "sold", "is_left"), [(None, "19.98", False), (Decimal(100), "19.98", False), (Decimal(50), "5.99", True)]
)
async def test_an_exit_of_all_that_waits_sells_what_the_entry_has_bought_meanwhile_too(
    planned: World, ledger: MemoryLedger, size: Decimal | None, sold: str, *, is_left: bool
) -> None:
    await planned.enter("0.47", expires_in=300)
    name = entry(planned).client_order_id
    planned.venue.fill(name, Decimal("0.47"), Decimal(12))
    await planned.clock.forward(4)
    rules = planned.venue.rules[WIF]
    planned.venue.rules[WIF] = replace(rules, status="BREAK")
    await planned.clock.run(planned.market.load_instruments(None))
    exit_ = planned.signal("SELL_SM")
    part = None if size is None else TradeSize(SizeKind.POSITION, size)
    await planned.clock.run(planned.inbox.ask(planned.said(replace(exit_, size=part))))
    assert planned.portfolio.exits[StrategyBook(WIF)].why is not None
    planned.venue.fill(name, Decimal("0.47"), Decimal(8))
    await planned.clock.forward(20)
    planned.venue.rules[WIF] = rules
    await planned.clock.forward(61)
    sales = [order for order in ledger.orders.values() if order.side is Side.SELL and order.leg is None]
    assert sum(order.executed_qty for order in sales) == Decimal(sold)
    assert planned.portfolio.exits == {}
    assert planned.portfolio.position(StrategyBook(WIF)).is_open is is_left


async def test_a_cancel_that_loses_the_race_to_a_fill_sells_that(planned: World, ledger: MemoryLedger) -> None:
    await planned.enter("0.47")
    name = entry(planned).client_order_id
    planned.venue.fill(name, Decimal("0.47"))  # not heard of yet
    await planned.say("SELL_SM")
    assert ledger.orders[name].state is OrderState.FILLED
    assert [row.qty for row in ledger.executions.values() if row.side is Side.SELL] == [Decimal("19.98")]


@pytest.mark.parametrize("pause", [Pause.ALL, Pause.ENTRIES])
async def test_a_pause_takes_entries_off_and_no_protection(planned: World, pause: Pause, ledger: MemoryLedger) -> None:
    await planned.enter("0.47")
    planned.venue.fill(entry(planned).client_order_id, Decimal("0.47"), Decimal(12))
    await planned.clock.forward(4)
    await planned.set(pause=pause)
    await planned.clock.forward(4)
    assert not planned.portfolio.entries_for(StrategyBook(WIF))
    assert protected(planned) == Decimal("11.98")
    assert len(planned.venue.listed) == 1


async def test_observing_takes_entries_off(planned: World) -> None:
    await planned.enter("0.47")
    await planned.set(mode=Mode.OBSERVE)
    await planned.clock.forward(4)
    assert planned.portfolio.resting == {}


async def test_a_person_cancels_an_entry_that_rests(planned: World, ledger: MemoryLedger) -> None:
    await planned.enter("0.47")
    order = entry(planned)
    wish = planned.message(CancelRequested(WIF, order.client_order_id, 7, "Ann"), WIF)
    await planned.clock.run(planned.inbox.ask(wish))
    assert planned.portfolio.resting == {}
    (missed,) = [event for event in ledger.events if isinstance(event, EntryMissed)]
    assert missed.order.reason is not None
    assert missed.order.reason.params == {"who": "Ann"}


@pytest.mark.parametrize("filled", ["0", "12"])
async def test_an_entry_that_met_a_sale_of_ours_is_not_said_to_be_cancelled(
    planned: World, ledger: MemoryLedger, filled: str
) -> None:
    await planned.enter("0.47")
    order = entry(planned)
    if Decimal(filled):
        planned.venue.fill(order.client_order_id, Decimal("0.47"), Decimal(filled))
    planned.venue.end(order.client_order_id, OrderState.EXPIRED, why="EXPIRED_IN_MATCH")  # not heard of yet
    wish = planned.message(CancelRequested(WIF, order.client_order_id, 7, "Ann"), WIF)
    outcome = await planned.clock.run(planned.inbox.ask(wish))
    assert outcome is not None
    assert (outcome.outcome, outcome.reason.code if outcome.reason else "") == ("ignored", "not_resting")
    ended = ledger.orders[order.client_order_id]
    assert (ended.state, ended.reason.code if ended.reason else "") == (OrderState.EXPIRED, "met_ours")
    assert kinds(ledger)[-1] == ("order_executed" if Decimal(filled) else "entry_missed")


async def test_a_stop_that_sells_takes_the_rest_of_the_entry_off(planned: World, ledger: MemoryLedger) -> None:
    await planned.enter("0.47")
    name = entry(planned).client_order_id
    planned.venue.fill(name, Decimal("0.47"), Decimal(12))
    await planned.clock.forward(4)
    stop = next(order for order in planned.portfolio.resting_for(StrategyBook(WIF)) if order.terms.stop_price is not None)
    planned.venue.fill(stop.client_order_id, Decimal("0.446"))
    await planned.clock.forward(6)
    assert (planned.portfolio.resting, planned.portfolio.plans) == ({}, {})
    assert (ledger.orders[name].state, ledger.plans[name].state) == (OrderState.CANCELED, PlanState.CLOSED)


async def test_the_rest_is_bought_within_the_band_when_its_time_is_over(planned: World, ledger: MemoryLedger) -> None:
    await planned.enter("0.47", expires_in=30, on_timeout=OnTimeout.MARKET)
    name = entry(planned).client_order_id
    planned.venue.fill(name, Decimal("0.47"), Decimal(8))
    await planned.clock.forward(45)
    rest = planned.venue.placed[-1]
    assert rest.client_order_id == f"{name}E101"
    assert (rest.terms.limit_price, rest.qty) == (Decimal("0.4848"), Decimal("11.63"))  # what 12 at 0.47 cost
    spent = sum(row.quote_qty for row in ledger.executions.values())
    assert spent <= Decimal(20) * Decimal("0.47")
    (chased,) = [event for event in ledger.events if isinstance(event, EntryChased)]
    assert chased.following.client_order_id == rest.client_order_id
    assert ledger.plans[name].state is PlanState.GUARDED
    assert protected(planned) == Decimal("19.61")  # 19.63 less its fee
    assert planned.portfolio.in_flight == {}


async def test_what_follows_an_entry_stays_below_the_target_that_goes_out_with_it(
    open_world: OpenWorld, ledger: MemoryLedger
) -> None:
    """The target of what was bought is sent first, and the exchange ends it where an order of ours would buy from it."""
    near = (Target(Level(pct=Decimal(1))),)
    world = await open_world(**{**WITH_PLAN, "take_profit_pct": near, "trade_qty": Decimal(40)})
    world.venue.trade(WIF, "0.472")
    await world.enter("0.47", expires_in=30, on_timeout=OnTimeout.MARKET)
    name = entry(world).client_order_id
    await world.clock.forward(29)
    world.venue.fill(name, Decimal("0.47"), Decimal(20))  # not heard of before its time is over
    await world.clock.forward(5)
    booked = next(batch for batch in ledger.batches if batch.orders and batch.orders[0].state is OrderState.CANCELED)
    target = next(order for order in booked.orders if order.leg is not None and order.leg.kind is LegKind.TARGET)
    rest = next(order for order in booked.orders if order.leg is not None and order.leg.kind is LegKind.ENTRY)
    assert (target.terms.limit_price, rest.terms.limit_price) == (Decimal("0.4747"), Decimal("0.4746"))


async def test_an_entry_is_chased_at_most_so_often(planned: World, ledger: MemoryLedger) -> None:
    await planned.enter("0.47", kind=OrderType.LIMIT_MAKER, expires_in=10, on_timeout=OnTimeout.REPRICE)
    for _ in range(8):
        planned.venue.prices[WIF] += Decimal("0.0005")
        await planned.clock.forward(14)
    legs = [order.leg for order in ledger.orders.values() if order.leg is not None and order.leg.kind is LegKind.ENTRY]
    assert [leg.generation for leg in legs] == [1]
    assert planned.portfolio.resting == {}


async def test_a_chase_never_pays_more_than_the_band_or_the_first_order_would(planned: World, ledger: MemoryLedger) -> None:
    await planned.enter("0.47", expires_in=10, on_timeout=OnTimeout.REPRICE)
    planned.venue.trade(WIF, "0.49")
    await planned.clock.forward(14)
    order = entry(planned)
    assert order.terms.limit_price == Decimal("0.4848")
    assert order.qty * Decimal("0.4848") <= Decimal("9.4")
    await planned.clock.forward(80)
    assert planned.portfolio.resting == {}
    generations = [one.leg.generation for one in ledger.orders.values() if one.leg is not None]
    assert sorted(generations) == [1, 2, 3, 4, 5]
    (missed,) = [event for event in ledger.events if isinstance(event, EntryMissed)]
    assert missed.order.reason is not None
    assert missed.order.reason.code == "chases_used_up"
    assert [plan.state for plan in ledger.plans.values()] == [PlanState.MISSED]


async def test_nothing_is_chased_in_a_pause(planned: World, ledger: MemoryLedger) -> None:
    await planned.enter("0.47", expires_in=10, on_timeout=OnTimeout.MARKET)
    await planned.set(pause=Pause.ENTRIES)
    await planned.clock.forward(20)
    assert len(planned.venue.placed) == 1
    assert "entry_missed" in kinds(ledger)


async def test_the_time_goes_on_over_a_restart(planned: World, ledger: MemoryLedger, restart: Restart) -> None:
    await planned.enter("0.47", expires_in=60)
    name = entry(planned).client_order_id
    again = await restart(planned, ledger)
    assert entry(again).client_order_id == name
    await again.clock.forward(70)
    assert ledger.orders[name].state is OrderState.CANCELED
    assert again.portfolio.resting == {}


async def test_an_entry_without_an_answer_is_found_and_rests(planned: World, ledger: MemoryLedger) -> None:
    planned.venue.next(lost(executed=True, visible_after=2))
    await planned.enter("0.47", expires_in=60)
    assert entry(planned).state is OrderState.ACCEPTED
    assert kinds(ledger) == ["order_unanswered", "entry_rests"]
    assert sum(isinstance(event, EntryRests) for event in ledger.events) == 1


async def test_the_timer_of_an_order_that_another_followed_is_void(planned: World, ledger: MemoryLedger) -> None:
    await planned.enter("0.47", expires_in=30, on_timeout=OnTimeout.REPRICE)
    first = entry(planned).client_order_id
    planned.venue.trade(WIF, "0.49")
    await planned.clock.forward(34)
    second = entry(planned)
    late = planned.message(EntryDue(first), WIF)
    await planned.clock.run(planned.inbox.ask(late))
    assert entry(planned) == second
    assert planned.venue.cancelled == [first]


async def test_a_timer_that_comes_as_the_entry_has_filled_takes_no_protection_off(planned: World, ledger: MemoryLedger) -> None:
    await planned.enter("0.47", expires_in=30)
    name = entry(planned).client_order_id
    planned.venue.trade(WIF, "0.469")
    await planned.clock.forward(4)
    resting = planned.portfolio.resting_for(StrategyBook(WIF))
    await planned.clock.run(planned.inbox.ask(planned.message(EntryDue(name), WIF)))
    await planned.clock.forward(40)
    assert planned.portfolio.resting_for(StrategyBook(WIF)) == resting
    assert planned.venue.cancelled == []


async def test_a_cancel_that_was_under_way_in_a_crash_is_finished_and_followed(
    planned: World, ledger: MemoryLedger, restart: Restart
) -> None:
    await planned.enter("0.47", expires_in=30, on_timeout=OnTimeout.MARKET)
    name = entry(planned).client_order_id
    planned.venue.unavailable = True
    await planned.clock.forward(40)
    assert ledger.orders[name].state is OrderState.CANCEL_SUBMITTED
    await planned.crash()
    planned.venue.unavailable = False
    again = await restarted(planned, ledger)
    try:
        assert ledger.orders[name].state is OrderState.CANCELED
        assert [request.client_order_id for request in planned.venue.placed] == [name, f"{name}E101"]
        assert again.portfolio.position(StrategyBook(WIF)).is_open
    finally:
        await again.close()


async def test_what_follows_stays_below_our_own_target(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    world = await open_world(take_profit_pct=(Target(Level(pct=Decimal(1))),), trade_qty=Decimal(40))
    await world.enter("0.47", expires_in=30, on_timeout=OnTimeout.MARKET)
    world.venue.fill(entry(world).client_order_id, Decimal("0.47"), Decimal(12))
    await world.clock.forward(45)
    (target,) = [order for order in ledger.orders.values() if order.leg is not None and order.leg.kind is LegKind.TARGET][:1]
    assert target.terms.limit_price == Decimal("0.4747")
    assert world.venue.placed[-1].terms.limit_price == Decimal("0.4746")


async def test_nothing_new_is_protected_on_the_way_out(planned: World, ledger: MemoryLedger) -> None:
    await planned.enter("0.47")
    planned.venue.fill(entry(planned).client_order_id, Decimal("0.47"), Decimal(12))  # not heard of yet
    await planned.say("SELL_SM")
    assert planned.venue.listed == []
    assert [row.qty for row in ledger.executions.values() if row.side is Side.SELL] == [Decimal("11.98")]


async def test_an_entry_that_the_ledger_lost_is_found_and_taken_off(planned: World, ledger: MemoryLedger) -> None:
    terms = OrderTerms(OrderType.LIMIT, TimeInForce.GTC, Decimal("0.47"))
    lost_one = client_order_id(planned.signal("BUY_SM", name="lost"))
    await planned.venue.place(OrderRequest(lost_one, WIF, Side.BUY, Decimal(20), ledger.mark, terms))
    planned.trading.comparing.want([WIF])
    await planned.clock.forward(30)
    order = ledger.orders[lost_one]
    assert (order.signal.signal_type, order.state) == ("BUY_ADOPTED", OrderState.CANCELED)
    assert planned.portfolio.resting == {}


async def test_the_question_comes_first_where_a_person_is_asked(planned: World, ledger: MemoryLedger) -> None:
    await planned.set(mode=Mode.CONFIRM)
    await planned.enter("0.47", expires_in=30)
    assert planned.venue.placed == []
    await planned.clock.forward(20)
    await planned.tap(planned.question().token)
    order = entry(planned)
    assert (order.approved_by, order.terms.limit_price) == ("Ann", Decimal("0.47"))
    assert order.expires_at == planned.clock.now() + timedelta(seconds=30)  # its time begins when it is sent


@pytest.mark.parametrize("kind", ["timer", "sell"])
async def test_a_bug_while_an_entry_is_taken_off_leaves_nothing_behind(
    planned: World, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    await planned.enter("0.47", expires_in=30)
    name = entry(planned).client_order_id
    cancel, broken = planned.venue.cancel_order, iter([True])

    async def breaks_once(symbol: str, client_order_id: str) -> bool:
        if next(broken, False):
            raise ValueError
        return await cancel(symbol, client_order_id)

    monkeypatch.setattr(planned.venue, "cancel_order", breaks_once)
    if kind == "sell":
        outcome = await planned.say("SELL_SM")
        assert outcome is not None
        assert outcome.outcome == "failed"
    else:
        await planned.clock.forward(35)
    assert ledger.orders[name].state is OrderState.CANCELED
    assert (planned.portfolio.in_flight, planned.portfolio.resting) == ({}, {})
    assert len(ledger.outcomes) == len(ledger.messages)


async def test_an_entry_that_the_exchange_has_forgotten_ends_and_is_told(planned: World, ledger: MemoryLedger) -> None:
    await planned.enter("0.47", expires_in=5000)
    name = entry(planned).client_order_id
    planned.venue.forget()
    await planned.clock.forward(900)
    assert ledger.orders[name].state is OrderState.EXPIRED
    assert (planned.portfolio.resting, planned.portfolio.plans) == ({}, {})
    (missed,) = [event for event in ledger.events if isinstance(event, EntryMissed)]
    assert missed.order.reason is not None
    assert missed.order.reason.code == "entry_forgotten"


async def test_what_a_forgotten_entry_had_bought_is_an_execution(planned: World, ledger: MemoryLedger) -> None:
    await planned.enter("0.47", expires_in=5000)
    name = entry(planned).client_order_id
    planned.venue.fill(name, Decimal("0.47"), Decimal(5))
    await planned.clock.forward(60)
    planned.venue.forget()
    await planned.clock.forward(900)
    assert ledger.orders[name].state is OrderState.EXPIRED
    bought = ledger.executions[name]
    assert (bought.qty, bought.quote_qty, bought.fee) == (Decimal(5), Decimal("2.35"), Decimal("0.005"))
    assert bought.plan_id == name
    assert [event.order.client_order_id for event in ledger.events if isinstance(event, OrderExecuted)] == [name]
    assert [event for event in ledger.events if isinstance(event, EntryMissed)] == []


async def test_what_an_entry_bought_is_booked_before_a_sale_of_it_that_the_ledger_lost(
    planned: World, ledger: MemoryLedger
) -> None:
    """Adopted first, the sale would sell nothing, and what the entry filled would be held for ever."""
    await planned.enter("0.47", expires_in=600)
    name = entry(planned).client_order_id
    planned._timer.cancel()  # nothing is heard by itself
    planned.venue.fill(name, Decimal("0.47"))
    sale = client_order_id(planned.signal("SELL_SM", name="lost"))
    await planned.venue.place(OrderRequest(sale, WIF, Side.SELL, Decimal("19.98"), ledger.mark))
    planned.trading.comparing.want([WIF])
    await planned.clock.forward(30)
    assert ledger.orders[name].state is OrderState.FILLED
    assert ledger.orders[sale].signal.signal_type == "SELL_ADOPTED"
    assert not planned.portfolio.position(StrategyBook(WIF)).qty
    assert planned.venue.listed == []


async def test_an_entry_that_went_on_further_than_the_ledger_knows_keeps_its_plan(
    planned: World, ledger: MemoryLedger, restart: Restart
) -> None:
    """The ledger that was put back knows the first order alone: its next one was taken off, and the one after that has bought."""
    await planned.enter("0.47", expires_in=10, on_timeout=OnTimeout.REPRICE)
    name, before = entry(planned).client_order_id, deepcopy(ledger)
    planned.venue.trade(WIF, "0.49")  # beyond the band, where each of its orders stays
    await planned.clock.forward(24)
    last = entry(planned)
    assert last.client_order_id == f"{name}E102"
    planned.venue.fill(last.client_order_id, Decimal("0.4848"))
    await planned.clock.forward(5)
    held = protected(planned)
    assert held
    again = await restart(planned, before)
    await again.clock.forward(60)
    assert (before.plans[name].state, protected(again)) == (PlanState.GUARDED, held)
    assert again.portfolio.position(StrategyBook(WIF)).is_open
    assert planned.venue.placed[-1].client_order_id == last.client_order_id


async def test_a_stop_that_had_moved_up_stays_there_though_the_ledger_lost_that(
    planned: World, ledger: MemoryLedger, restart: Restart
) -> None:
    await planned.enter("0.47", expires_in=600)
    name = entry(planned).client_order_id
    planned.venue.fill(name, Decimal("0.47"), Decimal(14))
    await planned.clock.forward(5)
    before = deepcopy(ledger)
    plan = planned.portfolio.plans[StrategyBook(WIF)]
    moved = replace(plan.exits, stop=StopLoss(Level(price=Decimal("0.46"))))
    wanted = PlanRequested(WIF, moved, planned.portfolio.position(StrategyBook(WIF)).opened_at, 7, "Ann")
    await planned.clock.run(planned.inbox.ask(planned.message(wanted, WIF)))
    await planned.clock.forward(5)
    assert _stops(planned) == [Decimal("0.46")]
    again = await restart(planned, before)
    again.trading.comparing.want([WIF])
    await again.clock.forward(60)
    assert _stops(again) == [Decimal("0.46")]
    again.venue.fill(name, Decimal("0.47"), Decimal(5))  # all is placed anew
    await again.clock.forward(10)
    assert set(_stops(again)) == {Decimal("0.46")}


def _stops(world: World) -> list[Decimal | None]:
    """Returns where the stops at the exchange are."""
    legs = world.portfolio.resting_for(StrategyBook(WIF))
    return [leg.terms.stop_price for leg in legs if leg.leg is not None and leg.leg.kind is LegKind.STOP]
