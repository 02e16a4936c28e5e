"""The shadow in the evening's digest: what it says, and that a shadow that fails changes nothing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from bot.jobs.digest_job import DigestTimer
from bot.reports.replay_process import ReplayProcess
from bot.texts import texts
from bot.views.digest import shadow_lines
from core.adapters.ledger.analytics import LedgerAnalytics
from core.domain.digest import ShadowFigures
from core.domain.strategy_book import StrategyBook
from local_telegram.server import RunningChat
from tests.bot.conftest import until
from tests.bot.firm import ROOMY, Firm, firm_on

EVENING = datetime(2026, 11, 25, 19, 50, tzinfo=UTC)
WIF = StrategyBook("WIFUSDC")


@pytest.fixture
async def firm(server: RunningChat, tmp_path: Path) -> AsyncIterator[Firm]:
    """Yields a program some minutes before the evening's digest."""
    async with firm_on(server, tmp_path, limits=replace(ROOMY, trade_qty=Decimal(100)), start=EVENING) as running:
        yield running


def timer_of(firm: Firm, process: ReplayProcess) -> DigestTimer:
    """Returns the timer of a program with SHADOW on, whose shadow is made by `process`."""
    context = replace(firm.context, ledger=replace(firm.context.ledger, replays=process))
    return DigestTimer(context, context.people.recipients, firm.trading.inbox, firm.clock, firm.clock.now(), has_shadow=True)


async def test_the_evening_says_what_paper_would_have_brought(firm: Firm) -> None:
    await firm.signal("BUY_SM", close="0.479")
    await until(lambda: firm.portfolio.position(WIF).is_open)
    await firm.signal("SELL_SM")
    await until(lambda: not firm.portfolio.position(WIF).is_open)
    await firm.settled()
    timer = timer_of(firm, ReplayProcess())
    firm.clock.skip(700)
    await timer.run()
    evening = await firm.owner.wait_for("Good evening", within=40)
    assert "🌒 7 days: traded -0.0960, on paper +0.0140 USDC, difference -0.1100" in evening.text
    assert "Due to delay -0.1100" in evening.text
    (figures,) = await LedgerAnalytics(firm.ledger.reader).shadow()
    assert figures.curve == (("2026-11-25", figures.traded, figures.shadow),)


async def test_a_shadow_that_fails_changes_nothing(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    timer = timer_of(firm, ReplayProcess())
    firm.clock.skip(700)
    await timer.run()
    evening = await firm.owner.wait_for("Good evening")
    assert "🌒" not in evening.text


async def test_a_shadow_that_hangs_delays_no_order(firm: Firm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = tmp_path / "hangs"
    hangs.write_text("#!/bin/sh\nexec sleep 60\n")
    hangs.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(hangs))
    timer = timer_of(firm, ReplayProcess(seconds=5))
    firm.clock.skip(700)
    digest = asyncio.create_task(timer.run())
    await firm.held()
    assert not digest.done()
    assert firm.portfolio.position(WIF).qty == Decimal("99.9")
    await digest
    assert "🌒" not in (await firm.owner.wait_for("Good evening")).text


@pytest.mark.parametrize(("language", "first"), [("en", "🌒 7 days: traded +1.50"), ("ru", "🌒 За 7 дней: торговля +1,50")])
def test_the_difference_is_said_with_its_stages_the_largest_first(language: str, first: str) -> None:
    stages = {"fees": Decimal("0.001"), "delay": Decimal("-0.20"), "part": Decimal("-0.70")}
    figures = ShadowFigures("USDC", 7, Decimal("1.50"), Decimal("2.40"), stages)
    head, why = shadow_lines(figures, texts(language))
    assert head.startswith(first)
    assert why in {"Due to partial fills -0.70, delay -0.20", "Из-за чего: частичные исполнения -0,70, задержка -0,20"}
