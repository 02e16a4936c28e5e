"""Adding to a position: a second entry enters it, and its plan counts from the new average price, for all that is held."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.texts import texts
from bot.views.approval import asked_lines
from bot.views.chat_message import plain_text
from core.domain.events.approvals import ApprovalRequested
from core.domain.events.orders import OrderExecuted
from core.domain.exit_plan import Breakeven, ExitPlan, Level, StopLoss, Target
from core.domain.money import ceil_to_step
from core.domain.order import NotTaken
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms
from core.domain.reasons import reason
from core.domain.signal import Side
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import PlanState, TradePlan
from core.domain.trading_state import Mode
from core.policy.strategy_settings import Override, StrategySettings
from core.records.message_outcome import MessageOutcome
from tests.core.conftest import OpenWorld, Restart
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import LOST, Course
from tests.core.world import World

WIF = "WIFUSDC"
BOOK = StrategyBook(WIF)
FIVE_AND_TEN: dict[str, Any] = {"stop_loss_pct": Decimal(5), "take_profit_pct": (Target(Level(pct=Decimal(10))),)}


@pytest.fixture
async def adding(open_world: OpenWorld) -> World:
    """Returns a process that may buy a position by three entries, with a stop 5 % below and a target 10 % above."""
    return await open_world(max_entries=3, **FIVE_AND_TEN)


async def add(world: World, price: str, plan: ExitPlan | None = None) -> MessageOutcome:
    """Moves the market to `price`, and buys there."""
    await world.clock.forward(12)  # prices of before are no longer fresh
    world.venue.trade(WIF, price)
    signal = replace(world.signal("BUY_SM", close=price), plan=plan)
    outcome = await world.clock.run(world.inbox.ask(world.said(signal)))
    assert outcome is not None
    return outcome


def became(outcome: MessageOutcome | None) -> str:
    assert outcome is not None
    return outcome.reason.code if outcome.reason is not None else outcome.outcome


def plan(world: World) -> TradePlan:
    return world.portfolio.plans[BOOK]


def resting(world: World) -> dict[str, set[Decimal | None]]:
    """Returns the prices of the orders that rest on the exchange to sell, as the exchange has them."""
    open_ones = [one for one in map(world.venue._known.get, world.venue._terms) if one is not None and not one.report.state.final]
    terms: list[OrderTerms] = [one.report.terms for one in open_ones if one.report.terms and one.report.side is Side.SELL]
    return {
        "stops": {one.stop_price for one in terms if one.stop_price is not None},
        "targets": {one.limit_price for one in terms if one.stop_price is None},
    }


async def test_with_one_entry_a_second_signal_is_refused_as_ever(open_world: OpenWorld) -> None:
    world = await open_world(**FIVE_AND_TEN)
    await world.say("BUY_SM")
    assert became(await add(world, "0.47")) == "in_position"


async def test_a_second_entry_enters_and_the_plan_counts_from_the_new_average(adding: World, ledger: MemoryLedger) -> None:
    await adding.say("BUY_SM")
    assert resting(adding) == {"stops": {Decimal("0.456")}, "targets": {Decimal("0.528")}}
    assert became(await add(adding, "0.46")) == "ordered"
    position = adding.portfolio.position(BOOK)
    assert (position.qty, position.average_price, position.entries) == (Decimal("39.96"), Decimal("0.47"), 2)
    assert (plan(adding).state, plan(adding).entry_price) == (PlanState.GUARDED, Decimal("0.47"))
    assert resting(adding) == {"stops": {Decimal("0.4465")}, "targets": {Decimal("0.517")}}
    assert adding.portfolio.protected(BOOK) == Decimal("39.96")
    assert len(ledger.executions) == 2
    told = [event for event in ledger.events if isinstance(event, OrderExecuted)][-1]
    assert told.plan is not None
    assert told.plan.entry_price == Decimal("0.47")
    assert [event.kind for event in ledger.events] == ["order_executed", "order_executed"], "what changed is told with it"


async def test_no_more_than_the_most_entries_are_made(adding: World) -> None:
    for price in ("0.48", "0.479", "0.478"):
        assert became(await add(adding, price)) == "ordered"
    refused = await add(adding, "0.477")
    assert refused.reason is not None
    assert (refused.reason.code, refused.reason.params["count"], refused.reason.params["limit"]) == ("max_entries", "3", "3")
    await adding.say("SELL_SM", close="0.477")
    assert became(await add(adding, "0.477")) == "ordered", "another position begins to count anew"
    assert adding.portfolio.position(BOOK).entries == 1


async def test_the_most_entries_are_a_strategys_in_its_symbol(open_world: OpenWorld) -> None:
    world = await open_world()
    world.portfolio.strategy_settings = StrategySettings({BOOK: Override({"max_entries": 2})}, frozenset())
    await world.say("BUY_SM")
    assert became(await world.say("BUY_SM")) == "ordered"
    assert became(await world.say("BUY_SM")) == "max_entries"
    await world.say("BUY_SM", symbol="SOLUSDC", close="1.5")
    assert became(await world.say("BUY_SM", symbol="SOLUSDC", close="1.5")) == "in_position"


async def test_what_is_added_is_no_other_position(open_world: OpenWorld) -> None:
    world = await open_world(max_entries=2, max_open_positions=1)
    await world.say("BUY_SM")
    assert became(await world.say("BUY_SM")) == "ordered"
    assert became(await world.say("BUY_SM", symbol="SOLUSDC", close="1.5")) == "open_positions"


async def test_what_a_signal_names_replaces_and_the_rest_stays(adding: World) -> None:
    await adding.say("BUY_SM")
    await add(adding, "0.47", ExitPlan(StopLoss(Level(price=Decimal("0.44")))))
    assert resting(adding) == {"stops": {Decimal("0.44")}, "targets": {Decimal("0.5225")}}
    await add(adding, "0.46", ExitPlan(targets=(Target(Level(price=Decimal("0.6"))),)))
    assert resting(adding) == {"stops": {Decimal("0.44")}, "targets": {Decimal("0.6")}}


async def test_a_plan_that_contradicts_the_price_is_refused(adding: World) -> None:
    await adding.say("BUY_SM")
    refused = await add(adding, "0.47", ExitPlan(StopLoss(Level(price=Decimal("0.475")))))
    assert became(refused) == "plan_stop_price"
    assert resting(adding) == {"stops": {Decimal("0.456")}, "targets": {Decimal("0.528")}}


async def test_a_target_that_has_sold_stays_sold(open_world: OpenWorld) -> None:
    targets = tuple(Target(Level(pct=Decimal(pct)), Decimal(50)) for pct in (2, 10))
    world = await open_world(max_entries=2, stop_loss_pct=Decimal(5), take_profit_pct=targets, trade_qty=Decimal(40))
    await world.say("BUY_SM")
    world.venue.trade(WIF, "0.4897")
    await world.clock.forward(4)
    assert len(plan(world).sold_at) == 1
    assert became(await add(world, "0.47")) == "ordered"
    position = world.portfolio.position(BOOK)
    assert resting(world)["targets"] == {ceil_to_step(position.average_price * Decimal("1.1"), Decimal("0.0001"))}
    assert len(plan(world).sold_at) == 1
    assert Decimal(0) <= position.qty - world.portfolio.protected(BOOK) < Decimal("0.01")


async def test_a_stop_at_breakeven_goes_up_with_the_cost_and_never_down(open_world: OpenWorld) -> None:
    world = await open_world(
        max_entries=3,
        stop_loss_pct=Decimal(5),
        take_profit_pct=(Target(Level(pct=Decimal(50))),),
        breakeven_after=Breakeven(Decimal(3)),
    )
    await world.say("BUY_SM")
    await world.clock.forward(12)
    world.venue.trade(WIF, "0.50")
    await world.clock.forward(20)
    (even,) = resting(world)["stops"]
    assert even is not None
    assert even > Decimal("0.48")
    await add(world, "0.52")
    (raised,) = resting(world)["stops"]
    assert raised is not None
    assert raised > Decimal("0.50")


async def test_the_first_part_is_protected_while_the_second_is_on_its_way(adding: World) -> None:
    await adding.say("BUY_SM")
    before, asked, gate = resting(adding), asyncio.Event(), asyncio.Event()
    adding.venue.next(Course(asked=asked, gate=gate))
    entering = asyncio.create_task(adding.say("BUY_SM"))
    await asked.wait()
    assert (resting(adding), adding.venue.cancelled) == (before, [])
    gate.set()
    assert became(await entering) == "ordered"
    assert len(adding.venue.cancelled) == 1, "what rested is placed anew once more is held"


async def test_what_rests_stays_where_nothing_was_bought(adding: World) -> None:
    await adding.say("BUY_SM")
    before, generation = resting(adding), plan(adding).generation
    adding.venue.next(Course(fills=Decimal(0), state=OrderState.EXPIRED))
    await adding.say("BUY_SM")
    await adding.clock.forward(30)
    assert (resting(adding), plan(adding).generation, adding.venue.cancelled) == (before, generation, [])


async def test_an_entry_that_adds_does_not_hold_the_exits_back(adding: World) -> None:
    await adding.say("BUY_SM")
    adding.venue.next(Course(executed=False, answer=NotTaken(reason("banned", seconds="40"), 40.0)))
    began = adding.clock.monotonic()
    await adding.say("BUY_SM")
    assert adding.clock.monotonic() - began < 10


async def test_a_crash_after_the_second_entry_is_finished_by_the_next_start(
    adding: World, restart: Restart, ledger: MemoryLedger
) -> None:
    await adding.say("BUY_SM")
    await adding.clock.forward(12)
    adding.venue.next(Course(answer=LOST, visible_after=3))
    asked = asyncio.ensure_future(adding.inbox.ask(adding.said(adding.signal("BUY_SM"))))
    await adding.clock.forward(1)
    await adding.crash()
    asked.cancel()
    again = await restart(adding, ledger)
    await again.clock.forward(20)
    assert again.portfolio.position(BOOK).qty == Decimal("39.96")
    assert again.portfolio.protected(BOOK) == Decimal("39.96")
    assert plan(again).state is PlanState.GUARDED


async def test_a_position_without_a_plan_gets_the_one_of_its_second_entry(open_world: OpenWorld) -> None:
    world = await open_world(max_entries=2)
    await world.say("BUY_SM")
    assert BOOK not in world.portfolio.plans
    await add(world, "0.46", ExitPlan(StopLoss(Level(pct=Decimal(5)))))
    assert plan(world).entry_price == Decimal("0.47")
    assert (world.portfolio.protected(BOOK), resting(world)["stops"]) == (Decimal("39.96"), {Decimal("0.4465")})


async def test_an_entry_at_a_limit_adds_as_it_fills(adding: World, ledger: MemoryLedger) -> None:
    await adding.say("BUY_SM")
    assert became(await adding.enter("0.46", expires_in=60)) == "ordered"
    assert became(await adding.say("BUY_SM")) == "entry_rests"
    order = next(iter(adding.portfolio.entries_for(BOOK)), None)
    assert order is not None
    for filled, held in ((Decimal(12), "31.968"), (None, "39.96")):
        adding.venue.fill(order.client_order_id, Decimal("0.46"), filled)
        await adding.clock.forward(10)
        assert adding.portfolio.position(BOOK).qty == Decimal(held)
        assert Decimal(held) - adding.portfolio.protected(BOOK) < Decimal("0.01")
    assert (adding.portfolio.position(BOOK).entries, plan(adding).entry_price) == (2, Decimal("0.47"))
    assert ledger.plans.keys() == {plan(adding).plan_id}


async def test_an_entry_at_a_limit_that_was_missed_leaves_the_plan_alone(adding: World) -> None:
    await adding.say("BUY_SM")
    before = plan(adding)
    await adding.enter("0.46", expires_in=30)
    await adding.clock.forward(40)
    assert not adding.portfolio.entries_for(BOOK)
    assert plan(adding) == before


async def test_a_time_limit_counts_from_the_entry_that_brings_it(adding: World) -> None:
    await adding.say("BUY_SM")
    await adding.clock.forward(100)
    await add(adding, "0.48", ExitPlan(time_limit=timedelta(seconds=60)))
    await adding.clock.forward(45)
    assert adding.portfolio.position(BOOK).is_open
    await adding.clock.forward(30)
    assert not adding.portfolio.position(BOOK).is_open


async def test_a_question_says_what_it_adds_to_and_what_all_of_it_would_have(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    world = await open_world(max_entries=3, **FIVE_AND_TEN)
    await world.say("BUY_SM")
    await world.set(mode=Mode.CONFIRM)
    await add(world, "0.46", ExitPlan(StopLoss(Level(pct=Decimal(8)))))
    (asked,) = [event for event in ledger.events if isinstance(event, ApprovalRequested)]
    assert asked.position is not None
    assert (asked.position.entries, asked.most_entries) == (1, 3)
    assert asked.plan == ExitPlan(StopLoss(Level(pct=Decimal(8))), (Target(Level(pct=Decimal(10))),))
    english, russian = ("\n".join(plain_text(line) for line in asked_lines(asked, texts(one))) for one in ("en", "ru"))
    assert "Adds to 19.98 WIF: entry 2 of 3; average price then about 0.4700" in english
    assert "Добавит к 19,98 WIF: вход 2 из 3; средняя цена станет около 0,4700" in russian
    assert "0.4324" in english, "8 % below the average"
    await world.tap(world.question().token)
    assert resting(world) == {"stops": {Decimal("0.4324")}, "targets": {Decimal("0.517")}}


async def test_what_rests_for_a_plan_that_the_ledger_has_lost_is_replaced_and_not_doubled(adding: World) -> None:
    await adding.say("BUY_SM")
    adding.portfolio.plans.clear()
    await adding.say("BUY_SM")
    held = adding.portfolio.position(StrategyBook(WIF)).qty
    assert sum(one.qty for one in adding.venue.listed) <= held
    await adding.clock.forward(10)
    assert adding.portfolio.protected(StrategyBook(WIF)) == held
    assert len(adding.venue.cancelled) > 0


async def test_an_entry_that_adds_spares_our_own_target(adding: World) -> None:
    rules = adding.venue.rules[WIF]
    adding.venue.rules[WIF] = replace(rules, resting=replace(rules.resting, may_expire_taker=True))
    await adding.clock.run(adding.market.load_instruments(None))
    await adding.say("BUY_SM")
    await adding.say("BUY_SM")
    assert [one.spares_ours for one in adding.venue.placed if one.side is Side.BUY] == [False, True]
