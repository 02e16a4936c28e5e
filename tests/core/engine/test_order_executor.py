"""A signal from the mailbox to the settled order: what is traded, what is refused, and what the ledger records."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from core.domain.events.control import ControlsChanged
from core.domain.events.orders import OrderExecuted, OrderFailed
from core.domain.events.priority import Priority
from core.domain.events.signals import SignalRefused
from core.domain.messages import ManualInstruction, Message, SignalReceived
from core.domain.order import Rejected
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import AT_MARKET, EntryStyle, within
from core.domain.reasons import reason
from core.domain.signal import Side
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Mode, Pause
from core.ports.timings import Stage
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from tests.core.conftest import OpenWorld
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import Course, ScriptedVenue, part_filled, refused
from tests.core.virtual_time import VirtualClock
from tests.core.world import World


def became(outcome: MessageOutcome | None) -> tuple[str, str]:
    """Returns outcome, and the reason's code or nothing."""
    assert outcome is not None
    return outcome.outcome, outcome.reason.code if outcome.reason else ""


async def test_a_buy_opens_a_position_of_what_is_left_after_the_fee(world: World, ledger: MemoryLedger) -> None:
    assert became(await world.say("BUY_SM")) == ("ordered", "")
    (request,) = world.venue.placed
    assert (request.side, request.qty, request.symbol) == (Side.BUY, Decimal(20), "WIFUSDC")
    assert request.mark == ledger.mark
    held = world.portfolio.position(StrategyBook("WIFUSDC"))
    assert (held.qty, held.cost, held.is_open) == (Decimal("19.98"), Decimal("9.6"), True)
    assert ledger.positions[StrategyBook("WIFUSDC")] == held
    assert [order.state for order in ledger.order_history] == [OrderState.SUBMITTED, OrderState.FILLED]
    assert len(ledger.fills) == 2
    (told,) = ledger.events
    assert isinstance(told, OrderExecuted)
    assert (told.position, told.execution.price, told.execution.profit_pct) == (held, Decimal("0.48"), None)
    assert told.fee_value == Decimal("0.0096")
    assert world.portfolio.in_flight == {}


