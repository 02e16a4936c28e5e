"""A plan that a person gives to a position or changes: carried out once, refused where it would sell at once, told."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from core.domain.events.protection import PlanChanged
from core.domain.exit_plan import Breakeven, ExitPlan, Level, StopLoss, Target
from core.domain.order_messages import PlanRequested
from core.domain.plan_leg import LegKind
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import PlanState
from core.policy.exits.protection import STOPPED, TAKEN
from core.records.message_outcome import MessageOutcome
from tests.core.conftest import OpenWorld, Restart
from tests.core.execution.test_breakeven import LADDER, stops
from tests.core.execution.test_protection import WIF, assert_is_over, legs, sold
from tests.core.memory_ledger import MemoryLedger
from tests.core.world import World

HELD = Decimal("19.98")


def exits(stop: str | None = None, target: str | None = None, breakeven: Breakeven | None = None) -> ExitPlan:
    """Returns a plan of distances in per cent."""
    stops = None if stop is None else StopLoss(Level(pct=Decimal(stop)))
    return ExitPlan(stops, () if target is None else (Target(Level(pct=Decimal(target))),), breakeven)


async def request(world: World, wanted: ExitPlan, opened_at: datetime | None = None) -> str:
    """Asks for a plan; returns the code of the reason why not, or nothing."""
    opened_at = opened_at or world.portfolio.position(StrategyBook(WIF)).opened_at
    outcome = await world.clock.run(world.inbox.ask(world.message(PlanRequested(WIF, wanted, opened_at, 7, "Ann"), WIF)))
    assert isinstance(outcome, MessageOutcome)
    return outcome.reason.code if outcome.reason is not None else ""


def changes(ledger: MemoryLedger) -> list[tuple[str, bool, str]]:
    return [(e.change.cause, e.change.is_new, e.change.by) for e in ledger.events if isinstance(e, PlanChanged)]


async def test_a_position_of_before_there_were_plans_gets_one(world: World, ledger: MemoryLedger, restart: Restart) -> None:
    await world.say("BUY_SM")
    again = await restart(world, ledger)
    assert await request(again, exits("5", "10")) == ""
    await again.clock.forward(20)
    assert {kind: order.qty for kind, order in legs(again).items()} == {LegKind.TARGET: HELD, LegKind.STOP: HELD}
    assert stops(again) == {Decimal("0.456")}  # 5 % below what was paid, fees left out
    (plan,) = ledger.plans.values()
    assert (plan.state, plan.plan_id in ledger.orders) == (PlanState.GUARDED, False)
    assert changes(ledger) == [("person", True, "Ann")]
    again.venue.trade(WIF, "0.45")
    await again.clock.forward(5)
    assert sold(ledger) == [(STOPPED, HELD)]
    assert_is_over(again, ledger)


async def test_what_is_wanted_takes_the_place_of_what_rests(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    world = await open_world(stop_loss_pct=Decimal(5))
    await world.say("BUY_SM")
    before = world.portfolio.plans[StrategyBook(WIF)]
    assert await request(world, exits("3", "10")) == ""
    assert stops(world) == {Decimal("0.4656")}
    assert set(legs(world)) == {LegKind.TARGET, LegKind.STOP}
    assert (world.portfolio.plans[StrategyBook(WIF)].plan_id, world.portfolio.protected(StrategyBook(WIF))) == (
        before.plan_id,
        HELD,
    )
    assert changes(ledger) == [("person", False, "Ann")]
    world.venue.trade(WIF, "0.53")
    await world.clock.forward(5)
    assert sold(ledger) == [(TAKEN, HELD)]


async def test_a_target_that_has_sold_stays_sold_when_the_stop_moves(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    world = await open_world(**{**LADDER, "breakeven_after": None})
    await world.say("BUY_SM")
    world.venue.trade(WIF, "0.5041")
    await world.clock.forward(5)
    plan = world.portfolio.plans[StrategyBook(WIF)]
    assert await request(world, replace(plan.exits, stop=StopLoss(Level(price=Decimal("0.49"))))) == ""
    assert (stops(world), world.portfolio.protected(StrategyBook(WIF))) == ({Decimal("0.49")}, HELD)
    assert len(world.portfolio.resting_for(StrategyBook(WIF))) == 2  # of one list: the second target's


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (ExitPlan(StopLoss(Level(price=Decimal("0.49")))), "stop_reached"),
        (ExitPlan(targets=(Target(Level(price=Decimal("0.47"))),)), "target_reached"),
        (exits("100"), "plan_stop_pct"),
        (exits("5", breakeven=Breakeven()), "plan_breakeven_target"),
        (exits("5"), "plan_unchanged"),
    ],
)
async def test_what_would_sell_at_once_or_contradicts_itself_changes_nothing(
    open_world: OpenWorld, ledger: MemoryLedger, wanted: ExitPlan, code: str
) -> None:
    world = await open_world(stop_loss_pct=Decimal(5))
    await world.say("BUY_SM")
    plan = world.portfolio.plans[StrategyBook(WIF)]
    assert await request(world, wanted) == code
    assert (world.portfolio.plans[StrategyBook(WIF)], world.venue.cancelled, changes(ledger)) == (plan, [], [])


async def test_a_position_that_is_another_one_by_then_is_left_alone(world: World) -> None:
    assert await request(world, exits("5")) == "no_position"
    await world.say("BUY_SM")
    shown = world.portfolio.position(StrategyBook(WIF)).opened_at
    await world.say("SELL_SM")
    await world.clock.forward(5)
    await world.say("BUY_SM")
    assert await request(world, exits("5"), shown) == "position_changed"
    assert world.portfolio.plans == {}


async def test_without_a_price_nothing_is_changed(open_world: OpenWorld) -> None:
    world = await open_world(stop_loss_pct=Decimal(5))
    await world.say("BUY_SM")
    world.venue.unavailable = True
    await world.clock.forward(10)
    assert await request(world, exits("3")) == "price_unknown"
    assert stops(world) == {Decimal("0.456")}


async def test_what_the_exchange_cannot_hold_is_refused_if_it_has_to(open_world: OpenWorld) -> None:
    limits: dict[str, Any] = {"stop_loss_pct": Decimal(5)}
    world = await open_world(**limits)
    await world.say("BUY_SM")
    rules = world.venue.rules[WIF]
    world.market._instruments[WIF] = world.venue.rules[WIF] = replace(rules, resting=replace(rules.resting, oco_allowed=False))
    assert await request(world, exits("4", "10")) == ""
    assert stops(world) == {Decimal("0.456")}  # it rests while the new ones cannot
    plan = world.portfolio.plans[StrategyBook(WIF)]
    assert (plan.state, plan.why and plan.why.code) == (PlanState.EXPOSED, "order_lists_missing")


async def test_a_plan_that_is_taken_away_leaves_nothing_on_the_exchange(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    world = await open_world(stop_loss_pct=Decimal(5))
    await world.say("BUY_SM")
    assert await request(world, ExitPlan()) == ""
    assert (world.portfolio.plans, world.portfolio.resting, world.portfolio.in_flight) == ({}, {}, {})
    assert world.portfolio.position(StrategyBook(WIF)).is_open
    assert sold(ledger) == []
    assert await request(world, exits("5")) == ""
    assert stops(world) == {Decimal("0.456")}


async def test_a_change_that_was_committed_is_carried_out_after_a_crash(
    open_world: OpenWorld, ledger: MemoryLedger, restart: Restart
) -> None:
    world = await open_world(stop_loss_pct=Decimal(5))
    await world.say("BUY_SM")
    asking = world.inbox.ask(
        world.message(PlanRequested(WIF, exits("3"), world.portfolio.position(StrategyBook(WIF)).opened_at, 7, "Ann"), WIF)
    )
    await world.clock.run(asking)
    await world.crash()
    again = await restart(world, ledger)
    await again.clock.forward(20)
    assert stops(again) == {Decimal("0.4656")}
    assert [leg.qty for leg in legs(again).values()] == [HELD]
