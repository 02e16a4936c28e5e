"""One account, one trader: lost orders are adopted, another trader's halt entries and never an exit."""

from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.domain.account import ACCOUNT, UNMARKED
from core.domain.approval import ApprovalState
from core.domain.errors import ExchangeUnavailable
from core.domain.events.orders import OrderAdopted, OrderExecuted
from core.domain.events.priority import Priority
from core.domain.events.symbol_halts import HaltAccepted, SymbolHalted
from core.domain.messages import AcceptRequested, Message
from core.domain.money import ZERO
from core.domain.order import ExecutionReport, RecentOrders
from core.domain.order_state_machine import OrderState
from core.domain.reasons import Reason
from core.domain.signal import ADOPTED, Side, client_order_id
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Mode, TradingState
from core.engine.inbox import Inbox
from core.records.message_outcome import MessageOutcome
from core.state.portfolio import Portfolio
from tests.core.conftest import OpenWorld, Restart
from tests.core.engine.test_order_executor import became
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import Course, lost
from tests.core.virtual_time import NOON
from tests.core.world import LIMITS, World

THEIRS = 8_000_000_001
FOREIGN = ExecutionReport(
    "mf-elsewhere", "77", "WIFUSDC", Side.BUY, OrderState.FILLED, Decimal(20), Decimal("9.6"), NOON, mark=THEIRS
)


async def compare(world: World) -> None:
    world.trading.compare()
    await world.clock.forward(10)


async def accept(world: World, shown: tuple[Reason, ...] | None = None) -> MessageOutcome:
    held = world.portfolio.account_halt
    shown = held.differences if shown is None and held is not None else shown or ()
    return await world._ask(AcceptRequested(ACCOUNT, 7, "Ann", shown), "")


def adopted(ledger: MemoryLedger) -> list[str]:
    return [event.order.client_order_id for event in ledger.events if isinstance(event, OrderAdopted)]


def ids(ledger: MemoryLedger) -> list[str]:
    return sorted(ledger.executions)


async def set_back(world: World, ledger: MemoryLedger, restart: Restart, *, after: float = 60.0) -> World:
    """Starts a new process on an earlier copy of the ledger."""
    await world.clock.forward(after)
    return await restart(world, ledger)


# --- lost orders ---


@pytest.mark.parametrize("fee_asset", [None, "USDC", "BNB"])
async def test_a_lost_order_is_taken_over_as_if_it_had_never_been_lost(
    world: World, ledger: MemoryLedger, restart: Restart, fee_asset: str | None
) -> None:
    world.venue.fee_asset = fee_asset
    copy = deepcopy(ledger)
    await world.say("BUY_SM")
    again = await set_back(world, copy, restart)
    await compare(again)
    assert again.portfolio.position(StrategyBook("WIFUSDC")) == ledger.positions[StrategyBook("WIFUSDC")]
    assert copy.fills == ledger.fills
    (before,), (after,) = ledger.executions.values(), copy.executions.values()
    unknown = replace(before, signal_price=None, arrival_price=None)  # nobody knows what it was wanted at
    assert after == replace(unknown, signal_type="BUY_ADOPTED", signal_id=after.client_order_id)
    (order,) = copy.orders.values()
    assert (order.state, order.order_id, order.signal.source) == (OrderState.FILLED, "1000", ADOPTED)
    told = [event.kind for event in copy.events if isinstance(event, OrderAdopted | OrderExecuted)]
    assert told == ["order_adopted", "order_executed"]
    assert copy.holds == {}
    for _ in range(2):
        await compare(again)
    assert len(adopted(copy)) == 1
    assert became(await again.say("SELL_SM")) == ("ordered", "")


async def test_a_whole_lost_round_trip_is_taken_over_in_its_order(world: World, ledger: MemoryLedger, restart: Restart) -> None:
    copy = deepcopy(ledger)
    await world.say("BUY_SM")
    await world.clock.forward(10)
    world.venue.prices["WIFUSDC"] = Decimal("0.52")
    await world.say("SELL_SM", close="0.52")
    again = await set_back(world, copy, restart)
    again.trading.comparing.want(["WIFUSDC"])
    await again.clock.forward(10)
    (trade,), (before,) = copy.trades.values(), ledger.trades.values()
    assert replace(trade, opened_at=before.opened_at) == before
    assert not again.portfolio.position(StrategyBook("WIFUSDC")).is_open
    assert again.portfolio.results_of("2026-03-01")["USDC"] == before.profit


