"""All that one refresh of the page shows, read at once over a few connections."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from core.adapters.ledger.analytics import Delay, Gain, Held, LedgerAnalytics, Performance, Pulse, Selection
from core.adapters.ledger.queries import LedgerQueries, SignalStory
from core.adapters.ledger.reader import open_reader
from core.domain.position import Execution

TRADES_SHOWN = 100
SIGNALS_SHOWN = 50
CURVE_EXITS = 2_000
"""As many single exits make the curve; more of them are shown by day."""
ORDERS_MEASURED = 500


@dataclass(frozen=True, slots=True)
class View:
    """What the selection holds, the newest first where the name does not say otherwise; `gains` and `days` the oldest first."""

    last_exit: Execution | None
    held: Sequence[Held]
    executions: Sequence[Execution]
    gains: Sequence[Gain]
    days: Sequence[Gain]
    by_symbol: Sequence[Performance]
    by_signal_type: Sequence[Performance]
    signals: Sequence[SignalStory]
    delays: Sequence[Delay]
    pulse: Pulse


async def load(database_url: str, selection: Selection) -> View:
    """Raises LedgerUnavailable."""
    reader = open_reader(database_url)
    ledger = LedgerAnalytics(reader)
    try:
        first = await asyncio.gather(
            ledger.last_exit(),
            ledger.positions(),
            ledger.executions(selection, TRADES_SHOWN),
            ledger.gains(selection, CURVE_EXITS + 1),
            ledger.days(selection),
        )
        second = await asyncio.gather(
            ledger.performance("symbol", selection),
            ledger.performance("signal_type", selection),
            LedgerQueries(reader).recent_signals(SIGNALS_SHOWN),
            ledger.delays(ORDERS_MEASURED),
            ledger.pulse(),
        )
    finally:
        await reader.close()
    return View(*first, *second)


async def newest(database_url: str, selection: Selection, limit: int) -> Sequence[Execution]:
    """For a download. Raises LedgerUnavailable."""
    reader = open_reader(database_url)
    try:
        return await LedgerAnalytics(reader).executions(selection, limit)
    finally:
        await reader.close()


async def symbols(database_url: str) -> Sequence[str]:
    """Every symbol there ever was. Raises LedgerUnavailable."""
    reader = open_reader(database_url)
    try:
        return await LedgerAnalytics(reader).symbols()
    finally:
        await reader.close()
