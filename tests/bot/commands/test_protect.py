"""A position gets a plan in the chat, changes it, and is closed by the buttons below its alert."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bot.app.startup import bare_message
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import PlanState
from local_telegram.server import RunningChat
from tests.bot.commands.test_acting import confirmed
from tests.bot.conftest import until
from tests.bot.firm import ROOMY, Firm, firm_on

WIF = "WIFUSDC"
CLOSE, HALF, EVEN, MOVE, PROTECT = "Close", "Close half", "To breakeven", "Move stop", "Protect"


@pytest.fixture
async def bare(server: RunningChat, tmp_path: Path) -> AsyncIterator[Firm]:
    """Yields a program whose entries have no plan, on the paper exchange."""
    async with firm_on(server, tmp_path, limits=replace(ROOMY, trade_qty=Decimal(100))) as running:
        yield running


@pytest.fixture
async def firm(server: RunningChat, tmp_path: Path) -> AsyncIterator[Firm]:
    """Yields a program whose entries have a stop 5 % below."""
    limits = replace(ROOMY, stop_loss_pct=Decimal(5), trade_qty=Decimal(100))
    async with firm_on(server, tmp_path, limits=limits) as running:
        yield running


async def guarded(firm: Firm) -> None:
    await until(
        lambda: StrategyBook(WIF) in firm.portfolio.plans and firm.portfolio.plans[StrategyBook(WIF)].state is PlanState.GUARDED
    )
    await firm.settled()


def stops(firm: Firm) -> set[Decimal | None]:
    return {
        order.terms.stop_price for order in firm.portfolio.resting_for(StrategyBook(WIF)) if order.terms.stop_price is not None
    }


async def test_a_position_without_a_plan_gets_one(bare: Firm) -> None:
    await bare.held()
    alert = await bare.owner.wait_for("BUY_SM executed")
    assert [[button.text for button in row] for row in alert.keyboard] == [[CLOSE, HALF], [PROTECT]]
    asked = await bare.trader.ask("/protect WIF stop 5% target 10%")
    assert "🛡 Exit plan of WIFUSDC, 99.9 WIF\nStop: 0.4561 (-5.00%)\nTarget: 0.5282 (+10.02%)" in asked.text
    assert bare.portfolio.plans == {}
    await confirmed(bare.trader, asked)
    await guarded(bare)
    assert stops(bare) == {Decimal("0.4561")}
    told = await bare.owner.wait_for("🛡 WIFUSDC: protected by Trader")
    assert "Stop: 0.4561 · Target: 0.5282" in told.text
    assert "🛡 Protected on the exchange" in (await bare.owner.ask("/positions")).text


async def test_the_buttons_have_the_marks_of_the_language(firm: Firm) -> None:
    await firm.held()
    await firm.owner.ask("/lang ru")
    offered = await firm.owner.ask("/protect WIF")
    numbers = [button.text for row in offered.keyboard for button in row if "%" in button.text]
    assert numbers
    assert not [number for number in numbers if "." in number]


async def test_the_stop_moves_by_the_buttons(firm: Firm) -> None:
    await firm.held()
    await guarded(firm)
    alert = await firm.owner.wait_for("BUY_SM executed")
    assert [[button.text for button in row] for row in alert.keyboard] == [[CLOSE, HALF], [EVEN, MOVE]]
    firm.prices.bid[WIF] = Decimal("0.52")
    await until(lambda: firm.trading.market.price(WIF) == Decimal("0.52"))
    firm.owner.press(alert, MOVE)
    offered = await firm.owner.wait_for("Change: /protect WIFUSDC", after=alert)
    assert firm.owner.now(alert) is not None  # the alert stays
    firm.owner.press(offered, "0.5096 (-2.00%)")
    asked = await firm.owner.wait_for("Stop: 0.5096 (-2.00%)")
    await confirmed(firm.owner, asked)
    await until(lambda: stops(firm) == {Decimal("0.5096")})
    await firm.settled()
    assert await firm.owner.wait_for("🛡 WIFUSDC: exit plan changed by Owner")


async def test_the_stop_goes_to_breakeven_by_a_button(firm: Firm) -> None:
    await firm.held()
    await guarded(firm)
    firm.prices.bid[WIF] = Decimal("0.52")
    await until(lambda: firm.trading.market.price(WIF) == Decimal("0.52"))
    listed = await firm.owner.ask("/positions")
    firm.owner.press(listed, EVEN)
    asked = await firm.owner.wait_for("🛡 Exit plan of WIFUSDC")
    assert "Stop: 0.4811 (-7.48%)" in asked.text
    await confirmed(firm.owner, asked)
    await until(lambda: stops(firm) == {Decimal("0.4811")})


async def test_a_stop_follows_the_market(bare: Firm) -> None:
    await bare.held()
    bare.prices.bid[WIF] = Decimal("0.52")
    await until(lambda: bare.trading.market.price(WIF) == Decimal("0.52"))
    asked = await bare.trader.ask("/protect WIF trail 2%")
    assert "Stop: 0.5096 (-2.00%)\nTrailing stop 2% below the market" in asked.text
    await confirmed(bare.trader, asked)
    await guarded(bare)
    assert stops(bare) == {Decimal("0.5096")}
    told = await bare.owner.wait_for("🛡 WIFUSDC: protected by Trader")
    assert "Stop: 0.5096 · trailing stop 2% below the market" in told.text
    bare.prices.bid[WIF] = Decimal("0.53")
    await until(lambda: stops(bare) == {Decimal("0.5194")})
    await guarded(bare)
    assert "Stop: 0.5194 (-2.00%)\nTrailing stop 2% below the market" in (await bare.owner.ask("/positions")).text
    assert not [message for message in bare.owner.received if "trailing stop is active now" in message.text]
    asked = await bare.trader.ask("/protect WIF target 30%")
    bare.prices.bid[WIF] = Decimal("0.55")
    await until(lambda: stops(bare) == {Decimal("0.5390")})
    bare.prices.bid[WIF] = Decimal("0.54")
    await until(lambda: bare.trading.market.price(WIF) == Decimal("0.54"))
    await confirmed(bare.trader, asked)
    await until(lambda: bool(bare.portfolio.plans[StrategyBook(WIF)].exits.targets))
    await guarded(bare)
    assert stops(bare) == {Decimal("0.5390")}


async def test_it_is_told_when_a_stop_begins_to_follow(server: RunningChat, tmp_path: Path) -> None:
    limits = replace(ROOMY, stop_loss_pct=Decimal(5), trade_qty=Decimal(100))
    limits = replace(limits, trailing_pct=Decimal(2), trailing_activation_pct=Decimal(5))
    async with firm_on(server, tmp_path, limits=limits) as firm:
        await firm.held()
        await guarded(firm)
        alert = await firm.owner.wait_for("BUY_SM executed")
        assert "Trailing stop 2% below the market from 0.5041" in alert.text
        firm.prices.bid[WIF] = Decimal("0.52")
        told = await firm.owner.wait_for("🛡 WIFUSDC: the trailing stop is active now")
        assert "Stop: 0.5096 · trailing stop 2% below the market" in told.text
        assert stops(firm) == {Decimal("0.5096")}


async def test_a_position_is_closed_and_halved_by_the_buttons_below_its_alert(firm: Firm) -> None:
    await firm.held()
    await guarded(firm)
    alert = await firm.owner.wait_for("BUY_SM executed")
    firm.owner.press(alert, HALF)
    asked = await firm.owner.wait_for("Sell 49.95 WIF")
    await confirmed(firm.owner, asked)
    sold = await firm.owner.wait_for("SELL_MANUAL executed")
    assert [[button.text for button in row] for row in sold.keyboard] == [[CLOSE, HALF]]
    await guarded(firm)
    firm.owner.press(alert, CLOSE)
    await confirmed(firm.owner, await firm.owner.wait_for("Sell 49.95 WIF", after=sold))
    await until(lambda: not firm.portfolio.position(StrategyBook(WIF)).is_open)
    await firm.settled()
    last = await firm.owner.wait_for("SELL_MANUAL executed", after=sold)
    assert last.keyboard == ()


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("/protect", "No open positions"),
        ("/protect WIF stop 5%", "no WIF position to sell"),
        ("/protect WIF trail", "/protect SYMBOL [@STRATEGY] [stop 5%] [target 10%] [trail 2%]"),
        ("/protect WIF 5%", "/protect SYMBOL [@STRATEGY] [stop 5%] [target 10%] [trail 2%]"),
    ],
)
async def test_without_a_position_or_an_amount_nothing_is_asked(bare: Firm, said: str, answer: str) -> None:
    assert answer in (await bare.trader.ask(said)).text


async def test_what_would_sell_at_once_is_refused(firm: Firm) -> None:
    await firm.held()
    await guarded(firm)
    said = (await firm.trader.ask("/protect WIF stop 0.49")).text
    assert said == "🚫 Can't change the exit plan: the market, now at 0.4801, is already at or below the stop 0.49"
    assert "the exit plan already looks like this" in (await firm.trader.ask("/protect WIF stop 5%")).text
    assert "No exit plan: its orders are cancelled" in (await firm.trader.ask("/protect WIF stop off")).text


async def test_a_purchase_brings_its_plan(bare: Firm) -> None:
    asked = await bare.trader.ask("/buy WIF 50 USDC stop 5% target 5%:50,10%:50")
    assert "Stop: 0.4561 (-5.00%)\nTarget 1: 0.5042 (+5.02%), sells 50%" in asked.text
    await confirmed(bare.trader, asked)
    await guarded(bare)
    assert len(bare.portfolio.resting_for(StrategyBook(WIF))) == 4
    wrong = (await bare.trader.ask("/buy SOL 50 USDC stop breakeven")).text
    assert "/buy SYMBOL [50 | 20 WIF] [stop 5%] [target 10%] [trail 2%] [steps 3% 6%]" in wrong
    refused = (await bare.trader.ask("/buy SOL 50 USDC stop 200")).text
    assert "the stop at 200 is not below the price" in refused


async def test_positions_of_before_are_told_of_once(bare: Firm) -> None:
    assert bare_message(bare.portfolio, bare.clock) is None
    await bare.held()
    for _ in range(2):
        message = bare_message(bare.portfolio, bare.clock)
        assert message is not None
        await bare.trading.inbox.ask_all([message])
    await bare.settled()
    told = [message for message in bare.owner.received if "Without an exit plan" in message.text]
    assert [message.text.splitlines()[0] for message in told] == ["🛡 Without an exit plan: WIFUSDC"]
