"""Exits left by an earlier process: an older version's unsettled sale becomes pending, a waiting attempt is no conflict."""

import asyncio
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.domain.events.signals import SignalRefused
from core.domain.exit_plan import Level, Target
from core.domain.order import OrderRequest
from core.domain.signal import Side, client_order_id
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Mode
from core.engine.symbol_halts import SymbolHalts
from tests.core.conftest import OpenWorld, Restart
from tests.core.execution.test_account_guard import set_back
from tests.core.execution.test_pending_exits import BANNED, NOT_ENOUGH, hear, is_held
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import Course, lost, refused
from tests.core.world import World


async def left_unsettled(world: World, ledger: MemoryLedger, *, executed: bool) -> None:
    """Ends the process with a sale under way, on a ledger older than pending exits."""
    await world.say("BUY_SM")
    world.venue.next(lost(executed=executed), *[refused(NOT_ENOUGH)] * 2)
    await hear(world)
    await world.crash()
    ledger.exits.clear()


@pytest.mark.parametrize("crashes", [1, 2])
async def test_a_sale_that_an_older_ledger_left_unsettled_is_wanted_too(
    world: World, ledger: MemoryLedger, restart: Restart, crashes: int
) -> None:
    await left_unsettled(world, ledger, executed=False)
    again = await restart(world, ledger)
    for _ in range(crashes - 1):
        await again.crash()
        again = await restart(again, ledger)
    assert is_held(again)
    (wanted,) = ledger.exits.values()
    assert (wanted.qty, wanted.why) == (Decimal("19.98"), NOT_ENOUGH.reason)
    await again.clock.forward(60)
    assert not is_held(again)
    assert again.portfolio.exits == {}
    assert len(set(again.venue.executed)) == len(again.venue.executed) == 2


async def test_one_that_was_executed_after_all_is_done(world: World, ledger: MemoryLedger, restart: Restart) -> None:
    await left_unsettled(world, ledger, executed=True)
    again = await restart(world, ledger)
    await again.clock.forward(60)
    assert not is_held(again)
    assert again.portfolio.exits == {}
    assert len(again.venue.placed) == 2


async def test_one_that_grew_too_old_meanwhile_is_told_loudly(world: World, ledger: MemoryLedger, restart: Restart) -> None:
    await left_unsettled(world, ledger, executed=False)
    await world.clock.forward(700)
    again = await restart(world, ledger)
    await again.clock.forward(60)
    told = ledger.events[-1]
    assert isinstance(told, SignalRefused)
    assert (told.outcome, told.lost_exit) == ("expired", True)
    assert again.portfolio.exits == {}
    assert len(again.venue.placed) == 2


async def test_an_attempt_that_waited_while_its_exit_was_renewed_is_no_conflict_and_not_too_old(
    world: World, ledger: MemoryLedger, restart: Restart
) -> None:
    """Repeats the signal with the next attempt stored behind it; the process ends before it handles either."""
    await world.say("BUY_SM")
    world.venue.next(*[refused(BANNED)] * 20)
    signal = replace(world.signal("SELL_SM"), dated=True)
    await world.clock.run(world.inbox.deliver([world.said(signal)]))
    await world.clock.forward(590)
    attempt = world.portfolio.exits[StrategyBook("WIFUSDC")].next_message(world.clock.now())
    renewed = world.said(replace(world.signal("SELL_SM"), dated=True))
    await world.crash()
    await ledger.store([renewed, attempt])
    world.venue.courses.clear()
    await world.clock.forward(20)
    again = await restart(world, ledger)
    await again.clock.forward(6)  # an order of the earlier process may arrive until then
    assert not is_held(again)
    assert (again.portfolio.exits, ledger.dead) == ({}, [])


