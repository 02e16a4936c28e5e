"""Positions can always be closed: an exit is sent whatever the position is worth now, and stays pending until it is done."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.domain.approval import ApprovalState
from core.domain.events.approvals import ApprovalRequested
from core.domain.events.signals import ExitPending, SignalRefused
from core.domain.messages import ApprovalAnswered, ManualInstruction, Message, SignalReceived
from core.domain.order import NotTaken, Rejected
from core.domain.order_state_machine import OrderState
from core.domain.reasons import reason
from core.domain.signal import BY_HAND, Signal
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Mode, Pause, TradingState
from tests.core.conftest import OpenWorld, Restart
from tests.core.engine.test_order_executor import became
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import Course, part_filled, refused
from tests.core.virtual_time import NOON
from tests.core.world import World

BANNED = NotTaken(reason("banned", seconds=70), retry_after=70)
AWAY = NotTaken(reason("unreachable", detail="connection refused"))
TOO_LITTLE = Rejected(reason("filter_failure", filter="NOTIONAL"))
WRONG_STEP = Rejected(reason("filter_failure", filter="LOT_SIZE"))
NOT_ENOUGH = Rejected(reason("insufficient_balance", asset="WIF"))


def is_held(world: World, symbol: str = "WIFUSDC") -> bool:
    return world.portfolio.position(StrategyBook(symbol)).is_open


async def hear(world: World, kind: str = "SELL_SM") -> None:
    """Delivers a signal; its outcome comes later."""
    await world.clock.run(world.inbox.deliver([world.said(world.signal(kind))]))
    await world.clock.quiet()


# --- positions


async def test_what_has_lost_its_worth_is_still_held(open_world: OpenWorld) -> None:
    """Buys for 5.28 USDC; then the bid drops below the minimum order value: the exchange uses its average price."""
    world = await open_world(trade_qty=Decimal(11))
    await world.say("BUY_SM")
    world.venue.prices["WIFUSDC"] = Decimal("0.445")
    await world.clock.forward(10)
    assert became(await world.say("BUY_SM", close="0.445")) == ("ignored", "in_position")
    assert became(await world.say("SELL_SM", close="0.445")) == ("ordered", "")
    assert [order.qty for order in world.venue.placed] == [Decimal(11), Decimal("10.98")]
    assert not is_held(world)


async def test_it_is_the_exchange_that_says_no(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    world = await open_world(trade_qty=Decimal(11))
    await world.say("BUY_SM")
    world.venue.next(*[refused(TOO_LITTLE)] * 3)
    await world.say("SELL_SM")
    assert is_held(world)
    await world.clock.forward(60)
    assert not is_held(world)
    assert [event.reason.code for event in ledger.events if isinstance(event, ExitPending)] == ["filter_failure"]


# --- events between an exit and its end


def ban(world: World, _ledger: MemoryLedger) -> None:
    world.venue.next(*[refused(BANNED)] * 2)


def new_step(world: World, _ledger: MemoryLedger) -> None:
    world.venue.rules["WIFUSDC"] = replace(world.venue.rules["WIFUSDC"], step_size=Decimal(1))
    world.venue.next(refused(WRONG_STEP))


def new_balance(world: World, _ledger: MemoryLedger) -> None:
    world.venue.more["WIF"] = Decimal("-5.98")
    world.venue.next(refused(NOT_ENOUGH))


def no_ledger(_world: World, ledger: MemoryLedger) -> None:
    ledger.fail(100)


def no_exchange(world: World, _ledger: MemoryLedger) -> None:
    world.venue.next(*[refused(AWAY)] * 20)


def higher_notional(world: World, _ledger: MemoryLedger) -> None:
    world.venue.rules["WIFUSDC"] = replace(world.venue.rules["WIFUSDC"], min_notional=Decimal(100))
    world.venue.next(*[refused(TOO_LITTLE)] * 6)


def unknown_to_us(world: World, _ledger: MemoryLedger) -> None:
    world.market._instruments.pop("WIFUSDC")
    world.market._asked_at["WIFUSDC"] = world.clock.monotonic()


Trouble = Callable[[World, MemoryLedger], None]
TROUBLES = [(ban, 150), (new_step, 5), (new_balance, 5), (no_ledger, 102), (no_exchange, 200), (higher_notional, 60)]
TROUBLES += [(unknown_to_us, 30)]


@pytest.mark.parametrize(("trouble", "seconds"), TROUBLES, ids=[trouble.__name__ for trouble, _ in TROUBLES])
async def test_what_is_wanted_is_sold(world: World, ledger: MemoryLedger, trouble: Trouble, seconds: float) -> None:
    await world.say("BUY_SM")
    trouble(world, ledger)
    await hear(world)
    assert is_held(world)
    await world.clock.forward(seconds)
    sold = sum(order.executed_qty for order in ledger.orders.values() if order.side == "SELL")
    assert sold == {"new_step": Decimal(19), "new_balance": Decimal("14.00")}.get(trouble.__name__, Decimal("19.98"))
    executed = world.venue.executed
    assert len(set(executed)) == len(executed) == 2


@pytest.mark.parametrize(("trouble", "seconds"), TROUBLES, ids=[trouble.__name__ for trouble, _ in TROUBLES])
async def test_it_is_sold_across_a_restart_too(
    world: World, ledger: MemoryLedger, restart: Restart, trouble: Trouble, seconds: float
) -> None:
    await world.say("BUY_SM")
    trouble(world, ledger)
    await hear(world)
    await world.clock.forward(min(seconds / 2, 3))
    await world.crash()
    ledger._failing.clear()
    await world.clock.forward(20)
    again = await restart(world, ledger)
    await again.clock.forward(seconds + 30)
    assert len(set(again.venue.executed)) == len(again.venue.executed) == 2
    assert trouble is new_balance or not is_held(again)


async def test_a_halt_of_the_exchange_is_waited_for_and_told_once(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    rules = world.venue.rules["WIFUSDC"]
    world.venue.rules["WIFUSDC"] = replace(rules, status="BREAK")
    await world.clock.run(world.market.load_instruments(None))
    assert became(await world.say("SELL_SM")) == ("put_off", "not_trading")
    await world.clock.forward(200)
    assert is_held(world)
    (told,) = [event for event in ledger.events if isinstance(event, ExitPending)]
    assert told.reason.code == "not_trading"
    assert told.until is not None
    world.venue.rules["WIFUSDC"] = rules
    await world.clock.forward(31)
    assert not is_held(world)
    assert world.portfolio.exits == {}


async def test_nothing_is_entered_while_an_exit_is_wanted(world: World) -> None:
    await world.say("BUY_SM")
    world.venue.next(refused(BANNED))
    await hear(world)
    await world.clock.forward(5)
    assert became(await world.say("BUY_SM")) == ("ignored", "exit_wanted")
    await world.clock.forward(70)
    assert not is_held(world)
    assert became(await world.say("BUY_SM")) == ("ordered", "")


async def test_more_than_one_order_may_take_is_sold_by_several(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    world = await open_world(trade_qty=Decimal(200))
    await world.say("BUY_SM")
    world.venue.rules["WIFUSDC"] = replace(world.venue.rules["WIFUSDC"], market_max_qty=Decimal(60))
    await world.clock.run(world.market.load_instruments(None))
    await world.say("SELL_SM")
    await world.clock.forward(10)
    sold = [order for order in world.venue.placed if order.side == "SELL"]
    assert [order.qty for order in sold] == [Decimal(60), Decimal(60), Decimal(60), Decimal("19.8")]
    assert len({order.client_order_id for order in sold}) == 4
    assert not is_held(world)
    assert all(order.signal.signal_type == "SELL_SM" for order in ledger.orders.values() if order.side == "SELL")


async def test_what_an_empty_book_left_is_sold_next(world: World) -> None:
    await world.say("BUY_SM")
    world.venue.next(part_filled("0.25"), Course(fills=Decimal(0), state=OrderState.EXPIRED))
    await world.say("SELL_SM")
    assert is_held(world)
    await world.clock.forward(10)
    assert not is_held(world)


async def test_one_that_filled_nothing_is_tried_again_at_once_and_then_less_and_less_often(world: World) -> None:
    """Looks for exits that are due at each full second."""
    await world.say("BUY_SM")
    await world.clock.forward(0.5)
    world.venue.next(*[Course(fills=Decimal(0), state=OrderState.EXPIRED)] * 8)
    await hear(world)
    await world.clock.forward(120)
    tried = [(at - NOON).total_seconds() for at in world.venue.placed_at[1:]]
    assert tried == [0.5, 1, 2, 4, 8, 16, 31, 61, 91]
    assert not is_held(world)


async def test_no_more_is_sold_than_was_held_when_it_came(world: World) -> None:
    await world.say("BUY_SM")
    world.venue.next(refused(BANNED))
    await hear(world)
    held = world.portfolio.position(StrategyBook("WIFUSDC"))
    world.portfolio.positions[StrategyBook("WIFUSDC")] = replace(
        held, qty=held.qty * 2, cost=held.cost * 2
    )  # as an order that is adopted adds
    await world.clock.forward(80)
    assert world.venue.placed[-1].qty == Decimal("19.98")
    assert is_held(world)
    assert world.portfolio.exits == {}


async def test_where_nothing_is_free_it_waits_until_something_is(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    world.venue.more["WIF"] = Decimal("-19.98")
    world.venue.next(refused(NOT_ENOUGH))
    await hear(world)
    await world.clock.forward(60)
    waits = [event.reason.code for event in ledger.events if isinstance(event, ExitPending)]
    assert waits == ["insufficient_balance", "nothing_free"]
    world.venue.more.clear()
    await world.clock.forward(31)
    assert not is_held(world)


async def test_where_nothing_gets_free_it_ends_with_an_alert(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    world.venue.more["WIF"] = Decimal("-19.98")
    world.venue.next(refused(NOT_ENOUGH))
    await hear(world)
    await world.clock.forward(640)
    assert world.portfolio.exits == {}
    told = ledger.events[-1]
    assert isinstance(told, SignalRefused)
    assert (told.outcome, told.lost_exit, told.priority.name) == ("expired", True, "URGENT")


# --- exits that end undone


async def test_one_that_grows_too_old_is_told_loudly(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    world.venue.next(*[refused(AWAY)] * 1000)
    await hear(world)
    await world.clock.forward(640)
    assert is_held(world)
    told = ledger.events[-1]
    assert isinstance(told, SignalRefused)
    assert (told.outcome, told.lost_exit, told.priority.name) == ("expired", True, "URGENT")
    assert world.portfolio.exits == {}
    placed = len(world.venue.placed)
    await world.clock.forward(600)
    assert len(world.venue.placed) == placed


def raise_minimum(world: World) -> None:
    world.venue.rules["WIFUSDC"] = replace(world.venue.rules["WIFUSDC"], min_qty=Decimal(50), market_min_qty=Decimal(50))


@pytest.mark.parametrize("is_known", [False, True])
@pytest.mark.parametrize("falls_again", [False, True])
async def test_a_minimum_that_rose_is_waited_out_and_never_ends_it_in_silence(
    world: World, ledger: MemoryLedger, *, is_known: bool, falls_again: bool
) -> None:
    rules = world.venue.rules["WIFUSDC"]
    await world.say("BUY_SM")
    raise_minimum(world)
    if is_known:
        await world.clock.run(world.market.load_instruments(None))
    else:
        world.venue.next(refused(WRONG_STEP))
    await hear(world)
    await world.clock.forward(60)
    assert is_held(world)
    assert StrategyBook("WIFUSDC") in world.portfolio.exits
    if falls_again:
        world.venue.rules["WIFUSDC"] = rules
    await world.clock.forward(640)
    assert is_held(world) is not falls_again
    assert world.portfolio.exits == {}
    if not falls_again:
        told = ledger.events[-1]
        assert isinstance(told, SignalRefused)
        assert (told.outcome, told.lost_exit, told.priority.name) == ("expired", True, "URGENT")


async def test_a_part_that_is_too_little_is_refused_at_once(world: World) -> None:
    await world.say("BUY_SM")
    by_hand = ManualInstruction(7, "Ann", qty=Decimal("0.001"))
    signal = replace(world.signal("SELL_SM"), source=BY_HAND)
    said = Message(BY_HAND, signal.signal_id, signal.symbol, SignalReceived(signal, by_hand), world.clock.now())
    outcome = await world.clock.run(world.inbox.ask(said))
    assert outcome is not None
    assert became(outcome) == ("denied", "below_min_qty")
    assert world.portfolio.exits == {}


async def test_one_that_comes_too_late_is_told_loudly_where_something_is_held(world: World, ledger: MemoryLedger) -> None:
    for held in (False, True):
        await world.say("SELL_SM", age=700)
        told = ledger.events[-1]
        assert isinstance(told, SignalRefused)
        assert told.lost_exit is held
        await world.say("BUY_SM")


async def test_the_same_opinion_again_renews_it(world: World) -> None:
    await world.say("BUY_SM")
    world.venue.next(*[refused(AWAY)] * 1000)
    await hear(world)
    await world.clock.forward(500)
    assert became(await world.say("SELL_SM")) == ("ignored", "exit_wanted")
    await world.clock.forward(400)
    world.venue.courses.clear()
    await world.clock.forward(60)
    assert not is_held(world)


async def test_a_person_takes_its_place(world: World) -> None:
    await world.say("BUY_SM")
    await world.set(mode=Mode.OBSERVE)
    await world.set(mode=Mode.AUTO)
    world.venue.next(refused(BANNED))
    await hear(world)
    now = world.clock.now()
    signal = Signal(BY_HAND, "confirm:1", "SELL_MANUAL", "WIFUSDC", Decimal("0.48"), now)
    message = Message(BY_HAND, "confirm:1", "WIFUSDC", SignalReceived(signal, ManualInstruction(7, "Ann")), now)
    outcome = await world.clock.run(world.inbox.ask(message))
    assert became(outcome) == ("ordered", "")
    assert not is_held(world)
    await world.clock.forward(100)
    assert len(world.venue.executed) == 2


async def test_a_pause_keeps_it_back_and_its_end_lets_it_go(world: World) -> None:
    await world.say("BUY_SM")
    world.venue.next(refused(BANNED))
    await hear(world)
    await world.set(pause=Pause.ALL)
    await world.clock.forward(200)
    assert is_held(world)
    await world.set(pause=Pause.OFF)
    await world.clock.forward(31)
    assert not is_held(world)


async def test_a_bug_does_not_end_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.say("BUY_SM")
    world.venue.next(refused(AWAY), *[refused(AWAY)] * 6)
    await hear(world)
    await world.clock.forward(14)
    with monkeypatch.context() as broken:
        broken.setattr("core.execution.pending_exits.PendingExits.attempt", lambda *_: 1 / 0)
        await world.clock.forward(3)
    await world.clock.forward(60)
    assert not is_held(world)


# --- approvals


@pytest.fixture
async def asking(open_world: OpenWorld) -> World:
    """Holds WIF, with approval needed for everything."""
    world = await open_world(trading_state=TradingState())
    await world.say("BUY_SM")
    await world.set(mode=Mode.CONFIRM)
    return world


async def test_an_unanswered_question_is_asked_again_at_the_present_price(asking: World, ledger: MemoryLedger) -> None:
    assert became(await asking.say("SELL_SM")) == ("awaiting_approval", "")
    first = asking.question()
    asking.venue.prices["WIFUSDC"] = Decimal("0.44")
    await asking.clock.forward(121)
    await asking.time_out(first.token)
    await asking.clock.forward(2)
    again = asking.question()
    assert (again.token != first.token, again.price, again.qty) == (True, Decimal("0.44"), first.qty)
    assert became(await asking.say("BUY_SM", close="0.44")) == ("ignored", "exit_wanted")
    assert asking.question() == again
    await asking.tap(again.token)
    assert not is_held(asking)
    assert [one.state for one in ledger.approvals.values()] == [ApprovalState.EXPIRED, ApprovalState.APPROVED]


async def test_it_is_asked_while_it_is_wanted_and_its_end_is_told(asking: World, ledger: MemoryLedger) -> None:
    await asking.say("SELL_SM")
    while asking.portfolio.approvals:
        await asking.clock.forward(121)
        await asking.time_out(asking.question().token)
        await asking.clock.forward(2)
    assert len([event for event in ledger.events if isinstance(event, ApprovalRequested)]) == 5
    told = ledger.events[-1]
    assert isinstance(told, SignalRefused)
    assert told.lost_exit
    assert asking.venue.executed == asking.venue.executed[:1]


async def test_declined_it_is_over(asking: World) -> None:
    await asking.say("SELL_SM")
    await asking.tap(asking.question().token, approve=False)
    assert asking.portfolio.exits == {}
    await asking.clock.forward(300)
    assert asking.portfolio.approvals == {}
    assert is_held(asking)


async def test_what_was_approved_is_not_asked_about_again(asking: World) -> None:
    await asking.say("SELL_SM")
    asking.venue.next(*[refused(AWAY)] * 9)
    await asking.tap(asking.question().token)
    await asking.clock.forward(60)
    assert asking.portfolio.approvals == {}
    assert not is_held(asking)


@pytest.mark.parametrize(("half", "left"), [(False, "0"), (True, "99.9")])
async def test_a_question_is_about_all_of_it_and_half_is_half_of_all(open_world: OpenWorld, *, half: bool, left: str) -> None:
    world = await open_world(trade_qty=Decimal(200))
    await world.say("BUY_SM")
    await world.set(mode=Mode.CONFIRM)
    world.venue.rules["WIFUSDC"] = replace(world.venue.rules["WIFUSDC"], market_max_qty=Decimal(60))
    await world.clock.run(world.market.load_instruments(None))
    await world.say("SELL_SM")
    question = world.question()
    assert question.qty == Decimal("199.8")
    await world._ask(ApprovalAnswered(question.token, approve=True, user_id=7, who="Ann", half=half), "WIFUSDC")
    await world.clock.forward(10)
    assert world.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal(left)
    assert world.portfolio.exits == {}


async def test_half_of_what_has_shrunk_is_half_of_what_is_left(open_world: OpenWorld) -> None:
    """The protection may sell a part between the question and the answer: whoever wanted to keep half keeps half of the rest."""
    world = await open_world(trade_qty=Decimal(200))
    await world.say("BUY_SM")
    await world.set(mode=Mode.CONFIRM)
    await world.say("SELL_SM")
    question = world.question()
    world.portfolio.positions[StrategyBook("WIFUSDC")] = replace(
        world.portfolio.position(StrategyBook("WIFUSDC")), qty=Decimal(80)
    )
    await world._ask(ApprovalAnswered(question.token, approve=True, user_id=7, who="Ann", half=True), "WIFUSDC")
    await world.clock.forward(60)
    assert world.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal(40)
    assert world.portfolio.exits == {}


async def test_half_that_has_to_wait_stays_half(asking: World) -> None:
    await asking.say("SELL_SM")
    question = asking.question()
    rules = asking.venue.rules["WIFUSDC"]
    asking.venue.rules["WIFUSDC"] = replace(rules, status="BREAK")
    await asking.clock.run(asking.market.load_instruments(None))
    await asking._ask(ApprovalAnswered(question.token, approve=True, user_id=7, who="Ann", half=True), "WIFUSDC")
    asking.venue.rules["WIFUSDC"] = rules
    await asking.clock.forward(60)
    assert asking.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal("9.99")
    assert asking.portfolio.exits == {}


async def test_it_may_wait_before_it_can_be_asked_about(asking: World) -> None:
    rules = asking.venue.rules["WIFUSDC"]
    asking.venue.rules["WIFUSDC"] = replace(rules, status="BREAK")
    await asking.clock.run(asking.market.load_instruments(None))
    assert became(await asking.say("SELL_SM")) == ("put_off", "not_trading")
    asking.venue.rules["WIFUSDC"] = rules
    await asking.clock.forward(31)
    assert asking.question().qty == Decimal("19.98")


def test_the_age_of_an_exit_has_a_default(world: World) -> None:
    assert world.portfolio.limits.exit_max_age == timedelta(seconds=600)