async def test_a_sell_closes_the_position_and_tells_the_profit(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    await world.clock.forward(10)
    world.venue.prices["WIFUSDC"] = Decimal("0.52")
    assert became(await world.say("SELL_SM", close="0.52")) == ("ordered", "")
    assert world.venue.placed[1].qty == Decimal("19.98")
    (trade,) = ledger.trades.values()
    proceeds = Decimal("19.98") * Decimal("0.52") * Decimal("0.999")
    assert (trade.qty, trade.proceeds, trade.profit) == (Decimal("19.98"), proceeds, proceeds - Decimal("9.6"))
    assert (trade.closed_at - trade.opened_at).total_seconds() == 10
    assert not world.portfolio.position(StrategyBook("WIFUSDC")).is_open
    assert world.portfolio.results_of("2026-03-01").get("USDC", 0) == trade.profit
    executed = list(ledger.executions.values())
    assert [row.side for row in executed] == [Side.BUY, Side.SELL]
    assert executed[1].profit_quote == trade.profit


async def test_the_intent_is_committed_with_the_verdict_before_anything_is_sent(world: World, ledger: MemoryLedger) -> None:
    sent_before: list[int] = []

    def fails(batch: CommitBatch) -> bool:
        sent_before.append(len(world.venue.placed))
        return True

    ledger.fail(1, picks=fails)
    await world.say("BUY_SM")
    (intent,) = ledger.refused
    assert [order.state for order in intent.orders] == [OrderState.SUBMITTED]
    assert [outcome.outcome for outcome in intent.outcomes] == ["ordered"]
    assert sent_before == [0]


async def test_an_intent_that_cannot_be_committed_sends_nothing_until_it_can(
    world: World, ledger: MemoryLedger, clock: VirtualClock
) -> None:
    ledger.fail(3)
    began = clock.now()
    assert became(await world.say("BUY_SM")) == ("ordered", "")
    assert [(at - began).total_seconds() for at in world.venue.placed_at] == [3.0]
    assert len(ledger.executions) == 1


async def test_an_intent_that_cannot_be_committed_in_time_expires(world: World, ledger: MemoryLedger) -> None:
    ledger.fail(61)
    assert became(await world.say("BUY_SM")) == ("expired", "expired")
    assert world.venue.placed == []
    assert world.portfolio.in_flight == {}


async def test_a_repeated_signal_is_one_order(world: World) -> None:
    await world.say("BUY_SM", name="t/0/1")
    assert await world.say("BUY_SM", name="t/0/1") is None
    assert len(world.venue.placed) == 1


async def test_a_second_buy_in_a_position_is_ignored(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    assert became(await world.say("BUY_SM")) == ("ignored", "in_position")
    assert len(world.venue.placed) == 1
    told = ledger.events[-1]
    assert isinstance(told, SignalRefused)
    assert str(told.reason) == "position already open: 19.98 WIF"


async def test_a_sell_without_a_position_is_ignored(world: World) -> None:
    assert became(await world.say("SELL_SM")) == ("ignored", "no_position")
    assert world.venue.placed == []


async def test_an_old_signal_expires(world: World) -> None:
    await world.clock.forward(6)  # until then an earlier process's order may arrive: it would wait, and be too old
    assert became(await world.say("BUY_SM", age=60.1)) == ("expired", "expired")
    assert became(await world.say("BUY_SM", age=60)) == ("ordered", "")
    assert became(await world.say("SELL_SM", age=600.1)) == ("expired", "expired")
    assert became(await world.say("SELL_SM", age=600)) == ("ordered", "")
    assert len(world.venue.placed) == 2


async def test_pause_all_trades_nothing_and_resume_trades_again(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    await world.set(pause=Pause.ALL)
    assert became(await world.say("SELL_SM")) == ("ignored", "paused")
    await world.set(pause=Pause.OFF)
    assert became(await world.say("SELL_SM")) == ("ordered", "")
    batch = [event for event in ledger.events if isinstance(event, ControlsChanged)]
    assert [(event.before.pause, event.after.pause) for event in batch] == [(Pause.OFF, Pause.ALL), (Pause.ALL, Pause.OFF)]
    assert ledger.trading_state is not None
    assert ledger.trading_state.changed_by == "Ann"


@pytest.mark.parametrize("pause", [Pause.ALL, Pause.ENTRIES])
@pytest.mark.parametrize(("hand", "priority"), [(None, Priority.PAUSED), (ManualInstruction(7, "Ann"), Priority.NORMAL)])
async def test_what_a_pause_refuses_is_told_gathered_and_to_a_person_at_once(
    world: World, ledger: MemoryLedger, pause: Pause, hand: ManualInstruction | None, priority: Priority
) -> None:
    await world.set(pause=pause)
    signal = world.signal("BUY_SM")
    message = Message(signal.source, signal.signal_id, signal.symbol, SignalReceived(signal, hand), world.clock.now())
    assert became(await world.clock.run(world.inbox.ask(message)))[0] == "ignored"
    assert ledger.events[-1].priority is priority


async def test_pausing_entries_still_lets_positions_be_closed(world: World) -> None:
    await world.say("BUY_SM")
    await world.set(pause=Pause.ENTRIES)
    assert became(await world.say("BUY_SM", symbol="SOLUSDC", close="1.5")) == ("ignored", "entries_paused")
    assert became(await world.say("SELL_SM")) == ("ordered", "")


async def test_setting_what_is_set_already_tells_nobody(world: World, ledger: MemoryLedger) -> None:
    assert became(await world.set(pause=Pause.OFF, mode=Mode.AUTO)) == ("done", "")
    assert ledger.events == []


async def test_observe_tells_and_never_trades(world: World, ledger: MemoryLedger) -> None:
    await world.set(mode=Mode.OBSERVE)
    assert became(await world.say("BUY_SM")) == ("observed", "observe")
    assert world.venue.placed == []
    assert isinstance(ledger.events[-1], SignalRefused)


async def test_an_order_too_small_is_denied_with_the_reason_on_record(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    world = await open_world(trade_qty=Decimal(10))
    outcome = await world.say("BUY_SM")
    assert became(outcome) == ("denied", "below_min_notional")
    (order,) = ledger.orders.values()
    assert (order.state, str(order.reason)) == (OrderState.DENIED, "order value 4.80 USDC is below the exchange's minimum of 5")
    assert world.venue.placed == []


async def test_an_unknown_price_is_a_refusal_for_an_entry_and_none_for_an_exit(world: World, venue: ScriptedVenue) -> None:
    await world.say("BUY_SM", symbol="SOLUSDC", close="1.5")
    await world.clock.forward(60)
    venue.unavailable = True
    assert became(await world.say("BUY_SM")) == ("denied", "price_unknown")
    assert became(await world.say("SELL_SM", symbol="SOLUSDC", close="1.5")) == ("ordered", "")


async def test_a_price_that_is_too_old_is_asked_for_anew(world: World, venue: ScriptedVenue) -> None:
    await world.say("SELL_SM")
    venue.prices["WIFUSDC"] = Decimal("0.49")
    await world.clock.forward(4)
    assert became(await world.say("BUY_SM", close="0.48")) == ("denied", "price_band")


async def test_an_unknown_symbol_is_denied(world: World) -> None:
    assert became(await world.say("BUY_SM", symbol="NOPEUSDC")) == ("denied", "unknown_symbol")


async def test_a_halt_that_is_over_does_not_keep_a_position_from_being_sold(world: World, venue: ScriptedVenue) -> None:
    await world.say("BUY_SM")
    rules = venue.rules["WIFUSDC"]
    venue.rules["WIFUSDC"] = replace(rules, status="BREAK")
    await world.clock.run(world.market.load_instruments(None))
    assert became(await world.say("SELL_SM")) == ("put_off", "not_trading")
    venue.rules["WIFUSDC"] = rules
    await world.clock.forward(10)
    assert not world.portfolio.position(StrategyBook("WIFUSDC")).is_open


async def test_a_symbol_nobody_allowed_is_denied(open_world: OpenWorld) -> None:
    world = await open_world(symbols=frozenset({"WIFUSDC"}))
    assert became(await world.say("BUY_SM", symbol="SOLUSDC", close="1.5")) == ("denied", "symbol_not_allowed")
    assert became(await world.say("BUY_SM")) == ("ordered", "")


async def test_a_partial_fill_is_what_is_held(world: World, ledger: MemoryLedger) -> None:
    world.venue.next(part_filled("0.75"))
    await world.say("BUY_SM")
    (order,) = ledger.orders.values()
    assert (order.state, order.qty, order.executed_qty) == (OrderState.EXPIRED, Decimal(20), Decimal(15))
    assert world.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal("14.985")
    assert isinstance(ledger.events[-1], OrderExecuted)
    await world.say("SELL_SM")
    assert world.venue.placed[1].qty == Decimal("14.98")
    assert world.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal("0.005")
    assert not world.portfolio.position(StrategyBook("WIFUSDC")).is_open


async def test_an_order_that_ends_unfilled_failed(world: World, ledger: MemoryLedger) -> None:
    world.venue.next(Course(fills=Decimal(0), state=OrderState.EXPIRED))
    await world.say("BUY_SM")
    told = ledger.events[-1]
    assert isinstance(told, OrderFailed)
    assert str(told.order.reason) == "no offers up to 0.4848, the edge of the price band"
    assert (ledger.positions, ledger.executions, world.portfolio.in_flight) == ({}, {}, {})


async def test_the_exchange_keeps_the_band_when_the_market_moves_after_the_decision(world: World, ledger: MemoryLedger) -> None:
    """The price that was decided on is up to three seconds old: the order itself says up to where it may fill."""
    await world.say("BUY_SM")
    (entry,) = world.venue.placed
    assert entry.terms == within(Decimal("0.4848"))
    await world.say("SELL_SM")
    assert world.venue.placed[1].terms == AT_MARKET  # an exit takes what it can get
    gate, asked = asyncio.Event(), asyncio.Event()
    world.venue.next(Course(gate=gate, asked=asked))
    buying = asyncio.ensure_future(world.say("BUY_SM"))
    await asked.wait()
    world.venue.prices["WIFUSDC"] = Decimal("0.4849")
    gate.set()
    await buying
    told = ledger.events[-1]
    assert isinstance(told, OrderFailed)
    assert str(told.order.reason) == "no offers up to 0.4848, the edge of the price band"
    assert not world.portfolio.position(StrategyBook("WIFUSDC")).is_open


async def test_what_was_bought_within_the_band_is_held_and_the_rest_is_told(world: World, ledger: MemoryLedger) -> None:
    world.venue.next(Course(fills=Decimal("0.6"), state=OrderState.EXPIRED))
    await world.say("BUY_SM")
    told = ledger.events[-1]
    assert isinstance(told, OrderExecuted)
    assert (told.order.qty, told.execution.qty) == (Decimal(20), Decimal(12))
    assert told.order.terms.limit_price == Decimal("0.4848")


async def test_an_owner_may_have_entries_at_any_price(open_world: OpenWorld) -> None:
    world = await open_world(entry_style=EntryStyle.MARKET)
    await world.say("BUY_SM")
    assert [one.terms for one in world.venue.placed] == [AT_MARKET]


async def test_a_rejection_is_final_and_told(world: World, ledger: MemoryLedger) -> None:
    world.venue.next(refused(Rejected(reason("insufficient_balance", asset="USDC"))))
    await world.say("BUY_SM")
    (order,) = ledger.orders.values()
    assert order.state is OrderState.REJECTED
    assert [type(event) for event in ledger.events] == [OrderFailed]
    assert len(world.venue.placed) == 1
    assert became(await world.say("BUY_SM")) == ("ordered", "")


@pytest.mark.parametrize(("known", "valued"), [(True, Decimal("0.0096")), (False, None)])
async def test_a_fee_in_a_third_asset_is_valued_where_its_price_is_known(
    world: World, ledger: MemoryLedger, *, known: bool, valued: Decimal | None
) -> None:
    world.venue.fee_asset = "BNB"
    world.venue.fee_rate = Decimal("0.001") / 600
    if not known:
        del world.venue.prices["BNBUSDC"]
    await world.say("BUY_SM")
    told = ledger.events[-1]
    assert isinstance(told, OrderExecuted)
    assert told.execution.fee_asset == "BNB"
    assert told.fee_value is None if valued is None else told.fee_value is not None
    if valued is not None and told.fee_value is not None:
        assert told.fee_value.quantize(valued) == valued
    assert world.portfolio.position(StrategyBook("WIFUSDC")).qty == 20


async def test_how_long_it_took_is_measured(world: World, clock: VirtualClock) -> None:
    message = world.said(world.signal("BUY_SM"))
    await clock.forward(2)
    await clock.run(world.inbox.ask(message))
    assert world.timings.to_order == [0.0]
    assert sorted(stage for stage, _ in world.timings.stages) == sorted(Stage)


async def test_it_is_measured_once_an_order_after_its_commit_and_by_no_clock_that_is_set(
    world: World, ledger: MemoryLedger, clock: VirtualClock
) -> None:
    ledger.fail(3, lambda batch: bool(batch.orders))
    asked = asyncio.ensure_future(world.inbox.ask(world.said(world.signal("BUY_SM"))))
    await clock.forward(1)
    assert world.timings.to_order == []
    clock.step(40)
    await clock.forward(5)
    assert await asked is not None
    assert world.timings.to_order == [3.0]
    assert sum(seconds for stage, seconds in world.timings.stages) == 3.0


async def test_waiting_for_the_symbols_turn_is_part_of_the_decision(world: World, clock: VirtualClock) -> None:
    gate = asyncio.Event()
    world.venue.next(Course(gate=gate))
    both = [asyncio.ensure_future(world.inbox.ask(world.said(world.signal(side)))) for side in ("BUY_SM", "SELL_SM")]
    await clock.forward(4)
    gate.set()
    await clock.run(asyncio.gather(*both))
    assert [seconds for stage, seconds in world.timings.stages if stage is Stage.DECIDED] == [0.0, 4.0]
    assert [seconds for stage, seconds in world.timings.stages if stage is Stage.ANSWERED] == [4.0, 0.0]
