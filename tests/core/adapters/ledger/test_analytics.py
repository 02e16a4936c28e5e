"""The dashboard's figures equal what Python computes from the same rows, to the last digit, on both databases."""

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core.adapters.ledger.analytics import LedgerAnalytics
from core.adapters.ledger.day_reader import DayReader
from core.adapters.ledger.guards import Guards
from core.adapters.ledger.reader import open_reader
from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.ledger.turnovers import Turnovers
from core.domain.instrument import Quote
from core.domain.messages import StoredMessage
from core.domain.money import ZERO
from core.domain.order_state_machine import OrderState
from core.domain.pending_exit import PendingExit
from core.domain.position import Execution
from core.domain.reasons import reason
from core.domain.signal import Signal
from core.read_models import Gain, Selection, Turnover
from core.records.commit_batch import CommitBatch
from tests.core.adapters.ledger.values import BEGIN, NOW, intent, message, order, performance, position, round_trips
from tests.ledgers import make_ledger

EXECUTIONS = list(round_trips(400))
SINCE = (BEGIN + timedelta(days=1)).date()


def selected(selection: Selection) -> list[Execution]:
    return [
        one
        for one in EXECUTIONS
        if (selection.since is None or one.executed_at.date() >= selection.since)
        and (selection.until is None or one.executed_at.date() <= selection.until)
        and selection.symbol in (None, one.symbol)
        and selection.mode in (None, one.trading_mode)
        and selection.strategy in (None, one.strategy)
    ]


def turnover(executions: list[Execution]) -> list[Turnover]:
    """Adds up the executions, by quote asset."""
    found = []
    for quote in sorted({one.quote_asset for one in executions}):
        chosen = [one for one in executions if one.quote_asset == quote]
        profits = [one.profit_quote for one in chosen if one.profit_quote is not None]
        fees: dict[str, Decimal] = defaultdict(Decimal)
        for one in chosen:
            fees[one.fee_asset] += one.fee
        won, lost = sum((one for one in profits if one > 0), ZERO), sum((-one for one in profits if one < 0), ZERO)
        found.append(Turnover(quote, len(chosen), sum((one.quote_qty for one in chosen), ZERO), won, lost, dict(fees)))
    return found


@pytest.fixture
async def analytics(ledger: SqlLedger) -> LedgerAnalytics:
    await ledger.commit(CommitBatch(executions=EXECUTIONS))
    return LedgerAnalytics(ledger.reader)


@pytest.mark.parametrize(
    "selection",
    [
        Selection(),
        Selection(since=SINCE),
        Selection(symbol="WIFUSDC"),
        Selection(since=SINCE, symbol="BNBUSDT", mode="paper"),
        Selection(mode="live"),
        Selection(strategy="waves"),
        Selection(since=SINCE, symbol="WIFUSDC", strategy="default"),
        Selection(strategy="nobody"),
        Selection(since=date(2100, 1, 1)),
        Selection(until=SINCE),
        Selection(since=SINCE, until=SINCE, strategy="waves"),
    ],
)
async def test_a_selection_is_what_it_says(analytics: LedgerAnalytics, ledger: SqlLedger, selection: Selection) -> None:
    chosen = selected(selection)
    assert await analytics.last_exit(selection) == next((one for one in reversed(chosen) if one.profit_quote is not None), None)
    assert list(await analytics.executions(selection, 50)) == chosen[::-1][:50]
    assert await analytics.performance("symbol", selection) == performance("symbol", chosen)
    assert await analytics.performance("signal_type", selection) == performance("signal_type", chosen)
    assert await analytics.performance("strategy", selection) == performance("strategy", chosen)
    exits = [Gain(one.executed_at, one.quote_asset, one.profit_quote) for one in chosen if one.profit_quote is not None]
    assert list(await analytics.gains(selection, 20)) == exits[-20:]
    days: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for gain in exits:
        days[f"{gain.at:%Y-%m-%d}", gain.quote_asset] += gain.profit
    found = await analytics.days(selection)
    assert {(f"{day.at:%Y-%m-%d}", day.quote_asset): day.profit for day in found} == dict(days)
    assert [day.at for day in found] == sorted(day.at for day in found)
    turnovers = Turnovers()
    await turnovers.catch_up(ledger.reader)
    assert list(turnovers.of(selection)) == turnover(chosen)


async def test_turnovers_are_read_once_and_go_on(ledger: SqlLedger, tmp_path: Path) -> None:
    turnovers, late = Turnovers(), EXECUTIONS[5]  # settled after all others
    early = [one for one in EXECUTIONS[:300] if one != late]
    await turnovers.catch_up(ledger.reader)
    assert (list(turnovers.of(Selection())), turnovers.is_complete) == ([], True)
    for some in (early, [*EXECUTIONS[300:], late]):
        await ledger.commit(CommitBatch(executions=some))
        await turnovers.catch_up(ledger.reader)
    assert list(turnovers.of(Selection())) == turnover(EXECUTIONS)
    other = open_reader(make_ledger(tmp_path / "other.db"))  # as after a restore
    await turnovers.catch_up(other)
    await other.close()
    assert list(turnovers.of(Selection())) == []


