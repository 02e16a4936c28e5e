"""The real ledger under the core: the next process continues where the last one stopped."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from core.adapters.ledger.opening import open_ledger
from core.adapters.ledger.sql_ledger import SqlLedger
from core.domain.messages import ApprovalAnswered
from core.domain.order import NotTaken
from core.domain.reasons import reason
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Mode, Pause, TradingState
from core.state.portfolio import Portfolio
from tests.core.conftest import Restart
from tests.core.engine.test_order_executor import became
from tests.core.memory_ledger import CountedLedger
from tests.core.scripted_venue import Course, ScriptedVenue, lost, refused
from tests.core.virtual_time import VirtualClock
from tests.core.world import LIMITS, World

TODAY = "2026-03-01"


@pytest.fixture
async def sql(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[SqlLedger]:
    """Opens a ledger in a file of its own."""
    ledger = await open_ledger(f"sqlite+aiosqlite:///{tmp_path}/ledger.db", clock)
    yield ledger
    await ledger.close()


@pytest.fixture
def on_disk(sql: SqlLedger, clock: VirtualClock) -> CountedLedger:
    return CountedLedger(sql, clock)


@pytest.fixture
async def world(on_disk: CountedLedger, clock: VirtualClock, venue: ScriptedVenue) -> World:
    """Returns a first process on the empty ledger; each test ends it by a restart."""
    world = World(Portfolio(TradingState(), LIMITS), clock=clock, ledger=on_disk, venue=venue)
    await clock.run(world.market.load_instruments(None))
    world.inbox.start([], [])
    return world


async def test_a_position_is_known_after_a_restart_and_can_be_sold(
    world: World, on_disk: CountedLedger, restart: Restart
) -> None:
    await world.say("BUY_SM")
    again = await restart(world, on_disk)
    assert again.portfolio.position(StrategyBook("WIFUSDC")) == world.portfolio.position(StrategyBook("WIFUSDC"))
    again.venue.prices["WIFUSDC"] = Decimal("0.60")
    assert became(await again.say("BUY_SM", close="0.60")) == ("ignored", "in_position")
    assert became(await again.say("SELL_SM", close="0.60")) == ("ordered", "")
    third = await restart(again, on_disk)
    assert not third.portfolio.position(StrategyBook("WIFUSDC")).is_open
    profit = again.portfolio.results_of(TODAY).get("USDC", 0)
    assert profit > 0
    assert third.portfolio.results_of(TODAY).get("USDC", 0) == profit


async def test_a_signal_that_comes_again_after_a_restart_is_known(world: World, on_disk: CountedLedger, restart: Restart) -> None:
    await world.say("BUY_SM", name="t/0/1")
    again = await restart(world, on_disk)
    assert await again.say("BUY_SM", name="t/0/1") is None
    assert len(again.venue.placed) == 1


async def test_pause_and_mode_survive(world: World, on_disk: CountedLedger, restart: Restart) -> None:
    await world.set(pause=Pause.ENTRIES, mode=Mode.CONFIRM)
    again = await restart(world, on_disk)
    assert (again.portfolio.trading_state.pause, again.portfolio.trading_state.mode) == (Pause.ENTRIES, Mode.CONFIRM)
    assert became(await again.say("BUY_SM")) == ("ignored", "entries_paused")


async def test_a_question_survives_and_is_answered_once(world: World, on_disk: CountedLedger, restart: Restart) -> None:
    await world.set(mode=Mode.CONFIRM)
    await world.say("BUY_SM")
    asked = world.question()
    again = await restart(world, on_disk)
    assert again.question() == asked
    assert became(await again.tap(asked.token)) == ("ordered", "")
    third = await restart(again, on_disk)
    assert became(await third.tap(asked.token)) == ("ignored", "approval_closed")
    assert len(third.venue.placed) == 1


@pytest.mark.parametrize("away", [30, 3600])
async def test_an_approved_order_that_never_arrived_is_placed_anew_only_while_the_approval_is_fresh(
    world: World, on_disk: CountedLedger, restart: Restart, clock: VirtualClock, away: float
) -> None:
    await world.set(mode=Mode.CONFIRM)
    await world.say("BUY_SM")
    await clock.forward(100)
    world.venue.next(lost(executed=False))
    answer = ApprovalAnswered(world.question().token, approve=True, user_id=7, who="Ann")
    await clock.run(world.inbox.deliver([world.message(answer, "WIFUSDC")]))
    await clock.forward(0.5)
    await world.crash()
    await clock.forward(away)
    again = await restart(world, on_disk)
    fresh = away < 60
    assert len(again.venue.placed) == (2 if fresh else 1)
    assert again.portfolio.position(StrategyBook("WIFUSDC")).is_open == fresh


@pytest.mark.parametrize(
    "course", [lost(executed=True, visible_after=3), lost(executed=False), Course(final_after=20, visible_after=15)]
)
async def test_a_crash_in_the_middle_of_an_order_still_makes_one(
    world: World, on_disk: CountedLedger, restart: Restart, clock: VirtualClock, course: Course
) -> None:
    world.venue.next(course)
    await clock.run(world.inbox.deliver([world.said(world.signal("BUY_SM")), world.said(world.signal("SELL_SM"))]))
    await clock.forward(1)
    await world.crash()
    assert len((await on_disk.load(TODAY)).orders) == 1
    again = await restart(world, on_disk)
    await clock.forward(6)  # an order of the earlier process may arrive until then
    state = await on_disk.load(TODAY)
    assert (state.orders, state.waiting) == ([], [])
    assert state.totals == {"buy_orders": 1, "sell_orders": 1}
    assert len(set(again.venue.executed)) == len(again.venue.executed) == 2
    assert not again.portfolio.position(StrategyBook("WIFUSDC")).is_open


async def test_an_exit_that_is_wanted_is_still_wanted_after_a_restart(
    world: World, on_disk: CountedLedger, restart: Restart, clock: VirtualClock
) -> None:
    await world.say("BUY_SM")
    world.venue.next(refused(NotTaken(reason("banned", seconds=70), retry_after=70)))
    await world.say("SELL_SM")
    wanted = world.portfolio.exits[StrategyBook("WIFUSDC")]
    again = await restart(world, on_disk)
    assert again.portfolio.exits == {StrategyBook("WIFUSDC"): wanted}
    assert became(await again.say("BUY_SM")) == ("ignored", "exit_wanted")
    await clock.forward(80)
    assert not again.portfolio.position(StrategyBook("WIFUSDC")).is_open
    assert (await clock.run(on_disk.load(TODAY))).exits == []
