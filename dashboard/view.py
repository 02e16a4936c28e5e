"""Reads the data for one refresh of each page."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache

from core.adapters.ledger.analytics import Delay, LedgerAnalytics, Pulse
from core.adapters.ledger.execution_quality import LedgerQuality
from core.adapters.ledger.guards import Guards, OpenPosition, RestingOrder
from core.adapters.ledger.queries import LedgerQueries
from core.adapters.ledger.reader import LedgerReader
from core.adapters.ledger.stories import LedgerStories
from core.adapters.ledger.turnovers import Turnovers
from core.domain.equity_mark import EquityMark
from core.domain.pending_exit import PendingExit
from core.domain.position import Execution, Trade
from core.read_models import NEWEST, Page, Performance, QualityReport, Selection, SignalStory, Story
from dashboard.figures import Results, capital_before, results_of
from dashboard.reading import reading

TRADES_SHOWN = 20
SIGNALS_SHOWN = 50
CURVE_EXITS = 2_000
"""The most single exits in a curve; longer ones are drawn by day."""
ORDERS_MEASURED = 500
_CHART_EXECUTIONS, _CHART_TRADES = 500, 200
_PAGES_LOOKED_AT = 8
_DAY = timedelta(days=1)


@cache
def turnovers_of(_database_url: str) -> Turnovers:
    """Returns the sums of a ledger, for all visitors."""
    return Turnovers()


@dataclass(frozen=True, slots=True)
class Figures:
    """Results of the selection and of today by quote asset, and the account's equity as it was last measured; `is_complete` is
    False while the history is still being added up."""

    results: Sequence[Results]
    today: Sequence[Results]
    mark: EquityMark | None
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Now:
    """The newest executions of the selection first; all open positions, resting orders and pending exits, of which the page shows
    those of the selected symbol and strategy."""

    last_exit: Execution | None
    held: Sequence[OpenPosition]
    resting: Sequence[RestingOrder]
    exits: Sequence[PendingExit]
    executions: Sequence[Execution]
    pulse: Pulse
    figures: Figures


@dataclass(frozen=True, slots=True)
class Compared:
    """Figures, and performance by quote asset, of each the most profitable first."""

    figures: Figures
    by_strategy: Sequence[Performance]
    by_symbol: Sequence[Performance]
    by_signal_type: Sequence[Performance]


@dataclass(frozen=True, slots=True)
class Signals:
    """The newest signals of the selection first; `older` is the number to go on before, None at the end."""

    stories: Sequence[SignalStory]
    older: int | None


@dataclass(frozen=True, slots=True)
class Traded:
    """A symbol's newest executions and closed trades first, and what is held and rests in it."""

    executions: Sequence[Execution]
    trades: Sequence[Trade]
    held: Sequence[OpenPosition]
    resting: Sequence[RestingOrder]


async def now(database_url: str, selection: Selection, today: date) -> Now:
    """Reads the first page. Raises LedgerUnavailable."""
    async with reading(database_url) as reader:
        ledger, guards = LedgerAnalytics(reader), Guards(reader)
        lists = await asyncio.gather(
            ledger.last_exit(selection),
            guards.positions(),
            guards.resting(),
            ledger.exits(),
            ledger.executions(selection, TRADES_SHOWN),
        )
        return Now(*lists, *await asyncio.gather(ledger.pulse(), _figures(reader, turnovers_of(database_url), selection, today)))


async def compared(database_url: str, selection: Selection, today: date) -> Compared:
    """Reads the results page. Raises LedgerUnavailable."""
    async with reading(database_url) as reader:
        ledger = LedgerAnalytics(reader)
        return Compared(
            *await asyncio.gather(
                _figures(reader, turnovers_of(database_url), selection, today),
                ledger.performance("strategy", selection),
                ledger.performance("symbol", selection),
                ledger.performance("signal_type", selection),
            )
        )


async def _figures(reader: LedgerReader, sums: Turnovers, selection: Selection, today: date) -> Figures:
    ledger, of_today = LedgerAnalytics(reader), replace(selection, since=today, until=today)
    earlier = Selection(until=selection.since - _DAY if selection.since is not None else date.min)
    exits, days, gains = await asyncio.gather(
        ledger.performance("strategy", selection), ledger.days(selection), ledger.gains(selection, CURVE_EXITS + 1)
    )
    mark, before, exits_today = await asyncio.gather(
        ledger.equity_mark(), ledger.days(earlier), ledger.performance("strategy", of_today)
    )
    await sums.catch_up(reader)
    steps = gains if len(gains) <= CURVE_EXITS else days
    capital = capital_before(mark, before)
    turnovers = sums.of(selection) if sums.is_complete else None
    results = results_of(exits, days, steps, turnovers, capital)
    return Figures(results, results_of(exits_today, (), (), None, capital), mark, turnovers is not None)


