"""Steps of an entry: bought below it while its position is open, each once, and never left behind."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.domain.dca_step import DcaStep
from core.domain.events.approvals import ApprovalRequested
from core.domain.events.entries import EntryMissed
from core.domain.events.orders import OrderFailed
from core.domain.exit_plan import Breakeven, Level, Target
from core.domain.limit_entry import LimitEntry, OnTimeout
from core.domain.order import Order, Rejected
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderType, TimeInForce
from core.domain.reasons import reason
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import PlanState
from core.domain.trade_size import SizeKind, TradeSize
from core.domain.trading_state import Mode, Pause, TradingState
from core.records.message_outcome import MessageOutcome
from tests.core.conftest import OpenWorld, Restart
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import LOST, Course, part_filled, refused
from tests.core.world import World

WIF = "WIFUSDC"
BOOK = StrategyBook(WIF)
STEPS = (DcaStep(Decimal("2.5")), DcaStep(Decimal(5), Decimal("1.5")))
WITH_STEPS: dict[str, Any] = {
    "max_entries": 3,
    "dca_steps": STEPS,
    "stop_loss_pct": Decimal(8),
    "take_profit_pct": (Target(Level(pct=Decimal(10))),),
}


@pytest.fixture
async def stepped(open_world: OpenWorld) -> World:
    """Returns a process whose entries have two steps, 2.5 and 5 % below, a stop 8 % below and a target 10 % above."""
    return await open_world(**WITH_STEPS)


def waiting(world: World) -> list[tuple[Decimal | None, Decimal]]:
    """Returns limit and quantity of the purchases that rest on the exchange, as the ledger has them."""
    return [(one.terms.limit_price, one.qty) for one in world.portfolio.entries_for(BOOK)]


def step(world: World, number: int) -> Order:
    return next(one for one in world.portfolio.entries_for(BOOK) if one.signal.step and one.signal.step.number == number)


def became(outcome: MessageOutcome | None) -> str:
    assert outcome is not None
    return outcome.reason.code if outcome.reason is not None else outcome.outcome


def resting_buys(world: World) -> int:
    """Returns how many orders rest to buy, as the exchange has them."""
    known = [world.venue._known[name] for name in world.venue._terms if name in world.venue._known]
    return sum(one.report.side == "BUY" and not one.report.state.final for one in known)


async def buy(world: World, **fields: Any) -> MessageOutcome | None:
    signal = replace(world.signal("BUY_SM"), **fields)
    return await world.clock.run(world.inbox.ask(world.said(signal)))


async def entered(world: World, **fields: Any) -> None:
    assert became(await buy(world, **fields)) == "ordered"
    await world.clock.forward(3)


async def test_the_steps_wait_below_the_average_price(stepped: World) -> None:
    await entered(stepped)
    assert waiting(stepped) == [(Decimal("0.4680"), Decimal(20)), (Decimal("0.4560"), Decimal(30))]
    assert resting_buys(stepped) == 2
    assert all(one.expires_at is None for one in stepped.portfolio.entries_for(BOOK))
    assert stepped.portfolio.position(BOOK).qty == Decimal("19.98")


async def test_they_wait_however_old_they_become(stepped: World) -> None:
    await entered(stepped)
    await stepped.clock.forward(5_000)
    assert len(waiting(stepped)) == 2


async def test_the_plan_counts_from_the_new_average_after_each(stepped: World, ledger: MemoryLedger) -> None:
    await entered(stepped)
    stepped.venue.trade(WIF, "0.4679")
    await stepped.clock.forward(8)
    position, plan = stepped.portfolio.position(BOOK), stepped.portfolio.plans[BOOK]
    assert (position.qty, position.entries, len(waiting(stepped))) == (Decimal("39.96"), 2, 1)
    assert (plan.entry_price, plan.state) == (Decimal("0.474"), PlanState.GUARDED)
    assert stepped.portfolio.protected(BOOK) == Decimal("39.96")
    stepped.venue.trade(WIF, "0.4559")
    await stepped.clock.forward(8)
    position = stepped.portfolio.position(BOOK)
    assert (position.qty, position.entries, waiting(stepped)) == (Decimal("69.93"), 3, [])
    assert stepped.portfolio.plans[BOOK].entry_price == position.average_price
    assert stepped.portfolio.protected(BOOK) == Decimal("69.93")
    assert len(ledger.executions) == 3


async def test_those_of_a_record_take_the_place_of_the_settings(stepped: World) -> None:
    sizes = (TradeSize(SizeKind.QUANTITY, Decimal(12)), TradeSize(SizeKind.QUOTE, Decimal(20)))
    own = tuple(DcaStep(Decimal(pct), size=size) for pct, size in zip((1, 3), sizes, strict=True))
    await entered(stepped, steps=own)
    assert waiting(stepped) == [(Decimal("0.4752"), Decimal(12)), (Decimal("0.4656"), Decimal("42.95"))]


async def test_they_count_from_what_was_filled(stepped: World) -> None:
    stepped.venue.next(part_filled("0.6"))
    await entered(stepped)
    assert [qty for _, qty in waiting(stepped)] == [Decimal(12), Decimal(18)]


async def test_an_entry_that_waits_has_them_once_it_has_come_to_its_end(stepped: World) -> None:
    assert became(await stepped.enter("0.47", expires_in=60)) == "ordered"
    (entry,) = stepped.portfolio.entries_for(BOOK)
    stepped.venue.fill(entry.client_order_id, Decimal("0.47"), Decimal(15))
    await stepped.clock.forward(10)
    assert len(waiting(stepped)) == 1
    await stepped.clock.forward(60)
    assert [qty for _, qty in waiting(stepped)] == [Decimal(15), Decimal("22.5")]


async def test_another_entry_beside_them_counts_them(stepped: World) -> None:
    await entered(stepped)
    assert became(await stepped.say("BUY_SM")) == "max_entries_with_steps"
    stepped.portfolio.limits = replace(stepped.portfolio.limits, max_entries=4)
    assert became(await stepped.say("BUY_SM")) == "ordered"
    assert len(waiting(stepped)) == 2, "what adds brings no steps of its own"


async def test_an_entry_that_came_before_them_and_waits_is_counted(stepped: World) -> None:
    """It is in the symbol's mailbox when the entry ends, and so before its steps."""
    at_limit = LimitEntry(OrderType.LIMIT, Decimal("0.47"), TimeInForce.GTC, timedelta(seconds=600), OnTimeout.CANCEL)
    entry, adds = stepped.signal("BUY_SM"), replace(stepped.signal("BUY_SM"), entry=at_limit)
    both = asyncio.gather(*(stepped.inbox.ask(stepped.said(one)) for one in (entry, adds)))
    assert [became(one) for one in await stepped.clock.run(both)] == ["ordered", "ordered"]
    await stepped.clock.forward(5)
    assert [price for price, _ in waiting(stepped)] == [Decimal("0.47"), Decimal("0.468")], "the second step would be the fourth"


