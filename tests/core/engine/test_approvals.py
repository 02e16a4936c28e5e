"""Confirm mode: asked, answered, once, in time, and decided again at the tap."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.domain.approval import ApprovalState
from core.domain.dca_step import DcaStep
from core.domain.events.approvals import ApprovalClosed, ApprovalRequested
from core.domain.exit_plan import Level, StopLoss
from core.domain.order_state_machine import OrderState
from core.domain.reasons import reason
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Mode, Pause, TradingState
from core.records.commit_batch import CommitBatch
from tests.core.conftest import OpenWorld, Restart
from tests.core.engine.test_order_executor import became
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import lost
from tests.core.world import LIMITS, World


@pytest.fixture
async def world(open_world: OpenWorld) -> World:
    """Returns a process that asks first."""
    return await open_world(trading_state=TradingState(mode=Mode.CONFIRM))


def closed(ledger: MemoryLedger) -> ApprovalClosed:
    event = ledger.events[-1]
    assert isinstance(event, ApprovalClosed)
    return event


async def test_a_question_is_asked_and_nothing_is_sent(world: World, ledger: MemoryLedger) -> None:
    assert became(await world.say("BUY_SM")) == ("awaiting_approval", "")
    assert world.venue.placed == []
    (event,) = ledger.events
    assert isinstance(event, ApprovalRequested)
    asked = event.approval
    assert (asked.qty, asked.price, event.base, event.quote) == (Decimal(20), Decimal("0.48"), "WIF", "USDC")
    assert asked.expires_at - asked.asked_at == timedelta(seconds=120)
    (order,) = ledger.orders.values()
    assert order.state is OrderState.AWAITING_APPROVAL


async def test_a_question_has_the_plan_that_the_entry_would_bring(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    asking = TradingState(mode=Mode.CONFIRM)
    world = await open_world(trading_state=asking, stop_loss_pct=Decimal(5), max_entries=2)
    await world.say("BUY_SM")
    (asked,) = [event for event in ledger.events if isinstance(event, ApprovalRequested)]
    assert asked.plan is not None
    assert asked.plan.stop == StopLoss(Level(pct=Decimal(5)))
    assert asked.price_step == Decimal("0.0001")
    await world.tap(world.question().token)
    await world.say("BUY_SM")
    first, second = [event for event in ledger.events if isinstance(event, ApprovalRequested)]
    assert first.position is None
    assert second.position is not None
    assert second.plan == world.portfolio.plans[StrategyBook("WIFUSDC")].exits, "what the position has is kept, for all of it"


async def test_the_plan_that_was_shown_is_carried_out_whatever_is_set_meanwhile(
    open_world: OpenWorld, restart: Restart, ledger: MemoryLedger
) -> None:
    shown = Level(pct=Decimal(5))
    world = await open_world(trading_state=TradingState(mode=Mode.CONFIRM), stop_loss_pct=Decimal(5), max_entries=2)
    await world.say("BUY_SM")
    again = await restart(world, ledger)
    again.portfolio.limits = replace(LIMITS, stop_loss_pct=Decimal(20), dca_steps=(DcaStep(Decimal(3)),), max_entries=2)
    again.venue.trade("WIFUSDC", "0.4810")
    assert became(await again.tap(again.question().token)) == ("ordered", "")
    await again.clock.forward(5)
    plan = again.portfolio.plans[StrategyBook("WIFUSDC")]
    assert plan.exits.stop == StopLoss(shown)
    assert not again.portfolio.entries_for(StrategyBook("WIFUSDC")), "and no steps, as none were shown"
    (order,) = [one for one in ledger.orders.values() if not one.protects]
    assert order.signal.steps == ()


async def test_an_entry_that_was_shown_without_exits_gets_none(open_world: OpenWorld) -> None:
    world = await open_world(trading_state=TradingState(mode=Mode.CONFIRM))
    await world.say("BUY_SM")
    world.portfolio.limits = replace(world.portfolio.limits, stop_loss_pct=Decimal(5))
    assert became(await world.tap(world.question().token)) == ("ordered", "")
    assert StrategyBook("WIFUSDC") not in world.portfolio.plans


async def test_what_was_to_add_to_a_position_that_is_closed_since_is_not_bought(
    open_world: OpenWorld, ledger: MemoryLedger
) -> None:
    world = await open_world(trading_state=TradingState(mode=Mode.CONFIRM), stop_loss_pct=Decimal(5), max_entries=2)
    await world.say("BUY_SM")
    await world.tap(world.question().token)
    await world.clock.forward(5)
    await world.say("BUY_SM")
    world.venue.trade("WIFUSDC", "0.4550")
    await world.clock.forward(20)
    assert not world.portfolio.position(StrategyBook("WIFUSDC")).is_open
    placed = len(world.venue.placed)
    assert became(await world.tap(world.question().token)) == ("denied", "closed_since")
    assert len(world.venue.placed) == placed
    assert closed(ledger).reason == reason("closed_since", symbol="WIFUSDC")


async def test_an_approval_becomes_the_order(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    token = world.question().token
    assert became(await world.tap(token)) == ("ordered", "")
    assert len(world.venue.placed) == 1
    (order,) = ledger.orders.values()
    assert (order.state, order.approved_by) == (OrderState.FILLED, "Ann")
    assert [event.kind for event in ledger.events] == ["approval_requested", "approval_closed", "order_executed"]
    assert (ledger.approvals[token].state, ledger.approvals[token].decided_by) == (ApprovalState.APPROVED, "Ann")


async def test_an_exit_is_asked_about_as_well(world: World) -> None:
    await world.say("BUY_SM")
    await world.tap(world.question().token)
    assert became(await world.say("SELL_SM")) == ("awaiting_approval", "")
    await world.tap(world.question().token)
    assert not world.portfolio.position(StrategyBook("WIFUSDC")).is_open


async def test_two_taps_make_one_order(world: World) -> None:
    await world.say("BUY_SM")
    token = world.question().token
    await world.tap(token)
    assert became(await world.tap(token)) == ("ignored", "approval_closed")
    assert became(await world.tap(token, approve=False)) == ("ignored", "approval_closed")
    assert len(world.venue.placed) == 1


async def test_a_token_nobody_gave_is_nothing(world: World) -> None:
    assert became(await world.tap("invented")) == ("ignored", "approval_closed")
    assert world.venue.placed == []


async def test_a_declined_question_is_no_order(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    token = world.question().token
    assert became(await world.tap(token, approve=False)) == ("declined", "declined")
    assert became(await world.tap(token)) == ("ignored", "approval_closed")
    assert world.venue.placed == []
    assert [order.state for order in ledger.orders.values()] == [OrderState.DECLINED]
    assert str(closed(ledger).reason) == "declined by Ann"


@pytest.mark.parametrize(("seconds", "outcome"), [(119.9, "ordered"), (120, "expired"), (500, "expired")])
async def test_an_approval_counts_only_in_time(world: World, seconds: float, outcome: str) -> None:
    await world.say("BUY_SM")
    token = world.question().token
    await world.clock.forward(seconds)
    assert became(await world.tap(token))[0] == outcome
    assert len(world.venue.placed) == (outcome == "ordered")


async def test_the_age_of_the_signal_does_not_kill_an_approved_one(world: World) -> None:
    await world.say("BUY_SM", age=59)
    await world.clock.forward(100)  # the signal is far older than SIGNAL_MAX_AGE by now
    assert became(await world.tap(world.question().token)) == ("ordered", "")


async def test_an_approved_order_that_never_arrived_is_placed_anew_however_old_its_signal(world: World) -> None:
    await world.say("BUY_SM", age=59)
    await world.clock.forward(100)
    world.venue.next(lost(executed=False))
    await world.tap(world.question().token)
    assert len(world.venue.placed) == 2
    assert len(world.venue.executed) == 1


async def test_a_question_that_nobody_answers_expires(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    token = world.question().token
    await world.clock.forward(120)
    assert became(await world.time_out(token)) == ("expired", "approval_expired")
    assert str(closed(ledger).reason) == "no answer within 2 min"
    assert [order.state for order in ledger.orders.values()] == [OrderState.EXPIRED]
    assert became(await world.tap(token)) == ("ignored", "approval_closed")


async def test_a_clock_set_back_gives_a_question_no_more_time(world: World) -> None:
    await world.say("BUY_SM")
    token = world.question().token
    await world.clock.forward(120)
    world.clock.step(-3600)
    assert became(await world.time_out(token)) == ("expired", "approval_expired")


async def test_a_time_out_after_the_answer_changes_nothing(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    token = world.question().token
    await world.tap(token)
    await world.clock.forward(200)
    assert became(await world.time_out(token)) == ("ignored", "approval_closed")
    assert ledger.approvals[token].state is ApprovalState.APPROVED


async def test_a_later_opposite_signal_withdraws_the_question(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    token = world.question().token
    assert became(await world.say("SELL_SM")) == ("ignored", "no_position")
    assert ledger.approvals[token].state is ApprovalState.WITHDRAWN
    reasons = [str(event.reason) for event in ledger.events if isinstance(event, ApprovalClosed)]
    assert reasons == ["withdrawn: SELL_SM came before an answer"]
    assert became(await world.tap(token)) == ("ignored", "approval_closed")
    assert world.venue.placed == []


async def test_an_expired_opposite_signal_withdraws_nothing(world: World) -> None:
    await world.say("BUY_SM")
    await world.say("SELL_SM", age=700)
    assert became(await world.tap(world.question().token)) == ("ordered", "")


async def test_the_same_signal_again_does_not_ask_twice(world: World) -> None:
    await world.say("BUY_SM")
    token = world.question().token
    assert became(await world.say("BUY_SM")) == ("ignored", "approval_pending")
    assert world.question().token == token


@pytest.mark.parametrize(("price", "became_of_it"), [("0.4848", ("ordered", "")), ("0.4849", ("denied", "price_band"))])
async def test_the_price_is_checked_again_at_the_tap(
    world: World, ledger: MemoryLedger, price: str, became_of_it: tuple[str, str]
) -> None:
    await world.say("BUY_SM", close="0.48")
    await world.clock.forward(30)
    world.venue.prices["WIFUSDC"] = Decimal(price)
    assert became(await world.tap(world.question().token)) == became_of_it
    state = next(iter(ledger.orders.values())).state
    assert state is (OrderState.FILLED if became_of_it[0] == "ordered" else OrderState.DENIED)


async def test_the_pause_holds_at_the_tap_too(world: World) -> None:
    await world.say("BUY_SM")
    await world.set(pause=Pause.ALL)
    assert became(await world.tap(world.question().token)) == ("denied", "paused")
    assert world.venue.placed == []


async def test_an_approval_that_cannot_be_committed_sends_nothing_yet_and_one_order_later(
    world: World, ledger: MemoryLedger
) -> None:
    await world.say("BUY_SM")
    ledger.fail(2, picks=_approves)
    await world.tap(world.question().token)
    assert [(at - world.clock.now()).total_seconds() for at in world.venue.placed_at] == [0]
    assert len(ledger.refused) == 2


def _approves(batch: CommitBatch) -> bool:
    return any(approval.state is ApprovalState.APPROVED for approval in batch.approvals)


async def test_a_restart_between_question_and_tap_forgets_nothing(world: World, ledger: MemoryLedger, restart: Restart) -> None:
    await world.set(mode=Mode.CONFIRM)
    await world.say("BUY_SM")
    token = world.question().token
    again = await restart(world, ledger)
    assert again.question().token == token
    assert became(await again.tap(token)) == ("ordered", "")
    assert len(again.venue.placed) == 1
    assert became(await again.tap(token)) == ("ignored", "approval_closed")


async def test_a_mode_that_was_changed_meanwhile_does_not_trade_by_itself(world: World) -> None:
    await world.say("BUY_SM")
    await world.set(mode=Mode.AUTO)
    assert world.venue.placed == []
    assert became(await world.tap(world.question().token)) == ("ordered", "")
