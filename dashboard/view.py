"""Reads the data for one refresh of each page."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from core.adapters.ledger.analytics import Delay, LedgerAnalytics, Pulse
from core.adapters.ledger.engines import is_missing, parse_url
from core.adapters.ledger.execution_quality import LedgerQuality
from core.adapters.ledger.guards import Guards, OpenPosition, RestingOrder
from core.adapters.ledger.queries import LedgerQueries
from core.adapters.ledger.reader import LedgerReader, open_reader
from core.domain.errors import LedgerUnavailable
from core.domain.pending_exit import PendingExit
from core.domain.position import Execution
from core.read_models import Gain, Performance, QualityReport, Selection, SignalStory

TRADES_SHOWN = 100
SIGNALS_SHOWN = 50
CURVE_EXITS = 2_000
"""The most single exits in a curve; longer ones are drawn by day."""
ORDERS_MEASURED = 500


@dataclass(frozen=True, slots=True)
class Trades:
    """The newest executions of the selection first; all open positions, resting orders and pending exits, of which the page shows
    those of the selected symbol and strategy."""

    last_exit: Execution | None
    held: Sequence[OpenPosition]
    resting: Sequence[RestingOrder]
    exits: Sequence[PendingExit]
    executions: Sequence[Execution]
    pulse: Pulse


@dataclass(frozen=True, slots=True)
class Results:
    """`gains` and `days` the oldest first, performance by quote asset, of each the most profitable first."""

    gains: Sequence[Gain]
    days: Sequence[Gain]
    by_symbol: Sequence[Performance]
    by_strategy: Sequence[Performance]
    by_signal_type: Sequence[Performance]


@dataclass(frozen=True, slots=True)
class Signals:
    """The newest signals of the selection's symbol first, of whatever strategy."""

    stories: Sequence[SignalStory]
    delays: Sequence[Delay]
    pulse: Pulse


async def trades(database_url: str, selection: Selection) -> Trades:
    """Reads the trades page. Raises LedgerUnavailable."""
    async with _reading(database_url) as reader:
        ledger, guards = LedgerAnalytics(reader), Guards(reader)
        return Trades(
            *await asyncio.gather(
                ledger.last_exit(selection),
                guards.positions(),
                guards.resting(),
                ledger.exits(),
                ledger.executions(selection, TRADES_SHOWN),
                ledger.pulse(),
            )
        )


async def results(database_url: str, selection: Selection) -> Results:
    """Reads the results page. Raises LedgerUnavailable."""
    async with _reading(database_url) as reader:
        ledger = LedgerAnalytics(reader)
        return Results(
            *await asyncio.gather(
                ledger.gains(selection, CURVE_EXITS + 1),
                ledger.days(selection),
                ledger.performance("symbol", selection),
                ledger.performance("strategy", selection),
                ledger.performance("signal_type", selection),
            )
        )


async def signals(database_url: str, selection: Selection) -> Signals:
    """Reads the signals page. Raises LedgerUnavailable."""
    async with _reading(database_url) as reader:
        ledger = LedgerAnalytics(reader)
        return Signals(
            *await asyncio.gather(
                LedgerQueries(reader).recent_signals(SIGNALS_SHOWN, symbol=selection.symbol),
                ledger.delays(ORDERS_MEASURED, selection.symbol),
                ledger.pulse(),
            )
        )


async def quality(database_url: str, selection: Selection, groups: Sequence[str]) -> QualityReport:
    """Reads the quality page. Raises LedgerUnavailable."""
    async with _reading(database_url) as reader:
        return await LedgerQuality(reader).report(selection, groups)


async def newest(database_url: str, selection: Selection, limit: int) -> Sequence[Execution]:
    """Reads executions for a download. Raises LedgerUnavailable."""
    async with _reading(database_url) as reader:
        return await LedgerAnalytics(reader).executions(selection, limit)


async def known(database_url: str) -> tuple[Sequence[str], Sequence[str]]:
    """Returns every symbol and every strategy in the ledger. Raises LedgerUnavailable."""
    async with _reading(database_url) as reader:
        ledger = LedgerAnalytics(reader)
        return await ledger.symbols(), await ledger.strategies()


@asynccontextmanager
async def _reading(database_url: str) -> AsyncIterator[LedgerReader]:
    url = parse_url(database_url)
    if is_missing(url):
        raise LedgerUnavailable(f"there is no ledger at {url.database}")
    # Streamlit runs each refresh in its own thread, so no connection can be kept between them.
    reader = open_reader(database_url)
    try:
        yield reader
    finally:
        await reader.close()
