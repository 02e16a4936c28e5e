"""Pages read signals page by page and as they are chosen, the story of one, and what is traded in a symbol."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.clock import SystemClock
from core.adapters.ledger.opening import open_ledger
from core.adapters.ledger.sql_ledger import SqlLedger
from core.domain.errors import LedgerUnavailable
from core.domain.messages import SignalReceived, StoredMessage
from core.read_models import Selection
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from dashboard import view
from tests.core.adapters.ledger.values import NOW, intent, message, position, round_trips
from tests.ledgers import make_ledger

EVERYTHING = Selection()


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    opened = await open_ledger(make_ledger(tmp_path / "ledger.db"), SystemClock())
    yield opened
    await opened.close()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}"


async def arrived(ledger: SqlLedger, count: int) -> list[StoredMessage]:
    """Stores signals, a day after each tenth, every third of the strategy `waves`; all but the first are ignored."""
    sent = []
    for number in range(count):
        one = message(number)
        assert isinstance(one.body, SignalReceived)
        of = replace(one.body.signal, extra={"strategy": "waves"}) if number % 3 == 0 else one.body.signal
        sent.append(replace(one, body=SignalReceived(of), received_at=NOW + timedelta(days=number // 10)))
    stored = [one for one in await ledger.store(sent) if isinstance(one, StoredMessage)]
    ignored = [MessageOutcome(one.seq, "ignored", NOW) for one in stored[1:]]
    await ledger.commit(intent(stored[0].seq, 0))
    await ledger.commit(CommitBatch(outcomes=ignored))
    return stored


async def test_signals_come_page_by_page_without_a_gap(ledger: SqlLedger, url: str) -> None:
    stored = await arrived(ledger, 120)
    seen, before = list[int](), None
    while True:
        page = await view.signals(url, EVERYTHING, before=before, not_traded=False)
        seen += [one.seq for one in page.stories]
        before = page.older
        if before is None:
            break
    assert seen == [one.seq for one in reversed(stored)]


async def test_signals_are_those_that_are_chosen(ledger: SqlLedger, url: str) -> None:
    await arrived(ledger, 40)
    day = (NOW + timedelta(days=2)).date()
    chosen = await view.signals(url, Selection(since=day, until=day), before=None, not_traded=False)
    assert {one.received_at.date() for one in chosen.stories} == {day}
    assert len(chosen.stories) == 10
    waves = await view.signals(url, Selection(strategy="waves"), before=None, not_traded=False)
    assert {one.signal.strategy for one in waves.stories} == {"waves"}
    assert len(waves.stories) == 14
    assert len((await view.signals(url, EVERYTHING, before=None, not_traded=True)).stories) == 39
    assert (await view.signals(url, Selection(symbol="BTCUSDC"), before=None, not_traded=False)).stories == []


async def test_a_story_is_found_by_number_and_by_name(ledger: SqlLedger, url: str) -> None:
    (first,) = await arrived(ledger, 1)
    for name in (str(first.seq), "t/0/0", "WIFUSDC"):
        found = await view.story(url, name)
        assert found is not None
        assert found.seq == first.seq
    assert await view.story(url, "nobody") is None


async def test_a_symbol_is_shown_as_it_is_chosen(ledger: SqlLedger, url: str) -> None:
    executions = list(round_trips(60))
    assert await view.last_symbol(url) is None
    await ledger.commit(CommitBatch(executions=executions, positions=[position("5"), replace(position("7"), strategy="waves")]))
    assert await view.last_symbol(url) == executions[-1].symbol
    found = await view.traded(url, "WIFUSDC", Selection(strategy="waves"))
    wanted = [one for one in executions if (one.symbol, one.strategy) == ("WIFUSDC", "waves")]
    assert list(found.executions) == wanted[::-1]
    assert [one.position.strategy for one in found.held] == ["waves"]


async def test_figures_are_complete_once_the_history_is_added_up(ledger: SqlLedger, url: str) -> None:
    executions = list(round_trips(60))
    await ledger.commit(CommitBatch(executions=executions))
    seen = (await view.compared(url, EVERYTHING, NOW.date())).figures
    profits = [one.profit_quote for one in executions if one.profit_quote is not None and one.quote_asset == "USDC"]
    usdc = next(one for one in seen.results if one.quote == "USDC")
    assert seen.is_complete
    assert usdc.turnover is not None
    assert usdc.turnover.won - usdc.turnover.lost == usdc.net == sum(profits)
    assert usdc.exits == len(profits)


async def test_no_ledger_is_said(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable, match="there is no ledger at"):
        await view.pulse(f"sqlite+aiosqlite:///{tmp_path}/none/ledger.db")