@pytest.mark.parametrize("exit_type", ["SELL_SM", "stop", "target"])
async def test_none_is_left_once_the_position_is_closed(stepped: World, ledger: MemoryLedger, exit_type: str) -> None:
    await entered(stepped)
    if exit_type == "SELL_SM":
        await stepped.say("SELL_SM")
    else:
        (one,) = [leg for leg in stepped.portfolio.resting_for(BOOK) if leg.terms.type.has_trigger == (exit_type == "stop")]
        stepped.venue.fill(one.client_order_id, one.price)
    await stepped.clock.forward(15)
    assert (stepped.portfolio.position(BOOK).is_open, waiting(stepped), resting_buys(stepped)) == (False, [], 0)
    assert (stepped.portfolio.plans, stepped.portfolio.in_flight) == ({}, {})
    assert not [event for event in ledger.events if isinstance(event, EntryMissed)], "the exit is told"


async def test_none_is_left_of_a_position_without_a_plan(open_world: OpenWorld) -> None:
    world = await open_world(max_entries=3, dca_steps=STEPS)
    await entered(world)
    assert len(waiting(world)) == 2
    held = world.portfolio.position(BOOK)
    world.portfolio.positions[BOOK] = replace(held, qty=Decimal(0), is_open=False, opened_at=None)  # as after a fee
    await world.clock.forward(15)
    assert (waiting(world), resting_buys(world)) == ([], 0)


async def test_what_a_step_buys_once_the_position_is_closed_is_sold_at_once(stepped: World, ledger: MemoryLedger) -> None:
    await entered(stepped)
    late, (stop,) = step(stepped, 1), [leg for leg in stepped.portfolio.resting_for(BOOK) if leg.terms.type.has_trigger]
    stepped.venue.fill(stop.client_order_id, Decimal("0.4416"))
    stepped.venue.fill(late.client_order_id, Decimal("0.468"))
    await stepped.clock.forward(20)
    assert ledger.orders[late.client_order_id].state is OrderState.FILLED
    assert (stepped.portfolio.position(BOOK).is_open, waiting(stepped), stepped.portfolio.plans) == (False, [], {})
    sold = [one for one in ledger.executions.values() if one.side == "SELL"]
    assert [(one.signal_type, one.qty) for one in sold] == [("SELL_STOP_LOSS", Decimal("19.98")), ("SELL_STEP", Decimal("19.98"))]


async def test_one_that_is_taken_off_does_not_count_as_an_entry(stepped: World) -> None:
    await entered(stepped)
    before = stepped.portfolio.position(BOOK)
    await stepped.set(pause=Pause.ENTRIES)
    await stepped.clock.forward(15)
    assert waiting(stepped) == []
    after = stepped.portfolio.position(BOOK)
    assert (after.entry_count, after.last_entry) == (1, before.last_entry)


