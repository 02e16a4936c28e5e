"""The chat shows a plan's numbers in the alert, the protection of each position, what rests, and what is taken off."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from core.domain.exit_plan import Level, Target
from core.domain.order import ListRequest, PlaceListResult, Rejected
from core.domain.reasons import reason
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import PlanState
from local_telegram.server import RunningChat
from tests.bot.conftest import until
from tests.bot.firm import ROOMY, Firm, firm_on

WIF = "WIFUSDC"
HALF = Decimal(50)
TARGETS = (Target(Level(pct=Decimal(10)), HALF), Target(Level(pct=Decimal(20)), HALF))


@pytest.fixture
async def firm(server: RunningChat, tmp_path: Path) -> AsyncIterator[Firm]:
    """Yields a program whose entries have a stop 5 % below and two targets, on the paper exchange."""
    limits = replace(ROOMY, stop_loss_pct=Decimal(5), take_profit_pct=TARGETS, trade_qty=Decimal(100))
    async with firm_on(server, tmp_path, limits=limits) as running:
        yield running


async def guarded(firm: Firm) -> None:
    await firm.held()
    await until(lambda: firm.portfolio.plans[StrategyBook(WIF)].state is PlanState.GUARDED)
    await firm.settled()


async def test_the_alert_of_an_entry_has_its_plan_in_numbers(firm: Firm) -> None:
    await guarded(firm)
    alert = await firm.owner.wait_for("BUY_SM executed")
    assert alert.text.startswith("🟩 BUY_SM executed\nSymbol: WIFUSDC\nPrice: 0.4801\n")
    assert ("\nStop: 0.4561 (-5.00%)\nTarget 1: 0.5282 (+10.02%), sells 50%\nTarget 2: 0.5762 (+20.02%), sells 50%") in alert.text


async def test_positions_show_what_protects_them_and_how_far_it_is(firm: Firm) -> None:
    await guarded(firm)
    assert "Not protected" not in (await firm.owner.ask("/status")).text
    said = (await firm.owner.ask("/positions")).text
    assert "🛡 Protected on the exchange\nStop: 0.4561 (-5.00%)\nTarget 1: 0.5282 (+10.02%)" in said
    await firm.owner.ask("/lang ru")
    assert "🛡 Защищена на бирже\nСтоп: 0,4561 (-5,00%)\nЦель 1: 0,5282 (+10,02%)" in (await firm.owner.ask("/positions")).text


async def test_orders_are_listed_with_what_each_is_for(firm: Firm) -> None:
    await guarded(firm)
    said = (await firm.owner.ask("/orders")).text
    assert "Open orders on the exchange: 4" in said
    assert "🔴 stop: 49.95 at 0.4561 (" in said
    assert "🔴 target 1 of 2: 49.95 at 0.5282 (" in said
    firm.prices.down = True
    said = (await firm.owner.ask("/orders")).text
    assert "🔴 target 2 of 2: 49.95 at 0.5762 (" in said


async def test_a_target_that_fills_says_which_and_what_stays_protected(firm: Firm) -> None:
    await guarded(firm)
    firm.prices.bid[WIF] = Decimal("0.53")
    sold = await firm.owner.wait_for("SELL_TAKE_PROFIT executed", within=20)
    assert sold.text.startswith("🔴 SELL_TAKE_PROFIT executed\nSymbol: WIFUSDC\nPrice: 0.5282\nProfit: +9.8%\n")
    assert "\nTarget 1 of 2 filled\nStill protected: 49.95 of 49.95 WIF" in sold.text
    said = (await firm.owner.ask("/positions")).text
    assert "Target 1: 0.5282, filled\nTarget 2: 0.5762" in said
    assert "🔴 target 2 of 2: 49.95 at 0.5762 (" in (await firm.owner.ask("/orders")).text
    firm.prices.bid[WIF] = Decimal("0.45")
    stopped = await firm.owner.wait_for("SELL_STOP_LOSS executed", within=20)
    assert "\nStop filled, trigger 0.4561" in stopped.text
    assert "Still protected" not in stopped.text
    await firm.settled()
    story = (await firm.owner.ask("/why WIFUSDC")).text
    assert story.count("sent: 100 at about") == 1
    assert "target 1 of 2 filled: 49.95 at 0.5282" in story


async def test_the_confirmations_say_that_the_protection_is_taken_off(firm: Firm) -> None:
    await guarded(firm)
    assert "Its stop and targets are cancelled on the exchange first\n" in (await firm.owner.ask("/close WIFUSDC")).text
    assert "first, then placed again for the rest" in (await firm.owner.ask("/sell WIFUSDC 50%")).text
    assert "Stops and targets to cancel: 4" in (await firm.owner.ask("/close all")).text
    assert "Stops and targets to cancel: 4" in (await firm.owner.ask("/panic")).text
    assert "Stops and targets stay on the exchange: 4" in (await firm.owner.ask("/pause")).text


async def test_a_position_that_the_exchange_will_not_protect_is_told_and_shown(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_: ListRequest) -> PlaceListResult:
        return Rejected(reason("rejected", message="no", code="-2010"))

    monkeypatch.setattr(firm.context.exchange.venue, "place_list", refuse)
    await firm.held()
    told = await firm.owner.wait_for("🛡 WIFUSDC: the position is not protected on the exchange")
    assert "Position: 99.9 WIF\nSince: " in told.text
    assert "Reason: the exchange rejected it: no (-2010)" in told.text
    assert "MarketFlow watches the price itself, sells at the stop" in told.text
    assert "🛡 Not protected on the exchange: WIFUSDC (why: /positions)" in (await firm.owner.ask("/status")).text
    said = (await firm.owner.ask("/positions")).text
    assert "⚠️ Not protected on the exchange since" in said
    assert "Reason: the exchange rejected it: no (-2010)" in said
    firm.prices.bid[WIF] = Decimal("0.45")
    sold = await firm.owner.wait_for("SELL_STOP_LOSS executed", within=20)
    assert "Stop reached: sold at market by MarketFlow itself" in sold.text


async def test_a_position_without_a_plan_says_so(firm: Firm) -> None:
    firm.portfolio.limits = replace(firm.portfolio.limits, stop_loss_pct=None, take_profit_pct=())
    await firm.held()
    assert "No exit plan: no stop, no target" in (await firm.owner.ask("/positions")).text
    assert "stop and targets" not in (await firm.owner.ask("/close WIFUSDC")).text
