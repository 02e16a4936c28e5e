"""A stop that follows the market up rests on the exchange, and is moved there when it can rise enough."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core.domain.events.protection import PlanChanged
from core.domain.exit_plan import Level, Target
from core.domain.messages import Message
from core.domain.order import NotTaken
from core.domain.order_messages import PlanRequested, TrailingDue
from core.domain.order_state_machine import OrderState
from core.domain.reasons import reason
from core.domain.resting_rules import PriceBand
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import PlanState
from core.policy.exits.protection import STOPPED
from tests.core.conftest import OpenWorld, Restart
from tests.core.execution.test_breakeven import stops
from tests.core.execution.test_protection import WIF, assert_is_over, failures, sold
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import Course, refused
from tests.core.world import World

HELD = Decimal("19.98")
TRAILED: dict[str, Any] = {"trailing_pct": Decimal(5)}
LATER: dict[str, Any] = {"stop_loss_pct": Decimal(5), "trailing_pct": Decimal(2), "trailing_activation_pct": Decimal(5)}


@pytest.fixture
async def trailed(open_world: OpenWorld) -> World:
    """Returns a process whose stops follow the market 5 % below it, from the start."""
    return await open_world(**TRAILED)


async def go_to(world: World, price: str) -> None:
    world.venue.trade(WIF, price)
    await world.clock.forward(8)


async def test_it_starts_below_the_entry_and_follows_up_never_down(trailed: World, ledger: MemoryLedger) -> None:
    await trailed.say("BUY_SM")
    assert stops(trailed) == {Decimal("0.456")}
    await go_to(trailed, "0.50")
    assert stops(trailed) == {Decimal("0.475")}
    await go_to(trailed, "0.48")
    assert stops(trailed) == {Decimal("0.475")}
    await go_to(trailed, "0.60")
    assert (stops(trailed), trailed.portfolio.protected(StrategyBook(WIF))) == ({Decimal("0.57")}, HELD)
    assert (trailed.portfolio.plans[StrategyBook(WIF)].state, failures(ledger)) == (PlanState.GUARDED, [])
    await go_to(trailed, "0.569")
    assert sold(ledger) == [(STOPPED, HELD)]
    assert_is_over(trailed, ledger)


async def test_a_target_that_a_person_confirms_later_does_not_move_the_stop_back(trailed: World, ledger: MemoryLedger) -> None:
    await trailed.say("BUY_SM")
    await go_to(trailed, "0.50")
    position, seen = trailed.portfolio.position(StrategyBook(WIF)), trailed.portfolio.plans[StrategyBook(WIF)].exits
    wanted = replace(seen, targets=(Target(Level(pct=Decimal(50))),))
    await go_to(trailed, "0.60")
    await go_to(trailed, "0.58")
    asked = trailed.message(PlanRequested(WIF, wanted, position.opened_at, 7, "Ann", seen), WIF)
    await trailed.clock.run(trailed.inbox.ask(asked))
    await trailed.clock.forward(8)
    assert stops(trailed) == {Decimal("0.57")}
    assert trailed.portfolio.plans[StrategyBook(WIF)].exits.targets == wanted.targets


async def test_a_little_more_moves_nothing(trailed: World) -> None:
    """Each move takes off what protects for a moment."""
    await trailed.say("BUY_SM")
    await go_to(trailed, "0.4820")
    assert (stops(trailed), trailed.venue.cancelled) == ({Decimal("0.456")}, [])
    await go_to(trailed, "0.4830")
    assert stops(trailed) == {Decimal("0.4589")}


async def test_with_an_activation_the_hard_stop_stays_until_the_market_is_there(
    open_world: OpenWorld, ledger: MemoryLedger
) -> None:
    world = await open_world(**LATER)
    await world.say("BUY_SM")
    await go_to(world, "0.5039")
    assert stops(world) == {Decimal("0.456")}
    await go_to(world, "0.5041")
    assert stops(world) == {Decimal("0.4941")}
    await go_to(world, "0.5200")
    assert stops(world) == {Decimal("0.5096")}
    told = [event for event in ledger.events if isinstance(event, PlanChanged)]
    assert [event.change.cause for event in told] == ["trailing"]  # when it begins, and not at each step
    await go_to(world, "0.5050")
    assert sold(ledger) == [(STOPPED, HELD)]


async def test_beside_targets_all_their_stops_follow(open_world: OpenWorld) -> None:
    targets = (Target(Level(pct=Decimal(20)), Decimal(50)), Target(Level(pct=Decimal(40)), Decimal(50)))
    world = await open_world(**TRAILED, trade_qty=Decimal(40), take_profit_pct=targets)
    await world.say("BUY_SM")
    await go_to(world, "0.52")
    assert (stops(world), len(world.portfolio.resting_for(StrategyBook(WIF)))) == ({Decimal("0.494")}, 4)


async def test_it_goes_on_after_a_restart_from_where_it_rests(trailed: World, ledger: MemoryLedger, restart: Restart) -> None:
    await trailed.say("BUY_SM")
    await go_to(trailed, "0.52")
    await trailed.crash()
    again = await restart(trailed, ledger)
    await again.clock.forward(5)
    assert stops(again) == {Decimal("0.494")}
    again.venue.trade(WIF, "0.56")
    await again.clock.forward(30)
    assert stops(again) == {Decimal("0.532")}
    await go_to(again, "0.53")
    assert sold(ledger) == [(STOPPED, HELD)]


async def test_what_rests_stays_while_its_replacement_could_not_be_placed(trailed: World, ledger: MemoryLedger) -> None:
    await trailed.say("BUY_SM")
    rules = trailed.venue.rules[WIF]
    full = replace(rules, resting=replace(rules.resting, most_stops=0))
    trailed.market._instruments[WIF] = trailed.venue.rules[WIF] = full
    await go_to(trailed, "0.50")
    await go_to(trailed, "0.51")
    assert (trailed.venue.cancelled, stops(trailed), failures(ledger)) == ([], {Decimal("0.456")}, ["stops_full"])
    trailed.venue.rules[WIF] = trailed.market._instruments[WIF] = rules
    await trailed.clock.forward(70)
    assert (stops(trailed), trailed.portfolio.plans[StrategyBook(WIF)].state) == ({Decimal("0.4845")}, PlanState.GUARDED)


async def test_the_higher_stop_is_watched_while_the_earlier_one_rests(trailed: World, ledger: MemoryLedger) -> None:
    await trailed.say("BUY_SM")
    rules = trailed.venue.rules[WIF]
    trailed.market._instruments[WIF] = trailed.venue.rules[WIF] = replace(rules, resting=replace(rules.resting, most_stops=0))
    await go_to(trailed, "0.50")
    await go_to(trailed, "0.4750")
    assert sold(ledger) == [(STOPPED, HELD)]
    assert_is_over(trailed, ledger)


async def test_a_stop_out_of_the_price_band_is_watched_and_not_sent(trailed: World, ledger: MemoryLedger) -> None:
    await trailed.say("BUY_SM")
    rules = trailed.venue.rules[WIF]
    narrow = replace(rules, resting=replace(rules.resting, sell_band=PriceBand(down=Decimal("0.97"))))
    trailed.market._instruments[WIF] = trailed.venue.rules[WIF] = narrow
    await go_to(trailed, "0.50")
    assert (trailed.venue.cancelled, stops(trailed), failures(ledger)) == ([], {Decimal("0.456")}, ["price_out_of_band"])


async def test_it_moves_once_in_five_seconds_however_fast_the_market_rises(trailed: World, ledger: MemoryLedger) -> None:
    await trailed.say("BUY_SM")
    placed = len(trailed.venue.placed)
    for step in range(40):  # 20 s
        trailed.venue.trade(WIF, f"{Decimal('0.49') + step * Decimal('0.005'):f}")
        await trailed.clock.forward(0.5)
    assert 4 <= len(trailed.venue.placed) - placed <= 5
    await trailed.clock.forward(8)
    assert (stops(trailed), failures(ledger)) == ({Decimal("0.6508")}, [])  # 5 % below 0.685


async def test_a_rising_market_does_not_shorten_the_pause_that_the_exchange_asks_for(trailed: World) -> None:
    await trailed.say("BUY_SM")
    placed = len(trailed.venue.placed)
    trailed.venue.next(refused(NotTaken(reason("exchange_busy"), retry_after=60.0)), Course())
    await go_to(trailed, "0.50")
    for price in ("0.51", "0.52", "0.53", "0.54"):
        await go_to(trailed, price)
    assert (stops(trailed), len(trailed.venue.placed) - placed) == (set(), 1)
    await trailed.clock.forward(40)
    assert stops(trailed) == {Decimal("0.513")}


async def test_a_stop_that_fills_while_it_is_being_moved_is_the_exit(trailed: World, ledger: MemoryLedger) -> None:
    await trailed.say("BUY_SM")
    (stop,) = [order.client_order_id for order in trailed.portfolio.resting_for(StrategyBook(WIF))]
    placed, cancel = len(trailed.venue.placed), trailed.venue.cancel_order

    async def too_late(symbol: str, client_order_id: str) -> bool:
        trailed.venue.fill(stop, Decimal("0.456"))
        return await cancel(symbol, client_order_id)

    trailed.venue.cancel_order = too_late  # type: ignore[method-assign]
    await go_to(trailed, "0.50")
    assert (sold(ledger), len(trailed.venue.placed)) == ([(STOPPED, HELD)], placed)
    assert_is_over(trailed, ledger)


async def test_a_crash_between_the_two_steps_is_finished_at_the_start(
    trailed: World, ledger: MemoryLedger, restart: Restart
) -> None:
    await trailed.say("BUY_SM")
    trailed.venue.trade(WIF, "0.50")
    trailed.venue.next(refused(NotTaken(reason("exchange_busy"))), Course())
    while not any(order.state is OrderState.CANCELED for order in ledger.orders.values()):
        await trailed.clock.forward(0.1)
    await trailed.crash()
    again = await restart(trailed, ledger)
    await again.clock.forward(20)
    assert (stops(again), again.portfolio.protected(StrategyBook(WIF))) == ({Decimal("0.475")}, HELD)
    assert again.portfolio.plans[StrategyBook(WIF)].state is PlanState.GUARDED


async def test_a_move_of_another_plan_is_void(trailed: World) -> None:
    await trailed.say("BUY_SM")
    due = TrailingDue(WIF, "mf-" + "0" * 29, Decimal(1))
    await trailed.clock.run(trailed.inbox.ask(Message("test", "late", WIF, due, trailed.clock.now())))
    await trailed.clock.forward(5)
    assert (stops(trailed), trailed.venue.cancelled) == ({Decimal("0.456")}, [])
