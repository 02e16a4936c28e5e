"""A day of the ledger, read in time that does not grow with what came before it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Table, select

from core.adapters.ledger import rows, tables
from core.adapters.ledger.reader import LedgerReader
from core.adapters.ledger.seqs import first_from
from core.domain.order import Fill
from core.domain.position import Execution
from core.proof import Decision, LedgerDay

_CLOCK_STEPS = timedelta(minutes=10)  # how far numbers and times may be out of step: a clock that was set back
_AT_ONCE = 500  # ids in one question


class DayReader:
    """Raises LedgerUnavailable."""

    def __init__(self, reader: LedgerReader) -> None:
        self._reader = reader

    async def read(self, since: datetime, until: datetime) -> LedgerDay:
        """What happened from `since` on and before `until`."""
        inbox = tables.inbox
        first, last = await self._numbers(inbox, inbox.c.received_at, since, until)
        signals = await self._reader.read(
            select(inbox.c.seq, inbox.c.source, inbox.c.source_id, inbox.c.received_at, inbox.c.outcome)
            .where(inbox.c.seq >= first, inbox.c.seq < last, inbox.c.kind == "signal")
            .where(inbox.c.received_at >= since, inbox.c.received_at < until)
            .order_by(inbox.c.seq)
        )
        decisions = [
            Decision(row["seq"], f"{row['source']} {row['source_id']}", row["received_at"], row["outcome"]) for row in signals
        ]
        of_day = {decision.seq for decision in decisions}
        table = tables.orders
        found = await self._reader.read(select(table).where(table.c.inbox_seq >= first, table.c.inbox_seq < last))
        orders = {row["client_order_id"]: rows.order_of(row) for row in found if row["inbox_seq"] in of_day}
        day = f"{since:%Y-%m-%d}"
        return LedgerDay(
            decisions=decisions,
            orders=orders,
            fills=await self._fills(list(orders)),
            of_orders=await self._executions_of(list(orders)),
            executions=await self.executions(since, until),
            results=await self._reader.day_results(day, day),
        )

    async def executions(self, since: datetime, until: datetime) -> Mapping[str, Execution]:
        """Those from `since` on and before `until`, by id."""
        table = tables.executions
        first, last = await self._numbers(table, table.c.executed_at, since, until)
        found = await self._reader.read(
            select(table)
            .where(table.c.seq >= first, table.c.seq < last)
            .where(table.c.executed_at >= since, table.c.executed_at < until)
        )
        return {row["execution_id"]: rows.execution_of(row) for row in found}

    async def _fills(self, names: Sequence[str]) -> Mapping[str, Sequence[Fill]]:
        found: dict[str, list[Fill]] = {}
        for row in await self._by_ids(tables.fills, tables.fills.c.client_order_id, names):
            found.setdefault(row["client_order_id"], []).append(rows.fill_of(row))
        return found

    async def _executions_of(self, names: Sequence[str]) -> Mapping[str, Execution]:
        table = tables.executions
        return {row["execution_id"]: rows.execution_of(row) for row in await self._by_ids(table, table.c.execution_id, names)}

    async def _by_ids(self, table: Table, column: Column[Any], ids: Sequence[str]) -> list[rows.Row]:
        found: list[rows.Row] = []
        for start in range(0, len(ids), _AT_ONCE):
            found += await self._reader.read(select(table).where(column.in_(ids[start : start + _AT_ONCE])))
        return found

    async def _numbers(self, table: Table, time: Column[Any], since: datetime, until: datetime) -> tuple[int, int]:
        """Between which numbers the rows of that time stand; a few others stand there too."""
        return (
            await first_from(self._reader, table, time, since - _CLOCK_STEPS),
            await first_from(self._reader, table, time, until + _CLOCK_STEPS),
        )