async def test_an_attempt_that_was_renewed_is_the_same_attempt(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    world.venue.next(refused(BANNED))
    await world.clock.run(world.inbox.deliver([world.said(replace(world.signal("SELL_SM"), dated=True))]))
    await world.clock.forward(1)
    wanted = world.portfolio.exits[StrategyBook("WIFUSDC")]
    await world.crash()
    await ledger.store([wanted.next_message(world.clock.now())])
    again = replace(wanted, since=wanted.since + timedelta(seconds=30)).next_message(world.clock.now())
    assert await ledger.store([again]) == [None]
    assert ledger.dead == []


async def test_the_next_attempt_at_one_that_the_ledger_has_lost_sells_nothing_that_was_bought_since(
    world: World, ledger: MemoryLedger, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.say("BUY_SM")
    world.venue.next(*[refused(NOT_ENOUGH)] * 2)
    await hear(world)
    copy = deepcopy(ledger)
    await world.clock.forward(10)
    await world.say("BUY_SM")
    placed = len(world.venue.placed)
    # The attempt takes the orders over itself, in its own turn.
    monkeypatch.setattr(SymbolHalts, "look_for_orders", _never)
    again = await set_back(world, copy, restart, after=1.0)
    await again.clock.forward(10)
    assert len(again.venue.placed) == placed
    assert again.portfolio.position(StrategyBook("WIFUSDC")) == ledger.positions[StrategyBook("WIFUSDC")]
    assert again.portfolio.exits == {}


async def _never(*_: object) -> None:
    await asyncio.Event().wait()


async def test_a_sale_that_was_never_placed_is_not_placed_anew_where_a_lost_one_had_sold(
    world: World, ledger: MemoryLedger, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger's last commit is the intent of a first attempt that failed; a later one sold, and then there was an entry."""
    await world.say("BUY_SM")
    gate = asyncio.Event()
    world.venue.next(Course(executed=False, answer=NOT_ENOUGH, gate=gate))
    hearing = asyncio.create_task(world.inbox.ask(world.said(world.signal("SELL_SM"))))
    await world.clock.forward(1)
    copy = deepcopy(ledger)
    gate.set()
    await world.clock.run(hearing)
    await world.clock.forward(10)
    await world.say("BUY_SM")
    placed = len(world.venue.placed)
    monkeypatch.setattr(SymbolHalts, "look_for_orders", _never)
    again = await set_back(world, copy, restart, after=1.0)
    await again.clock.forward(30)
    assert len(again.venue.placed) == placed
    assert again.portfolio.position(StrategyBook("WIFUSDC")) == ledger.positions[StrategyBook("WIFUSDC")]
    assert (again.portfolio.exits, again.portfolio.in_flight) == ({}, {})


async def test_a_tap_on_a_question_whose_answer_the_ledger_has_lost_sells_nothing_that_was_bought_since(
    world: World, ledger: MemoryLedger, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit was approved and sold, and then there was an entry; its question still has its buttons in the chat."""
    await world.say("BUY_SM")
    await world.set(mode=Mode.CONFIRM)
    await world.say("SELL_SM")
    token = world.question().token
    copy = deepcopy(ledger)
    await world.tap(token)
    await world.set(mode=Mode.AUTO)
    await world.clock.forward(10)
    await world.say("BUY_SM")
    placed = len(world.venue.placed)
    monkeypatch.setattr(SymbolHalts, "look_for_orders", _never)
    again = await set_back(world, copy, restart, after=1.0)
    assert (await again.tap(token)).outcome == "denied"
    await again.clock.forward(30)
    assert len(again.venue.placed) == placed
    assert again.portfolio.position(StrategyBook("WIFUSDC")) == ledger.positions[StrategyBook("WIFUSDC")]
    assert (again.portfolio.exits, again.portfolio.approvals) == ({}, {})


async def test_what_the_ledger_lost_was_bought_after_the_stop_had_sold_and_is_not_sold_by_that_plan(
    open_world: OpenWorld, ledger: MemoryLedger
) -> None:
    """Its purchase is taken over before anybody heard that the stop had filled: the plan is over all the same."""
    world = await open_world(stop_loss_pct=Decimal(5))
    await world.say("BUY_SM")
    world._timer.cancel()  # nothing is heard by itself
    world.venue.trade("WIFUSDC", "0.45")
    lost_one = client_order_id(world.signal("BUY_SM", name="lost"))
    await world.venue.place(OrderRequest(lost_one, "WIFUSDC", Side.BUY, Decimal(10), ledger.mark))
    world.trading.comparing.want(["WIFUSDC"])
    await world.clock.forward(30)
    assert [order.signal.signal_type for order in ledger.orders.values()] == ["BUY_SM", "SELL_STOP_LOSS", "BUY_ADOPTED"]
    assert (world.portfolio.plans, world.portfolio.position(StrategyBook("WIFUSDC")).qty) == ({}, Decimal("9.99"))


async def test_what_a_sale_leaves_that_the_ledger_lost_is_protected_without_what_a_target_has_sold_meanwhile(
    open_world: OpenWorld, ledger: MemoryLedger
) -> None:
    """Nobody has heard yet that the target filled: what is placed anew would sell coins that are the owner's."""
    near, far = Target(Level(pct=Decimal(5)), Decimal(50)), Target(Level(pct=Decimal(10)), Decimal(50))
    world = await open_world(trade_qty=Decimal(80), stop_loss_pct=Decimal(5), take_profit_pct=(near, far))
    await world.say("BUY_SM")
    world._timer.cancel()  # nothing is heard by itself
    first, second = (one.above.client_order_id for one in world.venue.listed)
    world.venue.fill(first, Decimal("0.504"))
    await world.venue.cancel_order("WIFUSDC", second)
    lost_one = client_order_id(world.signal("SELL_SM", name="lost"))
    await world.venue.place(OrderRequest(lost_one, "WIFUSDC", Side.SELL, Decimal(20), ledger.mark))
    world.trading.comparing.want(["WIFUSDC"])
    await world.clock.forward(30)
    held = world.portfolio.position(StrategyBook("WIFUSDC")).qty
    assert held == Decimal("79.92") - Decimal("39.96") - 20
    assert [one.qty for one in world.venue.listed[2:]] == [held]


async def test_a_target_that_sold_more_than_is_held_is_booked_after_what_was_bought_for_it(
    open_world: OpenWorld, ledger: MemoryLedger, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger has lost a second purchase, and that what protects was placed anew for both; then the target sold all of it."""
    monkeypatch.setattr(SymbolHalts, "look_for_orders", _never)
    world = await open_world(stop_loss_pct=Decimal(5), take_profit_pct=(Target(Level(pct=Decimal(10))),))
    await world.say("BUY_SM")
    copy = deepcopy(ledger)
    lost_one = client_order_id(world.signal("BUY_SM", name="lost"))
    await world.venue.place(OrderRequest(lost_one, "WIFUSDC", Side.BUY, Decimal(10), ledger.mark))
    (listed,) = world.venue.listed
    target, stop = (replace(leg, client_order_id=f"{leg.client_order_id[:-2]}01") for leg in (listed.above, listed.below))
    for leg in (listed.above, listed.below):
        world.venue.end(leg.client_order_id)
    await world.venue.place_list(replace(listed, above=target, below=stop, qty=Decimal("29.97")))
    world.venue.fill(target.client_order_id, Decimal("0.528"))
    again = await set_back(world, copy, restart, after=1.0)
    await again.clock.forward(60)
    assert again.portfolio.position(StrategyBook("WIFUSDC")).qty == 0
    assert (again.portfolio.resting, again.portfolio.plans, again.portfolio.active_halts()) == ({}, {}, [])
    assert [row.signal_type for row in copy.executions.values()] == ["BUY_SM", "BUY_ADOPTED", "SELL_TAKE_PROFIT"]