async def signals(database_url: str, selection: Selection, *, before: int | None, not_traded: bool) -> Signals:
    """Reads the signals page, from the signal number `before` back (None: from the newest); with `not_traded` only those that
    led to no trade. Raises LedgerUnavailable."""
    found: list[SignalStory] = []
    async with reading(database_url) as reader:
        queries, page = LedgerQueries(reader), NEWEST if before is None else Page(before=before)
        for _ in range(_PAGES_LOOKED_AT):
            some = await queries.recent_signals(SIGNALS_SHOWN, symbol=selection.symbol, page=page)
            found += [one for one in some if _is_chosen(one, selection, not_traded=not_traded)]
            if len(some) < SIGNALS_SHOWN or (selection.since is not None and some[-1].received_at.date() < selection.since):
                return Signals(found, None)
            page = Page(before=some[-1].seq)
            if len(found) >= SIGNALS_SHOWN:
                break
    return Signals(found, page.before)


def _is_chosen(one: SignalStory, selection: Selection, *, not_traded: bool) -> bool:
    day = one.received_at.date()
    return (
        selection.strategy in (None, one.signal.strategy)
        and (selection.since is None or selection.since <= day)
        and (selection.until is None or day <= selection.until)
        and not (not_traded and one.outcome in ("executed", "ordered", None))
    )


async def story(database_url: str, name: str) -> Story | None:
    """Reads the story of the signal that `name` matches: its number, or the id of it, of its order or of a trade; None for no
    such signal. Raises LedgerUnavailable."""
    async with reading(database_url) as reader:
        stories = LedgerStories(reader)
        found = await stories.named(name)
        return await stories.story(found[0]) if found else None


async def delays(database_url: str, selection: Selection) -> tuple[Sequence[Delay], Pulse]:
    """Reads the health page. Raises LedgerUnavailable."""
    async with reading(database_url) as reader:
        ledger = LedgerAnalytics(reader)
        return await ledger.delays(ORDERS_MEASURED, selection.symbol), await ledger.pulse()


async def pulse(database_url: str) -> Pulse:
    """Reads the program's signs of life. Raises LedgerUnavailable."""
    async with reading(database_url) as reader:
        return await LedgerAnalytics(reader).pulse()


async def traded(database_url: str, symbol: str, selection: Selection) -> Traded:
    """Reads what was and is traded in a symbol, of the selection's strategy and mode. Raises LedgerUnavailable."""
    of_symbol = Selection(symbol=symbol, strategy=selection.strategy, mode=selection.mode)
    async with reading(database_url) as reader:
        guards = Guards(reader)
        executions, trades, held, resting = await asyncio.gather(
            LedgerAnalytics(reader).executions(of_symbol, _CHART_EXECUTIONS),
            LedgerQueries(reader).recent_trades(_CHART_TRADES, symbol=symbol),
            guards.positions(),
            guards.resting(),
        )
    return Traded(
        executions,
        [one for _, one in trades if selection.strategy in (None, one.strategy)],
        [one for one in held if of_symbol.has(one.position.book)],
        [one for one in resting if of_symbol.has(one.order.book)],
    )


async def last_symbol(database_url: str) -> str | None:
    """Returns the symbol that was traded last; None before the first trade. Raises LedgerUnavailable."""
    async with reading(database_url) as reader:
        last = await LedgerAnalytics(reader).executions(Selection(), 1)
        return last[0].symbol if last else None


async def quality(database_url: str, selection: Selection, groups: Sequence[str]) -> QualityReport:
    """Reads the quality page. Raises LedgerUnavailable."""
    async with reading(database_url) as reader:
        return await LedgerQuality(reader).report(selection, groups)


async def newest(database_url: str, selection: Selection, limit: int) -> Sequence[Execution]:
    """Reads executions for a download. Raises LedgerUnavailable."""
    async with reading(database_url) as reader:
        return await LedgerAnalytics(reader).executions(selection, limit)


async def known(database_url: str) -> tuple[Sequence[str], Sequence[str]]:
    """Returns every symbol and every strategy in the ledger. Raises LedgerUnavailable."""
    async with reading(database_url) as reader:
        ledger = LedgerAnalytics(reader)
        return await ledger.symbols(), await ledger.strategies()


async def add_up(database_url: str) -> None:
    """Adds up the history, which later refreshes go on from. Raises LedgerUnavailable."""
    async with reading(database_url) as reader:
        await turnovers_of(database_url).catch_up(reader)