async def test_a_signal_that_comes_again_is_not_ordered_again(world: World, ledger: MemoryLedger, restart: Restart) -> None:
    """Covers its arrival before and after the order was adopted."""
    copy = deepcopy(ledger)
    await world.say("BUY_SM", name="s1")
    signal = world.signal("BUY_SM", name="s1")
    for wait in (0.0, 10.0):
        again = await set_back(world, ours := deepcopy(copy), restart, after=1.0)
        await again.clock.forward(wait)
        await again.clock.run(again.inbox.ask(again.said(signal)))
        await again.clock.forward(10)
        assert world.venue.executed == [client_order_id(signal)]
        assert ids(ours) == [client_order_id(signal)]
        assert again.portfolio.position(StrategyBook("WIFUSDC")) == ledger.positions[StrategyBook("WIFUSDC")]
        world = again


async def test_an_order_that_was_lost_after_its_question_closes_the_question(
    open_world: OpenWorld, ledger: MemoryLedger, restart: Restart
) -> None:
    world = await open_world(trading_state=TradingState(mode=Mode.CONFIRM))
    ledger.trading_state = TradingState(mode=Mode.CONFIRM)
    await world.say("BUY_SM")
    copy = deepcopy(ledger)
    await world.tap(world.question().token)
    again = await set_back(world, copy, restart, after=1.0)
    await compare(again)
    assert again.portfolio.approvals == {}
    assert [asked.state for asked in copy.approvals.values()] == [ApprovalState.WITHDRAWN]
    (order,) = copy.orders.values()
    assert (order.state, order.inbox_seq) == (OrderState.FILLED, 1)
    assert copy.outcomes[1].outcome == "ordered"
    assert again.portfolio.position(StrategyBook("WIFUSDC")) == ledger.positions[StrategyBook("WIFUSDC")]


