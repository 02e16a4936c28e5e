"""Reads a day of the ledger, in time that does not grow with earlier history."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select

from core.adapters.ledger.reader import LedgerReader, among
from core.adapters.ledger.row_positions import first_from
from core.adapters.ledger.tables import order_tables, result_tables, signal_tables
from core.domain.order import Fill, Order
from core.domain.position import Execution
from core.reconciliation.daily_proof import Decision, LedgerDay

_CLOCK_STEPS = timedelta(minutes=10)  # how far row numbers and times may be out of step after a clock was set back


class DayReader:
    """Reads one day. Raises LedgerUnavailable."""

    def __init__(self, reader: LedgerReader) -> None:
        self._reader = reader

    async def read(self, since: datetime, until: datetime) -> LedgerDay:
        """Returns what happened at or after `since` and before `until`."""
        inbox = signal_tables.inbox
        first = await first_from(self._reader, inbox, inbox.c.received_at, since - _CLOCK_STEPS)
        last = await first_from(self._reader, inbox, inbox.c.received_at, until + _CLOCK_STEPS)
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
        table = order_tables.orders
        found = await self._reader.read(select(table).where(table.c.inbox_seq >= first, table.c.inbox_seq < last))
        ordered = {row["client_order_id"]: order_tables.order_of(row) for row in found if row["inbox_seq"] in of_day}
        executions = await self.executions(since, until)
        earlier = await self.orders(executions.keys() - ordered.keys())
        day = f"{since:%Y-%m-%d}"
        results = await self._reader.day_results(day, day)
        return await self.with_orders(LedgerDay(decisions, executions=executions, results=results), {**ordered, **earlier})

    async def orders(self, names: Iterable[str]) -> Mapping[str, Order]:
        """Returns those orders, by client order id; an execution has the name of its order."""
        table = order_tables.orders
        found = await self._reader.read_of(select(table).where(among(table.c.client_order_id)), sorted(names))
        return {row["client_order_id"]: order_tables.order_of(row) for row in found}

    async def with_orders(self, day: LedgerDay, orders: Mapping[str, Order]) -> LedgerDay:
        """Returns `day` with these orders, their fills and their executions."""
        names = list(orders)
        return replace(day, orders=orders, fills=await self._fills(names), of_orders=await self._executions_of(names))

    async def executions(self, since: datetime, until: datetime) -> Mapping[str, Execution]:
        """Returns the executions at or after `since` and before `until`, by id: by exchange time, however late they were
        settled."""
        table = result_tables.executions
        found = await self._reader.read(select(table).where(table.c.executed_at >= since, table.c.executed_at < until))
        return {row["execution_id"]: result_tables.execution_of(row) for row in found}

    async def after(self, position: int, since: datetime, until: datetime) -> frozenset[str]:
        """Returns the ids of that time's executions that are behind a position of the export."""
        table = result_tables.executions
        behind = select(table.c.execution_id).where(table.c.seq > position)
        found = await self._reader.read(behind.where(table.c.executed_at >= since, table.c.executed_at < until))
        return frozenset(row["execution_id"] for row in found)

    async def _fills(self, names: Sequence[str]) -> Mapping[str, Sequence[Fill]]:
        found: dict[str, list[Fill]] = {}
        table = order_tables.fills
        for row in await self._reader.read_of(select(table).where(among(table.c.client_order_id)), names):
            found.setdefault(row["client_order_id"], []).append(order_tables.fill_of(row))
        return found

    async def _executions_of(self, names: Sequence[str]) -> Mapping[str, Execution]:
        table = result_tables.executions
        found = await self._reader.read_of(select(table).where(among(table.c.execution_id)), names)
        return {row["execution_id"]: result_tables.execution_of(row) for row in found}
