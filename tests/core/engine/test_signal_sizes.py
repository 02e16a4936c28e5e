"""Sizes that signals bring, from the mailbox to the order and the ledger."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.domain.errors import ExchangeUnavailable
from core.domain.events.orders import OrderExecuted
from core.domain.exit_plan import ExitPlan, Level, StopLoss
from core.domain.instrument import Balance
from core.domain.order_state_machine import OrderState
from core.domain.strategy_book import StrategyBook
from core.domain.trade_size import SizeCap, SizeKind, TradeSize
from core.domain.trading_state import Mode, TradingState
from core.policy.sizing.fees import TAKER_FEE
from core.records.message_outcome import MessageOutcome
from tests.core.conftest import OpenWorld, Restart
from tests.core.memory_ledger import MemoryLedger
from tests.core.world import World

PLAN = ExitPlan(StopLoss(Level(pct=Decimal(5))))


async def asks(
    world: World, kind: str, size: SizeKind, amount: str, *, symbol: str = "WIFUSDC", plan: ExitPlan | None = None
) -> MessageOutcome:
    close = str(world.venue.prices[symbol])
    signal = replace(world.signal(kind, symbol=symbol, close=close), size=TradeSize(size, Decimal(amount)), plan=plan)
    outcome = await world.clock.run(world.inbox.ask(world.said(signal)))
    assert outcome is not None
    return outcome


@pytest.mark.parametrize(
    ("kind", "amount", "qty"),
    [(SizeKind.QUANTITY, "12.345", "12.34"), (SizeKind.QUOTE, "20", "41.25"), (SizeKind.EQUITY, "5", "1031.35")],
)
async def test_the_order_has_the_size_of_its_signal(world: World, kind: SizeKind, amount: str, qty: str) -> None:
    world.venue.more["USDC"] = Decimal(10000)
    assert (await asks(world, "BUY_SM", kind, amount)).outcome == "ordered"
    assert world.venue.placed[0].qty == Decimal(qty)
    spent = world.venue.placed[0].qty * Decimal("0.4848")  # the band's edge, at which it may fill
    assert kind is SizeKind.QUANTITY or spent <= {SizeKind.QUOTE: 20, SizeKind.EQUITY: 500}[kind]


async def test_what_is_at_risk_is_what_the_stop_would_lose(world: World, ledger: MemoryLedger) -> None:
    world.venue.more["USDC"] = Decimal(1000)
    await asks(world, "BUY_SM", SizeKind.RISK, "1", plan=PLAN)
    (request,) = world.venue.placed[:1]
    edge = Decimal("0.4848")
    back = request.qty * (1 - TAKER_FEE) * edge * Decimal("0.95") * (1 - TAKER_FEE)
    assert Decimal("9.99") < request.qty * edge - back <= 10
    told = next(event for event in ledger.events if isinstance(event, OrderExecuted))
    assert told.order.sizing is not None
    assert (told.order.sizing.kind, told.order.sizing.equity, told.order.sizing.stop_pct) == (
        SizeKind.RISK,
        Decimal(1000),
        Decimal(5),
    )


async def test_positions_and_locked_money_count_and_what_is_free_is_the_most(world: World, ledger: MemoryLedger) -> None:
    world.venue.more["USDC"] = Decimal(100)
    await asks(world, "BUY_SM", SizeKind.QUOTE, "60", symbol="SOLUSDC")
    free = (await world.venue.balances())["USDC"].free
    assert free < 60
    await asks(world, "BUY_SM", SizeKind.EQUITY, "50")
    sizing = ledger.order_history[-1].sizing
    assert sizing is not None
    sol = world.portfolio.position(StrategyBook("SOLUSDC"))
    assert sizing.equity == free + sol.qty * Decimal("1.5")
    assert sizing.cap is SizeCap.FREE
    assert world.venue.placed[-1].qty * Decimal("0.4848") <= free


async def test_an_unknown_balance_is_waited_for_and_never_guessed(world: World) -> None:
    async def away() -> dict[str, Balance]:
        raise ExchangeUnavailable("no answer")

    known, world.trading.decisions.funds.balances = world.trading.decisions.funds.balances, away
    outcome = await asks(world, "BUY_SM", SizeKind.EQUITY, "5")
    assert (outcome.outcome, outcome.reason and outcome.reason.code) == ("denied", "balances_unknown")
    assert world.venue.placed == []
    world.trading.decisions.funds.balances = known


async def test_half_of_a_position_is_sold_and_the_rest_stays(open_world: OpenWorld) -> None:
    world = await open_world(trade_qty=Decimal(100))
    await world.say("BUY_SM")
    assert (await asks(world, "SELL_SM", SizeKind.POSITION, "50")).outcome == "ordered"
    assert world.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal("49.95")
    assert world.portfolio.exits == {}
    assert (await asks(world, "SELL_SM", SizeKind.QUANTITY, "20")).outcome == "ordered"
    assert (await asks(world, "SELL_SM", SizeKind.QUANTITY, "1000")).outcome == "ordered"
    assert [request.qty for request in world.venue.placed[1:]] == [Decimal("49.95"), Decimal(20), Decimal("29.95")]
    assert not world.portfolio.position(StrategyBook("WIFUSDC")).is_open


async def test_a_part_too_small_to_sell_is_told_and_does_not_wait(world: World) -> None:
    await world.say("BUY_SM")
    outcome = await asks(world, "SELL_SM", SizeKind.POSITION, "0.01")
    assert (outcome.outcome, outcome.reason and outcome.reason.code) == ("denied", "below_min_qty")
    assert world.portfolio.exits == {}


async def test_an_approved_order_has_the_size_that_was_shown_and_tells_its_sum(
    open_world: OpenWorld, restart: Restart, ledger: MemoryLedger
) -> None:
    world = await open_world(trading_state=TradingState(mode=Mode.CONFIRM))
    world.venue.more["USDC"] = Decimal(1000)
    await asks(world, "BUY_SM", SizeKind.EQUITY, "5")
    shown = world.question()
    assert shown.sizing is not None
    world.venue.more["USDC"] = Decimal(5000)
    again = await restart(world, ledger)
    await again.tap(again.question().token)
    assert again.venue.placed[-1].qty == shown.qty
    assert [order.sizing for order in ledger.order_history if order.state is OrderState.FILLED] == [shown.sizing]


@pytest.mark.parametrize(("name", "kind"), [("trade_equity_pct", SizeKind.EQUITY), ("trade_risk_pct", SizeKind.RISK)])
async def test_the_settings_may_count_from_the_equity_and_the_signals_own_size_comes_first(
    open_world: OpenWorld, ledger: MemoryLedger, name: str, kind: SizeKind
) -> None:
    world = await open_world(stop_loss_pct=Decimal(5), **{name: Decimal(1)})
    world.venue.more["USDC"] = Decimal(10000)
    await world.say("BUY_SM")
    sizing = ledger.order_history[0].sizing
    assert sizing is not None
    assert (sizing.kind, sizing.pct) == (kind, Decimal(1))
    await asks(world, "BUY_SM", SizeKind.QUANTITY, "20", symbol="SOLUSDC")
    assert next(one for one in world.venue.placed if one.symbol == "SOLUSDC").qty == 20