async def test_the_last_exit_and_the_symbols(analytics: LedgerAnalytics, ledger: SqlLedger) -> None:
    assert await analytics.last_exit() == next(one for one in reversed(EXECUTIONS) if one.profit_quote is not None)
    await ledger.commit(CommitBatch(positions=[position("20"), replace(position("0"), symbol="BTCUSDC", is_open=False)]))
    await ledger.commit(CommitBatch(positions=[replace(position("5"), strategy="waves")]))
    assert list(await analytics.symbols()) == ["BTCUSDC", "WIFUSDC"]
    assert list(await analytics.strategies()) == ["default", "waves"]


async def test_what_is_held_and_what_it_is_worth(ledger: SqlLedger) -> None:
    await ledger.commit(CommitBatch(positions=[position("20"), replace(position("5"), symbol="BTCUSDC")]))
    await ledger.mark([Quote("WIFUSDC", Decimal("0.47"), Decimal("0.48"), NOW)])
    await ledger.mark([Quote("WIFUSDC", Decimal("0.4999"), Decimal("0.5"), NOW), Quote("OTHER", Decimal(1), Decimal(1), NOW)])
    held = {one.position.symbol: (one.position, one.bid, one.marked_at) for one in await Guards(ledger.reader).positions()}
    assert held == {
        "WIFUSDC": (position("20"), Decimal("0.4999"), NOW),
        "BTCUSDC": (replace(position("5"), symbol="BTCUSDC"), None, None),
    }


async def test_delays_and_life_signs(ledger: SqlLedger) -> None:
    analytics = LedgerAnalytics(ledger.reader)
    (first,) = await ledger.store([message(1)])
    assert isinstance(first, StoredMessage)
    await ledger.commit(intent(first.seq, 1))
    before = await analytics.pulse()
    assert (before.undecided, before.unsettled, before.unsent, before.pause, before.held) == (0, 1, 0, "off", ())
    assert before.holder.startswith("process ")
    settled = replace(order(first.seq, 1), state=OrderState.FILLED, order_id="28", created_at=NOW + timedelta(seconds=1))
    await ledger.commit(CommitBatch(orders=[replace(settled, updated_at=NOW + timedelta(seconds=3))]))
    (delay,) = await analytics.delays(10)
    assert (delay.to_order, delay.to_settled) == (1.0, 2.0)
    assert [list(await analytics.delays(10, symbol)) for symbol in ("WIFUSDC", "BTCUSDC")] == [[delay], []]
    (second,) = await ledger.store([message(2)])
    assert isinstance(second, StoredMessage)
    await ledger.commit(intent(second.seq, 2))  # an approval that ends without an order is no slow order
    asked = replace(order(second.seq, 2), state=OrderState.EXPIRED, updated_at=NOW + timedelta(minutes=2))
    await ledger.commit(CommitBatch(orders=[asked]))
    assert list(await analytics.delays(10)) == [delay]
    assert (await analytics.pulse()).unsettled == 0


async def test_an_empty_ledger_has_nothing_to_show(ledger: SqlLedger) -> None:
    analytics = LedgerAnalytics(ledger.reader)
    assert await analytics.last_exit() is None
    assert (list(await analytics.days(Selection())), list(await Guards(ledger.reader).positions())) == ([], [])
    assert list(await analytics.executions(Selection(since=SINCE), 5)) == []


async def test_a_day_is_found_among_many(ledger: SqlLedger) -> None:
    """Finds it however late some of it was settled."""
    late = EXECUTIONS[100:130:7]
    await ledger.commit(CommitBatch(executions=[*(one for one in EXECUTIONS if one not in late), *late]))
    reader = DayReader(ledger.reader)
    for days in (-1, 0, 1, 5):
        since = BEGIN + timedelta(days=days)
        until = since + timedelta(days=1)
        wanted = {one.execution_id: one for one in EXECUTIONS if since <= one.executed_at < until}
        assert await reader.executions(since, until) == wanted
        found = await LedgerAnalytics(ledger.reader).executions(Selection(since=since.date()), 1_000)
        assert [one.executed_at for one in found] == [one.executed_at for one in reversed(EXECUTIONS) if one.executed_at >= since]


async def test_exits_are_those_that_are_wanted_still(ledger: SqlLedger) -> None:
    def wanted(symbol: str, minutes: int) -> PendingExit:
        signal = Signal("kafka:signals", symbol, "SELL_SM", symbol, Decimal("0.5"), NOW)
        since = NOW - timedelta(minutes=minutes)
        why = reason("banned", seconds=70)
        return PendingExit(signal, Decimal("19.98"), since, NOW, number=3, why=why, until=since + timedelta(minutes=10))

    newer, older = wanted("WIFUSDC", 1), wanted("SOLUSDC", 5)
    await ledger.commit(CommitBatch(exits=[newer, older, replace(wanted("BNBUSDT", 9), ended_at=NOW)]))
    assert await LedgerAnalytics(ledger.reader).exits() == [older, newer]
