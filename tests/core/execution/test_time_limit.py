"""A position whose plan has a time limit is sold when it is over, also after a restart; not if the plan has ended by then."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.domain.exit_plan import ExitPlan
from core.domain.messages import Message, SignalReceived
from core.domain.order_messages import PlanRequested
from core.domain.plan_leg import LegKind
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import PlanState
from core.domain.trading_state import Mode, Pause
from core.engine.protection_timer import SOURCE
from core.policy.exits.protection import STOPPED, exit_signal
from core.policy.exits.time_limit import TIMED_OUT
from tests.core.conftest import OpenWorld, Restart
from tests.core.execution.test_protection import WIF, assert_is_over, legs, sold
from tests.core.memory_ledger import MemoryLedger
from tests.core.world import World

HELD = Decimal("19.98")
TIMED: dict[str, Any] = {"stop_loss_pct": Decimal(5), "time_limit": timedelta(seconds=600)}


@pytest.fixture
async def timed(open_world: OpenWorld) -> World:
    """Returns a process whose entries have a stop, and are sold after ten minutes."""
    return await open_world(**TIMED)


async def test_after_its_time_the_position_is_sold_at_the_market(timed: World, ledger: MemoryLedger) -> None:
    await timed.say("BUY_SM")
    await timed.clock.forward(590)
    assert (sold(ledger), set(legs(timed))) == ([], {LegKind.STOP})
    await timed.clock.forward(15)
    assert sold(ledger) == [(TIMED_OUT, HELD)]
    assert_is_over(timed, ledger)


async def test_a_plan_may_be_a_time_limit_alone(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    world = await open_world(time_limit=timedelta(seconds=600))
    await world.say("BUY_SM")
    plan = world.portfolio.plans[StrategyBook(WIF)]
    assert (plan.state, plan.exposed_since, world.portfolio.resting) == (PlanState.GUARDED, None, {})
    messages = len(ledger.messages)
    await world.clock.forward(500)
    assert len(ledger.messages) == messages  # nothing is looked for again and again
    await world.clock.forward(110)
    assert sold(ledger) == [(TIMED_OUT, HELD)]
    assert_is_over(world, ledger)


async def test_a_time_that_was_over_while_the_program_was_dead_counts_at_the_start(
    timed: World, ledger: MemoryLedger, restart: Restart
) -> None:
    await timed.say("BUY_SM")
    await timed.crash()
    await timed.clock.forward(1000)
    again = await restart(timed, ledger)
    await again.clock.forward(20)
    assert sold(ledger) == [(TIMED_OUT, HELD)]
    assert_is_over(again, ledger)


@pytest.mark.parametrize("pause", [Pause.ALL, Pause.ENTRIES])
async def test_no_pause_and_no_mode_keeps_it(timed: World, ledger: MemoryLedger, pause: Pause) -> None:
    await timed.say("BUY_SM")
    await timed.set(pause=pause, mode=Mode.CONFIRM)
    await timed.clock.forward(615)
    assert sold(ledger) == [(TIMED_OUT, HELD)]


async def test_what_was_sold_before_is_not_sold_again(timed: World, ledger: MemoryLedger) -> None:
    await timed.say("BUY_SM")
    timed.venue.trade(WIF, "0.45")
    await timed.clock.forward(1000)
    assert sold(ledger) == [(STOPPED, HELD)]


@pytest.mark.parametrize("kind", [TIMED_OUT, STOPPED])
async def test_an_exit_of_a_plan_that_has_ended_sells_nothing_of_the_next_position(
    timed: World, ledger: MemoryLedger, kind: str
) -> None:
    await timed.say("BUY_SM")
    late = exit_signal(timed.portfolio.plans[StrategyBook(WIF)], kind, timed.clock.now())
    await timed.say("SELL_SM")
    await timed.clock.forward(5)
    await timed.say("BUY_SM")
    message = Message(SOURCE, late.signal_id, WIF, SignalReceived(late), timed.clock.now())
    outcome = await timed.clock.run(timed.inbox.ask(message))
    assert outcome is not None
    assert (outcome.outcome, outcome.reason and outcome.reason.code) == ("done", "plan_over")
    assert sold(ledger) == [("SELL_SM", HELD)]
    assert timed.portfolio.protected(StrategyBook(WIF)) == HELD


async def test_a_time_limit_that_was_taken_away_is_void(timed: World, ledger: MemoryLedger) -> None:
    await timed.say("BUY_SM")
    plan = timed.portfolio.plans[StrategyBook(WIF)]
    late = exit_signal(plan, TIMED_OUT, timed.clock.now())
    without: ExitPlan = replace(plan.exits, time_limit=None)
    opened_at = timed.portfolio.position(StrategyBook(WIF)).opened_at
    await timed.clock.run(timed.inbox.ask(timed.message(PlanRequested(WIF, without, opened_at, 7, "Ann"), WIF)))
    await timed.clock.run(timed.inbox.ask(Message(SOURCE, late.signal_id, WIF, SignalReceived(late), timed.clock.now())))
    await timed.clock.forward(700)
    assert sold(ledger) == []
