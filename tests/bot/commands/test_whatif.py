"""/whatif: asked in the chat, replayed in a process of its own, answered in numbers with their limits."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.commands.arguments.amounts import UnreadAmount
from bot.commands.arguments.what_if import read_what_if
from bot.reports.replay_process import ReplayProcess
from core.domain.strategy_book import StrategyBook
from core.records.recording import Recording
from core.replay.replay import ReplayTerms
from local_telegram.server import RunningChat
from tests.bot.conftest import until
from tests.bot.firm import ROOMY, Firm, firm_on
from tests.bot.parts import NOON

WEEK = timedelta(days=7)


@pytest.mark.parametrize(
    ("words", "changes", "span"),
    [
        ("stop 3%", {"STOP_LOSS_PCT": "3"}, WEEK),
        ("stop 3 1d", {"STOP_LOSS_PCT": "3"}, timedelta(days=1)),
        ("stop off target 5:50,10:50 30d", {"STOP_LOSS_PCT": "off", "TAKE_PROFIT_PCT": "5:50,10:50"}, timedelta(days=30)),
        ("size 50", {"TRADE_QUOTE": "50"}, WEEK),
        ("size 50 USDC", {"TRADE_QUOTE": "50"}, WEEK),
        ("size 5%", {"TRADE_EQUITY_PCT": "5"}, WEEK),
        ("max_entries 3 400d", {"MAX_ENTRIES": "3"}, timedelta(days=90)),
        ("cooldown_after_stop 10m", {"COOLDOWN_AFTER_STOP": "600"}, WEEK),
    ],
)
def test_questions_are_read_as_people_type_them(words: str, changes: dict[str, str], span: timedelta) -> None:
    found = read_what_if(words.split(), "USDC")
    assert found is not None
    assert (dict(found.changes), found.span) == (changes, span)


@pytest.mark.parametrize("words", ["", "stop", "3%", "halt 3%", "stop 3% target", "7d"])
def test_anything_else_is_none(words: str) -> None:
    assert read_what_if(words.split(), "USDC") is None


@pytest.mark.parametrize("words", ["stop 300%", "size 50 BTC", "stop three", "max_entries 0"])
def test_a_wrong_value_is_refused(words: str) -> None:
    with pytest.raises(UnreadAmount):
        read_what_if(words.split(), "USDC")


@pytest.fixture
async def firm(server: RunningChat, tmp_path: Path) -> AsyncIterator[Firm]:
    """Yields a program whose entries of 100 WIF have a stop 5 % below."""
    limits = replace(ROOMY, stop_loss_pct=Decimal(5), trade_qty=Decimal(100))
    async with firm_on(server, tmp_path, limits=limits) as running:
        yield running


async def sold(firm: Firm, price: str) -> None:
    """Moves the market there, and sells by a signal."""
    firm.prices.bid["WIFUSDC"] = Decimal(price)
    await until(lambda: firm.trading.market.price("WIFUSDC") == Decimal(price))
    await firm.signal("SELL_SM")
    await until(lambda: not firm.portfolio.position(StrategyBook("WIFUSDC")).is_open)
    await firm.settled()


async def test_the_answer_has_what_would_be_different_and_how_far_it_holds(firm: Firm) -> None:
    await firm.held()
    await sold(firm, "0.47")
    same = (await firm.trader.ask("/whatif stop 5% 1d", within=30)).text
    assert "⚙️ STOP_LOSS_PCT: 5 → 5" in same
    profit = re.search(r"Profit: (\S+) → (\S+) USDC \(0\.00\)", same)
    assert profit is not None
    assert profit[1] == profit[2]
    assert "Signals handled differently: 0 of 2" in same
    assert "0 orders never really sent" in same
    double = (await firm.trader.ask("/whatif size 94 1d", within=30)).text
    assert "TRADE_QUOTE: not set → 94 USDC" in double
    assert "Signals handled differently: 2 of 2" in double
    assert "How far this holds" in double
    assert "the market is unknown" in double
    assert len(double.splitlines()) < 20
    russian = (await firm.trader.ask("/whatif стоп 3%", within=30)).text
    assert "Usage" not in russian
    assert "STOP_LOSS_PCT: 5 → 3" in russian
    assert firm.portfolio.limits.stop_loss_pct == 5


async def test_a_wrong_question_is_answered_with_a_right_one(firm: Firm) -> None:
    said = (await firm.trader.ask("/whatif stop")).text
    assert "/whatif stop 3%" in said


async def test_a_replay_that_takes_too_long_is_given_up() -> None:
    assert await ReplayProcess(seconds=0.05).replay(Recording(None, NOON, ()), ReplayTerms(ROOMY)) is None
    found = await ReplayProcess().replay(Recording(None, NOON, ()), ReplayTerms(ROOMY))
    assert found is not None
    assert found.signals == ()