async def test_a_pause_takes_them_off_and_they_do_not_come_back(stepped: World, ledger: MemoryLedger) -> None:
    await entered(stepped)
    await stepped.set(pause=Pause.ENTRIES)
    await stepped.clock.forward(15)
    assert (waiting(stepped), resting_buys(stepped)) == ([], 0)
    missed = [event for event in ledger.events if isinstance(event, EntryMissed)]
    assert [one.order.reason.code for one in missed if one.order.reason] == ["entry_paused"] * 2
    await stepped.set(pause=Pause.OFF)
    await stepped.clock.forward(60)
    assert waiting(stepped) == []
    assert stepped.portfolio.position(BOOK).is_open


async def test_one_that_is_refused_is_told_and_the_others_stay(stepped: World, ledger: MemoryLedger) -> None:
    poor = Rejected(reason("insufficient_balance", asset="USDC"))
    stepped.venue.next(Course(), Course(), refused(poor))  # the entry, its exits, the first step
    await entered(stepped)
    await stepped.clock.forward(60)
    assert waiting(stepped) == [(Decimal("0.4560"), Decimal(30))]
    failed = [event for event in ledger.events if isinstance(event, OrderFailed)]
    assert [(one.order.signal.signal_type, str(one.order.reason)) for one in failed] == [("BUY_STEP", str(poor.reason))]


async def test_nobody_is_asked_about_them(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    world = await open_world(**WITH_STEPS, trading_state=TradingState(mode=Mode.CONFIRM))
    assert became(await buy(world)) == "awaiting_approval"
    (asked,) = [event for event in ledger.events if isinstance(event, ApprovalRequested)]
    assert asked.steps == ((Decimal("0.4680"), Decimal(20)), (Decimal("0.4560"), Decimal(30)))
    world.portfolio.limits = replace(world.portfolio.limits, dca_steps=(DcaStep(Decimal(1), Decimal(50)),))
    await world.tap(world.question().token)
    await world.clock.forward(3)
    assert waiting(world) == list(asked.steps), "what was shown is bought, whatever is set since"
    assert not world.portfolio.approvals


async def test_a_crash_before_the_entry_is_settled_neither_loses_nor_doubles_one(
    stepped: World, restart: Restart, ledger: MemoryLedger
) -> None:
    stepped.venue.next(Course(answer=LOST, visible_after=3))
    asked = asyncio.ensure_future(stepped.inbox.ask(stepped.said(stepped.signal("BUY_SM"))))
    await stepped.clock.forward(1)
    await stepped.crash()
    asked.cancel()
    again = await restart(stepped, ledger)
    await again.clock.forward(30)
    assert [qty for _, qty in waiting(again)] == [Decimal(20), Decimal(30)]
    assert resting_buys(again) == 2


async def test_a_restart_places_none_again(stepped: World, restart: Restart, ledger: MemoryLedger) -> None:
    await entered(stepped)
    await stepped.crash()
    again = await restart(stepped, ledger)
    await again.clock.forward(60)
    assert (len(waiting(again)), resting_buys(again)) == (2, 2)


async def test_a_stop_above_them_takes_them_along(open_world: OpenWorld) -> None:
    world = await open_world(**{**WITH_STEPS, "breakeven_after": Breakeven(Decimal(3))})
    await entered(world)
    await world.clock.forward(12)
    world.venue.trade(WIF, "0.5")
    await world.clock.forward(20)
    world.venue.trade(WIF, "0.44")  # through the stop and both steps at once
    await world.clock.forward(40)
    assert (world.portfolio.position(BOOK).is_open, waiting(world), resting_buys(world)) == (False, [], 0)


@pytest.mark.parametrize(
    ("changes", "fields", "code"),
    [
        ({"max_entries": 2}, {}, "steps_too_many"),
        ({"stop_loss_pct": Decimal(2)}, {}, "step_at_stop"),
        ({"max_order_notional": Decimal(12)}, {}, "step_unfit"),
        ({}, {"steps": (DcaStep(Decimal(1), Decimal("0.1")),)}, "step_unfit"),
        ({}, {"steps": (DcaStep(Decimal(9)),)}, "step_at_stop"),
    ],
)
async def test_an_entry_whose_steps_cannot_be_is_refused(
    open_world: OpenWorld, changes: dict[str, Any], fields: dict[str, Any], code: str
) -> None:
    world = await open_world(**{**WITH_STEPS, **changes})
    assert became(await buy(world, **fields)) == code
    assert not world.portfolio.position(BOOK).is_open


async def test_the_stop_counts_from_the_average_after_the_steps_before(open_world: OpenWorld) -> None:
    """A second step 6 % below is above a stop of 5 %, once the first has brought the average down."""
    steps = (DcaStep(Decimal(4), Decimal(3)), DcaStep(Decimal(6)))
    world = await open_world(**{**WITH_STEPS, "dca_steps": steps, "stop_loss_pct": Decimal(5)})
    await entered(world)
    assert len(waiting(world)) == 2


async def test_steps_beside_an_open_position_are_refused(open_world: OpenWorld) -> None:
    world = await open_world(max_entries=5)
    await entered(world)
    assert became(await buy(world, steps=STEPS)) == "steps_beside"
