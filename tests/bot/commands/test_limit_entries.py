"""The chat asks about entries at a limit, tells what becomes of them, lists them, and takes them off."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core.domain.limit_entry import LimitEntry, OnTimeout
from core.domain.order_terms import OrderType, TimeInForce
from core.domain.strategy_book import StrategyBook
from local_telegram.server import RunningChat
from tests.bot.conftest import until
from tests.bot.firm import ROOMY, Firm, firm_on

WIF = "WIFUSDC"


@pytest.fixture
async def firm(server: RunningChat, tmp_path: Path) -> AsyncIterator[Firm]:
    """Yields a program whose entries have a stop 5 % below, on the paper exchange."""
    async with firm_on(server, tmp_path, limits=replace(ROOMY, stop_loss_pct=Decimal(5), trade_qty=Decimal(100))) as running:
        yield running


def at_limit(seconds: int = 3600, on_timeout: OnTimeout = OnTimeout.CANCEL) -> LimitEntry:
    return LimitEntry(OrderType.LIMIT, Decimal("0.47"), TimeInForce.GTC, timedelta(seconds=seconds), on_timeout)


async def waiting(firm: Firm, entry: LimitEntry | None = None) -> None:
    """Sends an entry at a limit, and returns when it rests."""
    await firm.signal(entry=entry or at_limit())
    await until(lambda: bool(firm.portfolio.entries_for(StrategyBook(WIF))))
    await firm.settled()


async def test_an_entry_that_waits_is_told_with_what_it_costs_and_until_when(firm: Firm) -> None:
    await waiting(firm)
    said = (await firm.owner.wait_for("BUY_SM: waiting at 0.4700")).text
    assert "Symbol: WIFUSDC\nQuantity: 100 WIF, at most 47.00 USDC\nUntil " in said
    assert ", then cancelled" in said
    assert "Paper trading: no real money" in said


async def test_it_is_told_in_russian_too(firm: Firm) -> None:
    await firm.owner.ask("/lang ru")
    await waiting(firm, at_limit(on_timeout=OnTimeout.REPRICE))
    said = (await firm.owner.wait_for("BUY_SM: лимитный ордер по 0,4700")).text
    assert "Количество: 100 WIF, не больше 47,00 USDC" in said
    assert "потом переносится на лучшую цену покупки, до 5 раз, в пределах той же суммы" in said


async def test_orders_list_it_and_cancel_takes_it_off(firm: Firm) -> None:
    await waiting(firm)
    said = (await firm.owner.ask("/orders")).text
    assert "WIFUSDC\n🟩 entry of BUY_SM: 0 of 100 at 0.4700 (-2.10%), until " in said
    asked = await firm.owner.ask("/cancel")
    assert asked.buttons
    order = next(iter(firm.portfolio.entries_for(StrategyBook(WIF))), None)
    assert order is not None
    firm.owner.press(await firm.owner.ask(f"/cancel {order.client_order_id}"), "✅ Confirm")
    await until(lambda: not firm.portfolio.entries_for(StrategyBook(WIF)))
    said = (await firm.owner.wait_for("BUY_SM: missed")).text
    assert "Reason: cancelled by Owner\nNothing was bought." in said
    assert "was missed" in (await firm.owner.ask("/why WIFUSDC")).text


async def test_a_pause_says_that_it_takes_entries_off(firm: Firm) -> None:
    await waiting(firm)
    assert "Resting entries to cancel: 1" in (await firm.owner.ask("/pause entries")).text
    await until(lambda: not firm.portfolio.entries_for(StrategyBook(WIF)))
    assert "trading was paused while the order rested" in (await firm.owner.wait_for("BUY_SM: missed")).text


async def test_a_panic_takes_entries_off(firm: Firm) -> None:
    await waiting(firm)
    asked = await firm.owner.ask("/panic")
    assert "Open orders to cancel: 1" in asked.text
    firm.owner.press(asked, "✅ Confirm")
    await until(lambda: not firm.portfolio.entries_for(StrategyBook(WIF)))
    await until(lambda: firm.portfolio.trading_state.panic is None)
    assert not firm.portfolio.position(StrategyBook(WIF)).qty


async def test_what_follows_it_is_told_and_bought(firm: Firm) -> None:
    await waiting(firm, at_limit(seconds=20, on_timeout=OnTimeout.MARKET))
    said = (await firm.owner.wait_for("BUY_SM: time is up, buying at market", within=30)).text
    assert "Quantity: 96.92 WIF up to 0.4849" in said  # what 100 at 0.47 would have cost
    done = (await firm.owner.wait_for("BUY_SM executed", within=20)).text
    assert "Price: 0.4801" in done
    assert "Target" not in done
    story = (await firm.owner.ask("/why WIFUSDC")).text
    assert "for the rest: 96.92 at up to 0.4849" in story


async def test_the_question_shows_limit_time_and_cost(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, limits=replace(ROOMY, trade_qty=Decimal(100))) as firm:
        await firm.owner.ask("/mode confirm")
        await firm.signal(entry=at_limit(90))
        said = (await firm.owner.wait_for("BUY_SM: trade this?")).text
        assert "Limit: 0.4700, waits for 1 min 30 s, then cancelled\nCosts at most: 47.00 USDC" in said
        assert "price -2.10% vs. signal" in said
