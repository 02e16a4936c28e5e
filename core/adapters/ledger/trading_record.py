"""Reads what protections look back on: results, stops and losing exits. Writes nothing."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile

from sqlalchemy import func, select

from core.adapters.ledger.column_types import exact_sum
from core.adapters.ledger.reader import LedgerReader
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables import result_tables
from core.domain.equity_mark import LossReset
from core.policy.exits.protection import STOPPED
from core.records.ledger_state import TradingRecord

_LOOKED_BACK = timedelta(days=8)  # COOLDOWN_AFTER_STOP is a week at most
_MOST_EXITS = 10_000  # MAX_LOSING_EXITS at most


async def trading_record(reader: LedgerReader, today: str, reset: LossReset | None) -> TradingRecord:
    """Returns the record on the UTC day `today` (`YYYY-MM-DD`); losing exits count since `reset`. Raises LedgerUnavailable."""
    days, done, trades = result_tables.day_results.c, result_tables.executions.c, result_tables.trades.c
    sums = select(days.quote_asset, exact_sum(days.profit).label("profit")).group_by(days.quote_asset)
    since = datetime.combine(date.fromisoformat(today), time(), UTC) - _LOOKED_BACK
    stops = select(done.symbol, func.max(done.executed_at).label("at")).group_by(done.symbol)
    last = select(trades.strategy, trades.profit).order_by(trades.seq.desc()).limit(_MOST_EXITS)
    exits = await reader.read(last if reset is None else last.where(trades.closed_at > reset.at))
    stopped = await reader.read(stops.where(done.executed_at >= since, done.signal_type == STOPPED))
    return TradingRecord(
        realised={row["quote_asset"]: row["profit"] for row in await reader.read(sums)},
        stopped={row["symbol"]: row["at"] for row in stopped},
        losing_exits={name: _losses(exits, name) for name in {row["strategy"] for row in exits}},
    )


def _losses(exits: Sequence[Row], strategy: str) -> int:
    """Returns how many of the strategy's last closed positions were closed at a loss; `exits` begin with the newest."""
    own = (row["profit"] for row in exits if row["strategy"] == strategy)
    return sum(1 for _ in takewhile(lambda profit: profit < 0, own))
