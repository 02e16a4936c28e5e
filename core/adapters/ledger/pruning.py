"""Prunes old records that led to nothing, a few rows at a time, if RETENTION_DAYS is set.

Kept for good: executions, their orders, fills, steps and signals; positions, trades, people, and people's commands. Every other
signal keeps its identity and content: if it arrives again, however late, it is recognised, and so is another under its id.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any

from sqlalchemy import Table, select

from core.adapters.ledger.row import Row
from core.adapters.ledger.row_batch import RowBatch
from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.ledger.tables import notification_tables, order_tables, signal_tables, upkeep_tables
from core.domain.delivery import MAIN_READER
from core.domain.order_state_machine import OrderState

PASSING = frozenset(
    {
        *("digest", "reader", "approval_timeout", "code_used", "code_refused"),
        *("execution_reported", "order_forgotten", "protection_due", "breakeven_reached", "trailing_due", "entry_due"),
    }
)
"""Kinds of messages that nobody looks up later."""
_KEPT_EVENTS = frozenset({"order_executed"})  # they hold the value of a fee, for tax lots
_BY_PEOPLE = "telegram"


class LedgerPruning:
    """Goes through each table once, from its oldest row on, and remembers its position: the cost does not grow with the rows that
    stay. Every method raises LedgerUnavailable."""

    def __init__(self, ledger: SqlLedger) -> None:
        self._reader = ledger.reader
        self._write = ledger.write

    async def batch(self, before: datetime, most: int) -> int:
        """Prunes rows older than `before` among the next `most` rows of each table. Returns how many rows were examined, 0 once
        all is done."""
        return await self._messages(before, most) + await self._events(before, most) + await self._letters(before, most)

    async def _messages(self, before: datetime, most: int) -> int:
        inbox = signal_tables.inbox.c
        columns = inbox.seq, inbox.kind, inbox.source, inbox.received_at.label("at"), inbox.decided_at
        old = await self._next(signal_tables.inbox, columns, before, most)
        if not old:
            return 0
        decided = [row for row in old if row["decided_at"] is not None]
        signals = [row["seq"] for row in decided if row["kind"] == "signal" and row["source"] != _BY_PEOPLE]
        kept = await self._that_reached_the_exchange(signals)
        nothing = [{"b_seq": seq} for seq in signals if seq not in kept]
        passing = [{"b_seq": row["seq"]} for row in decided if row["kind"] in PASSING]
        prune = {"steps": nothing, "approvals": nothing, "plans": nothing, "orders": nothing, "signals": nothing}
        prune["messages"] = passing
        await self._pruned(signal_tables.inbox, old, prune)
        return len(old)

    async def _that_reached_the_exchange(self, seqs: Sequence[int]) -> Collection[int]:
        """Returns the signals whose order the exchange knows: it may show the order at any time, and the ledger must recognise it
        then."""
        orders = order_tables.orders.c
        question = select(orders.inbox_seq, orders.order_id, orders.executed_qty, orders.state)
        return {
            row["inbox_seq"]
            for row in await self._reader.read(question.where(orders.inbox_seq.in_(seqs)))
            if row["order_id"] is not None or row["executed_qty"] or not OrderState(row["state"]).final
        }

    async def _events(self, before: datetime, most: int) -> int:
        """Prunes only events that the owner's chat has received."""
        outbox, cursors = notification_tables.outbox.c, notification_tables.told.c
        found = await self._reader.read(select(cursors.priority, cursors.seq).where(cursors.reader == MAIN_READER))
        until = {row["priority"]: row["seq"] for row in found}
        rows = await self._next(notification_tables.outbox, (outbox.seq, outbox.at, outbox.priority, outbox.kind), before, most)
        old = list(takewhile(lambda row: row["seq"] <= until.get(row["priority"], 0), rows))
        if not old:
            return 0
        events = [{"b_seq": row["seq"]} for row in old if row["kind"] not in _KEPT_EVENTS]
        deliveries = [{"b_priority": priority, "b_last": old[-1]["seq"]} for priority in {row["priority"] for row in old}]
        await self._pruned(notification_tables.outbox, old, {"events": events, "deliveries": deliveries})
        return len(old)

    async def _letters(self, before: datetime, most: int) -> int:
        letters = signal_tables.dead_letters.c
        old = await self._next(signal_tables.dead_letters, (letters.seq, letters.at), before, most)
        if old:
            await self._pruned(signal_tables.dead_letters, old, {"letters": [{"b_seq": row["seq"]} for row in old]})
        return len(old)

    async def _next(self, table: Table, columns: Sequence[Any], before: datetime, most: int) -> list[Row]:
        """Returns the next rows, up to the first that is not old enough."""
        pruned = upkeep_tables.pruned.c
        found = await self._reader.read(select(pruned.seq).where(pruned.name == table.name))
        after = found[0]["seq"] if found else 0
        rows = await self._reader.read(select(*columns).where(table.c.seq > after).order_by(table.c.seq).limit(most))
        return list(takewhile(lambda row: row["at"] < before, rows))

    async def _pruned(self, table: Table, rows: Sequence[Row], prune: dict[str, list[Row]]) -> None:
        how_far = {"name": table.name, "seq": rows[-1]["seq"]}
        await self._write(RowBatch({upkeep_tables.pruned: [how_far]}, prune=prune))