async def test_what_was_refused_anew_after_it_was_lost_is_taken_over(
    world: World, ledger: MemoryLedger, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = deepcopy(ledger)
    await world.say("BUY_SM", name="s1")
    with monkeypatch.context() as away:
        away.setattr(world.venue, "recent_orders", _away)
        again = await set_back(world, copy, restart, after=1.0)
        again.portfolio.limits = replace(LIMITS, max_order_notional=Decimal(1), trade_qty=Decimal(40))
        assert became(await again.say("BUY_SM", name="s1")) == ("denied", "order_notional")
    await again.clock.forward(10)
    assert copy.outcomes[1].outcome == "ordered"
    assert [order.qty for order in copy.orders.values()] == [Decimal(20)]
    assert again.portfolio.position(StrategyBook("WIFUSDC")) == ledger.positions[StrategyBook("WIFUSDC")]


async def test_an_order_that_is_found_when_it_is_sent_anew_is_known_as_it_was_placed(
    world: World, ledger: MemoryLedger, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def shows_nothing(_symbol: str, _limit: int) -> RecentOrders:
        return RecentOrders()

    copy = deepcopy(ledger)
    await world.say("BUY_SM", name="s1")
    (placed,) = world.venue.placed
    monkeypatch.setattr(world.venue, "recent_orders", shows_nothing)
    again = await set_back(world, copy, restart, after=1.0)
    again.portfolio.limits = replace(LIMITS, trade_qty=Decimal(40), price_band_pct=Decimal("0.5"))
    assert became(await again.say("BUY_SM", name="s1")) == ("ordered", "")
    (order,) = copy.orders.values()
    assert (order.qty, order.executed_qty, order.terms) == (Decimal(20), Decimal(20), placed.terms)
    assert len(world.venue.placed) == 1


async def test_an_order_that_still_rests_is_followed_to_its_end(world: World, ledger: MemoryLedger, restart: Restart) -> None:
    copy = deepcopy(ledger)
    world.venue.next(Course(final_after=120))
    await world.inbox.deliver([world.said(world.signal("BUY_SM"))])
    await world.clock.quiet()
    await world.crash()
    again = await set_back(world, copy, restart)
    await again.clock.forward(5)
    assert [order.state for order in again.portfolio.in_flight.values()] == [OrderState.ACCEPTED]
    await again.clock.forward(120)
    assert again.portfolio.in_flight == {}
    assert again.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal("19.98")


async def test_a_lost_order_is_taken_over_before_an_entry_of_its_symbol(
    world: World, ledger: MemoryLedger, restart: Restart
) -> None:
    copy = deepcopy(ledger)
    await world.say("BUY_SM")
    again = await set_back(world, copy, restart)
    again.comparing.cancel()
    assert became(await again.say("BUY_SM")) == ("ignored", "in_position")
    assert len(adopted(copy)) == 1
    assert len(world.venue.placed) == 1


async def test_who_orders_while_a_lost_order_waits_for_its_turn_looks_himself(
    world: World, ledger: MemoryLedger, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def waits(_inbox: Inbox, _message: Message) -> bool:
        return True

    copy = deepcopy(ledger)
    await world.say("BUY_SM")
    with monkeypatch.context() as behind:
        behind.setattr(Inbox, "submit", waits)
        again = await set_back(world, copy, restart)
        await again.clock.forward(10)
    assert adopted(copy) == []
    assert became(await again.say("BUY_SM")) == ("ignored", "in_position")
    assert len(world.venue.placed) == 1


async def test_an_exit_whose_next_order_was_taken_over_goes_on(
    open_world: OpenWorld, ledger: MemoryLedger, restart: Restart
) -> None:
    world = await open_world(trade_qty=Decimal(200))
    await world.say("BUY_SM")
    world.venue.rules["WIFUSDC"] = replace(world.venue.rules["WIFUSDC"], market_max_qty=Decimal(60))
    await world.clock.run(world.market.load_instruments(None))
    await world.say("SELL_SM")
    wanted = ledger.exits[StrategyBook("WIFUSDC")]
    copy = deepcopy(ledger)
    copy.exits[StrategyBook("WIFUSDC")] = replace(
        wanted, due_at=world.clock.now() + timedelta(seconds=30)
    )  # the look comes first
    while client_order_id(wanted.next_signal()) not in ledger.executions:
        await world.clock.forward(0.1)
    await world.crash()
    again = await set_back(world, copy, restart, after=5.0)
    await again.clock.forward(120)
    assert adopted(copy) == [client_order_id(wanted.next_signal())]
    assert not again.portfolio.position(StrategyBook("WIFUSDC")).is_open
    assert again.portfolio.exits == {}
    assert len(set(again.venue.executed)) == len(again.venue.executed) == 5


async def test_nothing_is_bought_in_a_symbol_that_cannot_be_looked_at_and_exits_do_not_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(symbol: str, limit: int) -> list[ExecutionReport]:
        raise ExchangeUnavailable("overloaded")

    await world.say("BUY_SM", symbol="SOLUSDC", close="1.5")
    monkeypatch.setattr(world.venue, "recent_orders", away)
    assert became(await world.say("BUY_SM")) == ("denied", "not_compared")
    assert became(await world.say("SELL_SM", symbol="SOLUSDC", close="1.5")) == ("ordered", "")
    monkeypatch.undo()
    assert became(await world.say("BUY_SM")) == ("ordered", "")


async def test_a_symbol_is_looked_at_before_its_first_entry_only_until_the_hold_is_renewed(world: World) -> None:
    asked: list[str] = []
    recent = world.venue.recent_orders

    async def counted(symbol: str, limit: int) -> RecentOrders:
        asked.append(symbol)
        return await recent(symbol, limit)

    world.venue.recent_orders = counted  # type: ignore[method-assign]
    since = world.clock.now()
    world.trading.symbol_halts._held_since = lambda: since
    for kind in ("BUY_SM", "SELL_SM", "BUY_SM", "SELL_SM"):
        assert became(await world.say(kind)) == ("ordered", "")
    assert asked == ["WIFUSDC"]
    since += timedelta(seconds=1)
    await world.say("BUY_SM")
    assert asked == ["WIFUSDC"] * 2


# --- the first sending of an old signal ---


async def test_the_exchange_is_asked_for_the_order_of_an_old_signal_and_of_no_newer_one(
    world: World, ledger: MemoryLedger, restart: Restart
) -> None:
    again = await set_back(world, ledger, restart)
    await again.say("BUY_SM", age=5)
    asked = len(again.venue.asked_at)
    assert asked
    await again.clock.forward(60)
    await again.say("SELL_SM")
    assert len(again.venue.asked_at) == asked
    assert len(again.venue.placed) == 2


async def test_an_order_of_another_is_not_sent_again_and_halts_the_account(world: World, ledger: MemoryLedger) -> None:
    other = MemoryLedger(mark=THEIRS)
    theirs = World(Portfolio(TradingState(), LIMITS, mark=THEIRS), clock=world.clock, ledger=other, venue=world.venue, start=2)
    await theirs.clock.run(theirs.market.load_instruments(None))
    theirs.inbox.start([], [])
    await theirs.say("BUY_SM", name="s1")
    await theirs.close()
    world.trading.symbol_halts._looked_at["WIFUSDC"] = world.trading.symbol_halts._held_since()  # it was, just before
    assert became(await world.say("BUY_SM", name="s1")) == ("ordered", "")
    (order,) = ledger.orders.values()
    assert order.state is OrderState.REJECTED
    assert str(order.reason) == "another program already placed this signal's order, 1000: nothing was sent"
    assert len(world.venue.placed) == 1
    held = world.portfolio.account_halt
    assert held is not None
    assert [one.code for one in held.differences] == ["order_id_taken"]


async def test_an_entry_that_cannot_be_asked_about_is_not_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.venue, "find_order", _away)
    assert became(await world.say("BUY_SM")) == ("ordered", "")
    assert world.venue.placed == []


async def test_an_exit_is_not_lost_because_it_cannot_be_asked_about(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.say("BUY_SM")
    monkeypatch.setattr(world.venue, "find_order", _away)
    assert became(await world.say("SELL_SM")) == ("ordered", "")
    assert [request.side for request in world.venue.placed] == [Side.BUY, Side.SELL]


async def _away(symbol: str, which: object) -> None:
    raise ExchangeUnavailable("unreadable answer")


# --- orders of another trader ---

STRANGE = {
    "order_of_other": FOREIGN,
    "order_unmarked": replace(FOREIGN, mark=None),
    "order_id_taken": replace(FOREIGN, order_id="78"),
}


@pytest.mark.parametrize("code", STRANGE)
async def test_orders_of_somebody_else_halt_entries_of_the_account_and_no_exit(
    world: World, ledger: MemoryLedger, restart: Restart, code: str
) -> None:
    await world.say("BUY_SM", symbol="SOLUSDC", close="1.5")
    (ours,) = ledger.orders
    strange = replace(STRANGE[code], symbol="SOLUSDC")
    world.venue.foreign.append(replace(strange, client_order_id=ours) if code == "order_id_taken" else strange)
    for _ in range(3):
        await compare(world)
    (halt,) = (event for event in ledger.events if isinstance(event, SymbolHalted))
    assert (halt.hold.symbol, halt.priority) == (ACCOUNT, Priority.URGENT)
    assert [one.code for one in halt.hold.differences] == [code]
    for symbol, close in (("BNBUSDC", "600"), ("WIFUSDC", "0.48")):
        assert became(await world.say("BUY_SM", symbol=symbol, close=close)) == ("denied", "account_held")
    assert became(await world.say("SELL_SM", symbol="SOLUSDC", close="1.5")) == ("ordered", "")
    world.venue.foreign.clear()
    again = await restart(world, ledger)
    await compare(again)
    assert became(await again.say("BUY_SM")) == ("denied", "account_held")  # an order that was there does not go away


async def test_the_same_signal_sent_by_two_at_once_is_told_within_seconds(world: World, ledger: MemoryLedger) -> None:
    await world.clock.forward(60)
    await world.say("BUY_SM")
    (ours,) = ledger.orders
    await world.clock.forward(1)
    world.venue.foreign.append(replace(FOREIGN, client_order_id=ours))
    await world.clock.forward(5)
    assert world.portfolio.account_halt is not None


async def held(world: World, *foreign: ExecutionReport) -> None:
    world.venue.foreign.extend(foreign)
    assert became(await world.say("BUY_SM")) == ("denied", "account_held")


async def test_what_was_acknowledged_is_known_from_then_on(world: World, ledger: MemoryLedger, restart: Restart) -> None:
    await held(world, FOREIGN)
    assert became(await accept(world)) == ("done", "")
    assert isinstance(ledger.events[-1], HaltAccepted)
    again = await restart(world, ledger)
    await compare(again)
    assert again.portfolio.account_halt is None
    assert became(await again.say("BUY_SM")) == ("ordered", "")
    assert again.portfolio.acknowledged[THEIRS].until == NOON


async def test_only_what_was_shown_is_acknowledged(world: World) -> None:
    await held(world, FOREIGN)
    shown = world.portfolio.account_halt
    assert shown is not None
    world.venue.foreign.append(replace(FOREIGN, mark=None, client_order_id="mf-other"))
    await compare(world)
    world.trading.comparing.want(["WIFUSDC"])
    await world.clock.forward(10)
    assert became(await accept(world, shown.differences)) == ("done", "")
    assert [one.code for one in (world.portfolio.account_halt or shown).differences] == ["order_unmarked"]
    assert became(await accept(world)) == ("done", "")
    assert world.portfolio.account_halt is None


async def test_no_mark_is_acknowledged_up_to_what_was_shown(world: World) -> None:
    await held(world, replace(FOREIGN, mark=None))
    await accept(world)
    assert world.portfolio.acknowledged[UNMARKED].until == NOON
    world.venue.foreign.append(replace(FOREIGN, mark=None, order_id="80", at=NOON + timedelta(seconds=1)))
    world.trading.comparing.want(["WIFUSDC"])
    await world.clock.forward(10)
    assert world.portfolio.account_halt is not None


async def test_two_on_purpose_do_not_share_a_symbol(world: World) -> None:
    await held(world, FOREIGN)
    await accept(world)
    assert became(await world.say("BUY_SM")) == ("ordered", "")
    world.venue.foreign.append(replace(FOREIGN, order_id="81", at=NOON + timedelta(seconds=30)))
    await compare(world)
    assert world.portfolio.account_halt is None
    hold = world.portfolio.halt_on("WIFUSDC")
    assert hold is not None
    assert [one.code for one in hold.differences] == ["symbol_shared"]
    assert became(await world.say("SELL_SM")) == ("ordered", "")
    assert became(await world.say("BUY_SM", symbol="SOLUSDC", close="1.5")) == ("ordered", "")


async def test_a_symbol_that_another_trades_is_not_entered(world: World) -> None:
    await held(world, FOREIGN)
    await accept(world)
    world.venue.foreign.append(replace(FOREIGN, symbol="SOLUSDC", order_id="5", at=NOON + timedelta(seconds=30)))
    assert became(await world.say("BUY_SM", symbol="SOLUSDC", close="1.5")) == ("denied", "held")


async def test_the_owners_own_orders_are_left_alone(world: World, ledger: MemoryLedger) -> None:
    for mark in (None, THEIRS, ledger.mark):
        world.venue.foreign.append(replace(FOREIGN, client_order_id="web_1", mark=mark))
    assert became(await world.say("BUY_SM")) == ("ordered", "")
    await compare(world)
    assert ledger.holds == {}


async def test_orders_of_before_there_were_marks_are_our_own(world: World, ledger: MemoryLedger) -> None:
    world.portfolio.mark = None
    await world.say("BUY_SM")
    world.portfolio.mark = ledger.mark
    assert world.venue.placed[0].mark is None
    await compare(world)
    assert ledger.holds == {}
    assert became(await world.say("SELL_SM")) == ("ordered", "")


async def test_an_unanswered_order_is_not_taken_for_that_of_another(world: World, ledger: MemoryLedger) -> None:
    """Covers two programs that sent the same signal: our order never arrived, theirs has the same client order id."""
    await world.clock.forward(60)
    world.venue.next(lost(executed=False))
    placing = world.venue.place

    async def theirs_first(request: object) -> object:
        world.venue.place = placing  # type: ignore[method-assign]
        await placing(replace(world.venue.placed[-1] if world.venue.placed else request, mark=THEIRS))  # type: ignore[type-var, arg-type]
        return await placing(request)  # type: ignore[arg-type]

    world.venue.courses.appendleft(Course())
    world.venue.place = theirs_first  # type: ignore[method-assign, assignment]
    assert became(await world.say("BUY_SM")) == ("ordered", "")
    (order,) = ledger.orders.values()
    assert (order.state, order.executed_qty) == (OrderState.REJECTED, ZERO)
    assert world.portfolio.account_halt is not None
    assert world.portfolio.position(StrategyBook("WIFUSDC")).qty == ZERO
