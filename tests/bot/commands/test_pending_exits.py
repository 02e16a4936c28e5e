"""A pending exit stands in /positions, /orders and the dashboard: quantity, since when, until when, and why."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.texts import texts
from core.domain.order import NotTaken, OrderRequest, PlaceResult
from core.domain.reasons import reason
from core.read_models import Selection
from dashboard import texts as dashboard_texts
from dashboard.guards import exit_cells
from dashboard.view import now
from local_telegram.server import RunningChat
from tests.bot.commands.test_acting import confirmed
from tests.bot.conftest import until
from tests.bot.firm import Firm, firm_on


@pytest.fixture
async def firm(server: RunningChat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Firm]:
    """Yields a program with a position on an exchange that no longer accepts orders."""

    async def away(_: OrderRequest) -> PlaceResult:
        return NotTaken(reason("banned", seconds=300), retry_after=300)

    async with firm_on(server, tmp_path) as running:
        await running.held()
        with monkeypatch.context() as banned:
            banned.setattr(running.context.exchange.venue, "place", away)
            yield running


async def sold_in_vain(firm: Firm) -> None:
    await firm.signal("SELL_SM")
    await until(lambda: any(one.why is not None for one in firm.portfolio.exits.values()))
    await firm.settled()


@pytest.mark.parametrize("command", ["/positions", "/orders"])
async def test_the_lists_of_the_chat_have_it_in_both_languages(firm: Firm, command: str) -> None:
    assert "Exits being retried" not in (await firm.owner.ask(command)).text
    await sold_in_vain(firm)
    (wanted,) = firm.portfolio.exits.values()
    since, end = (texts("en").full_moment(at) for at in (wanted.since, wanted.since + timedelta(seconds=600)))
    said = (await firm.owner.ask(command)).text
    for words in ("Exits being retried: 1", "WIFUSDC: 19.98 WIF to sell", f"Since {since}", f"Retried until {end}"):
        assert words in said
    assert "Attempt 1 failed: " in said
    assert texts("en").reason(reason("banned", seconds=300)) in said
    await firm.owner.ask("/lang ru")
    since, end = (texts("ru").full_moment(at) for at in (wanted.since, wanted.since + timedelta(seconds=600)))
    said = (await firm.owner.ask(command)).text
    for words in ("Повторяю выходы: 1", "WIFUSDC: продать 19,98 WIF", f"С {since}", f"Повторяю до {end}"):
        assert words in said
    assert f"Попытка 1 не удалась: {texts('ru').reason(reason('banned', seconds=300))}" in said


async def test_a_panics_exit_has_no_end(firm: Firm) -> None:
    await confirmed(firm.trader, await firm.trader.ask("/panic"))
    await firm.owner.wait_for("not sold yet")
    assert "Retried until sold; /resume cancels it" in (await firm.owner.ask("/positions")).text


async def test_the_dashboard_has_it_too(firm: Firm, tmp_path: Path) -> None:
    await sold_in_vain(firm)
    today = firm.context.clock.now().date()
    (wanted,) = (await now(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}", Selection(), today)).exits
    words = dashboard_texts.texts("ru")
    symbol, _, quantity, _, until_when, attempt, why = exit_cells(wanted, words)
    assert (symbol, quantity, attempt) == ("WIFUSDC", "19,98", "1")
    assert why == words.reason(reason("banned", seconds=300))
    assert until_when == words.moment(wanted.since + timedelta(seconds=600))
