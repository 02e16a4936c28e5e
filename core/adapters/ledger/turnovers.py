"""Sums of executions by day, kept in memory: a ledger only adds executions, so each is read once, and a question costs no more
with a long history than with a short one."""

import threading
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Float, Select, case, cast, func, select

from core.adapters.ledger.column_types import exact_sum, utc_day
from core.adapters.ledger.reader import LedgerReader
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables import result_tables
from core.domain.money import ZERO
from core.read_models import Selection, Turnover

_AT_ONCE = 100_000  # executions in one query
_Key = tuple[str, str, str, str, str]
"""The day, quote asset, symbol, strategy and trading mode."""


class Turnovers:
    """Knows the sums of a ledger's executions as far as `catch_up` has read them. It may be asked from several threads."""

    def __init__(self) -> None:
        self._read_up_to = 0
        self._sums: dict[_Key, Turnover] = {}
        self._one_at_a_time = threading.Lock()
        self.is_complete = False
        """Tells whether everything was read once: until then the sums are too small."""

    async def catch_up(self, reader: LedgerReader) -> None:
        """Reads the executions that are new, unless somebody does so already. Raises LedgerUnavailable."""
        if not self._one_at_a_time.acquire(blocking=False):
            return
        try:
            await self._read_new(reader)
        finally:
            self._one_at_a_time.release()

    async def _read_new(self, reader: LedgerReader) -> None:
        (found,) = await reader.read(select(func.max(result_tables.executions.c.seq).label("seq")))
        newest = found["seq"] or 0
        if newest < self._read_up_to:  # another ledger was put in its place
            self._sums, self._read_up_to = {}, 0
        while self._read_up_to < newest:
            until = min(self._read_up_to + _AT_ONCE, newest)
            self._add(await reader.read(_sums(self._read_up_to, until)))
            self._read_up_to = until
        self.is_complete = True

    def of(self, selection: Selection) -> Sequence[Turnover]:
        """Returns the sums of the selection, one for each quote asset."""
        found: dict[str, list[Turnover]] = {}
        for one in self._selected(selection):
            found.setdefault(one.quote_asset, []).append(one)
        return [_together(found[quote]) for quote in sorted(found)]

    def _selected(self, selection: Selection) -> Iterator[Turnover]:
        since = "" if selection.since is None else selection.since.isoformat()
        until = "9999-12-31" if selection.until is None else selection.until.isoformat()
        for (day, _, symbol, strategy, mode), one in self._sums.items():
            if (
                since <= day <= until
                and selection.symbol in (None, symbol)
                and selection.strategy in (None, strategy)
                and selection.mode in (None, mode)
            ):
                yield one

    def _add(self, rows: Sequence[Row]) -> None:
        sums = dict(self._sums)  # another thread may be reading the old ones
        for row in rows:
            key = row["day"], row["quote_asset"], row["symbol"], row["strategy"], row["trading_mode"]
            won, lost = row["won"] or ZERO, -(row["lost"] or ZERO)
            new = Turnover(row["quote_asset"], row["n"], row["volume"], won, lost, {row["fee_asset"]: row["fees"]})
            sums[key] = _together([sums[key], new]) if key in sums else new
        self._sums = sums


def _sums(after: int, until: int) -> Select[Any]:
    """Returns the question about the executions behind number `after`, up to `until`."""
    columns = result_tables.executions.c
    key = (
        utc_day(columns.executed_at).label("day"),
        *(columns[name] for name in ("quote_asset", "symbol", "strategy", "trading_mode", "fee_asset")),
    )
    sign = cast(columns.profit_quote, Float)  # SQLite would compare the digits as text
    return (
        select(
            *key,
            func.count().label("n"),
            exact_sum(columns.quote_qty).label("volume"),
            exact_sum(columns.fee).label("fees"),
            exact_sum(case((sign > 0, columns.profit_quote))).label("won"),
            exact_sum(case((sign < 0, columns.profit_quote))).label("lost"),
        )
        .where(columns.seq > after, columns.seq <= until)
        .group_by(*key)
    )


def _together(parts: Sequence[Turnover]) -> Turnover:
    """Returns the sum of turnovers in one quote asset, at least one."""
    fees: dict[str, Decimal] = {}
    for part in parts:
        for asset, paid in part.fees.items():
            fees[asset] = fees.get(asset, ZERO) + paid
    return Turnover(
        parts[0].quote_asset,
        executions=sum(part.executions for part in parts),
        volume=sum((part.volume for part in parts), ZERO),
        won=sum((part.won for part in parts), ZERO),
        lost=sum((part.lost for part in parts), ZERO),
        fees=fees,
    )
