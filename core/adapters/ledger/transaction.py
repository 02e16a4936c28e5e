"""One transaction: writes merged rows in the order that foreign keys require, and reports what was new. Makes no decisions."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import BindParameter, Connection, Table, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from core.adapters.ledger import rows as rows_of
from core.adapters.ledger import tables
from core.adapters.ledger.conflicts import Key, find_conflicts, with_positions
from core.adapters.ledger.row_batch import RowBatch
from core.adapters.ledger.rows import Row
from core.domain.money import EXACT, ZERO
from core.domain.signal import Side
from core.domain.signal_conflict import Conflict

_SAME_DAY = ("quote_asset", "symbol", "signal_type", "trading_mode")  # exits that share these and the day share a result


@dataclass(frozen=True, slots=True)
class Written:
    """The rows that did not exist before: inbox numbers by (source, source_id), each to be taken out by one work, and strangers.
    `conflicts` are signals that differ from the one stored under their identity."""

    inbox: dict[tuple[str, str], int] = field(default_factory=dict)
    strangers: frozenset[int] = frozenset()
    conflicts: dict[Key, Conflict] = field(default_factory=dict)


class Statements:
    """Every writing statement, built once for one dialect."""

    def __init__(self, dialect: str) -> None:
        self._insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
        inbox = tables.inbox.c
        self.new_messages = self._add(tables.inbox).returning(inbox.source, inbox.source_id, inbox.seq)
        self.new_executions = self._add(tables.executions).returning(tables.executions.c.execution_id)
        self.new_strangers = self._add(tables.strangers).returning(tables.strangers.c.user_id)
        self.add = {table: self._add(table) for table in (tables.fills, tables.trades, tables.deliveries, tables.touched_symbols)}
        self.append = {table: self._insert(table) for table in (tables.dead_letters, tables.outbox, tables.order_steps)}
        replaced = (
            *(
                tables.orders,
                tables.positions,
                tables.approvals,
                tables.controls,
                tables.holds,
                tables.acknowledged_marks,
                tables.source_positions,
            ),
            *(tables.export_positions, tables.marks, tables.proofs, tables.told),
            *(tables.people, tables.invites, tables.authenticators, tables.readers, tables.limits),
            tables.wanted_exits,
            *(tables.paper_orders, tables.paper_balances, tables.day_results, tables.pruned),
        )
        self.replace = {table: self._replace(table) for table in replaced}
        self.verdict = update(tables.inbox).where(inbox.seq == bindparam("b_seq"))
        self.prune = _pruning()
        days = tables.day_results.c
        self.days_of = select(tables.day_results).where(
            days.day.in_(bindparam("b_days", expanding=True)), days.symbol.in_(bindparam("b_symbols", expanding=True))
        )
        count = self._insert(tables.totals)
        self.count = count.on_conflict_do_update(
            index_elements=[tables.totals.c.name], set_={"value": tables.totals.c.value + count.excluded.value}
        )

    def _add(self, table: Table) -> Any:
        return self._insert(table).on_conflict_do_nothing()

    def _replace(self, table: Table) -> Any:
        insert = self._insert(table)
        new = {column.name: insert.excluded[column.name] for column in table.columns if not column.primary_key}
        return insert.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=new)


def write(connection: Connection, statements: Statements, writes: RowBatch) -> Written:
    """Writes all rows on `connection`, whose transaction the caller began and ends."""
    new = {(source, name): seq for source, name, seq in _returned(connection, statements.new_messages, writes.inbox)}
    conflicts = find_conflicts(connection, writes.inbox, new) if len(new) < len(writes.inbox) else {}
    letters = [rows_of.dead_letter_row(conflict.letter(raw)) for conflict, raw in conflicts.values()]
    for rows, statement in (
        (writes.verdicts, statements.verdict),
        (writes.orders.values(), statements.replace[tables.orders]),
        (writes.touched.values(), statements.add[tables.touched_symbols]),
        (writes.order_steps, statements.append[tables.order_steps]),
        (writes.fills, statements.add[tables.fills]),
        (writes.positions.values(), statements.replace[tables.positions]),
        (writes.trades, statements.add[tables.trades]),
        (writes.approvals.values(), statements.replace[tables.approvals]),
        (writes.controls.values(), statements.replace[tables.controls]),
        (writes.holds.values(), statements.replace[tables.holds]),
        (writes.acknowledged.values(), statements.replace[tables.acknowledged_marks]),
        (writes.exits.values(), statements.replace[tables.wanted_exits]),
        (writes.source_positions.values(), statements.replace[tables.source_positions]),
        (writes.export_positions.values(), statements.replace[tables.export_positions]),
        (writes.marks.values(), statements.replace[tables.marks]),
        (writes.proofs.values(), statements.replace[tables.proofs]),
        ([*writes.dead_letters, *letters], statements.append[tables.dead_letters]),
        (writes.told.values(), statements.replace[tables.told]),
        (writes.deliveries, statements.add[tables.deliveries]),
        (writes.people.values(), statements.replace[tables.people]),
        (writes.invites.values(), statements.replace[tables.invites]),
        (writes.authenticators.values(), statements.replace[tables.authenticators]),
        (writes.readers.values(), statements.replace[tables.readers]),
        (writes.limits.values(), statements.replace[tables.limits]),
        (writes.paper_orders.values(), statements.replace[tables.paper_orders]),
        (writes.paper_balances.values(), statements.replace[tables.paper_balances]),
        *((writes.prune.get(name, []), statement) for name, statement in statements.prune.items()),
        (writes.pruned.values(), statements.replace[tables.pruned]),
    ):
        _run(connection, statement, rows)
    _write_executions(connection, statements, writes.executions)
    known = _returned(connection, statements.new_strangers, [stranger for stranger, _ in writes.strangers.values()])
    strangers = frozenset(user_id for (user_id,) in known)
    told = [event for user_id, (_, event) in writes.strangers.items() if user_id in strangers]
    refused = with_positions(connection, {key: conflict for key, (conflict, _) in conflicts.items()})
    events = [rows_of.outbox_row(one.refusal, one.at) for one in refused.values()]
    _run(connection, statements.append[tables.outbox], [*writes.outbox, *told, *events])
    return Written(new, strangers, refused)


def _pruning() -> dict[str, Any]:
    """Returns the statements that delete old rows, by name, in the order that foreign keys require."""
    orders, steps, approvals = tables.orders.c, tables.order_steps.c, tables.approvals.c
    seq: BindParameter[int] = bindparam("b_seq")
    of_order = select(orders.client_order_id).where(orders.inbox_seq == bindparam("b_seq"))
    empty = {"kind": tables.PRUNED, "facts": None, "reason_code": None, "reason_params": None, "reason": None}
    deliveries = tables.deliveries.c
    told = deliveries.priority == bindparam("b_priority"), deliveries.last_seq <= bindparam("b_last")
    return {
        "steps": delete(tables.order_steps).where(steps.client_order_id.in_(of_order)),
        "approvals": delete(tables.approvals).where(approvals.inbox_seq == seq),
        "orders": delete(tables.orders).where(orders.inbox_seq == seq),
        "signals": update(tables.inbox).where(tables.inbox.c.seq == seq).values(empty),
        "messages": delete(tables.inbox).where(tables.inbox.c.seq == seq),
        "deliveries": delete(tables.deliveries).where(*told),
        "events": delete(tables.outbox).where(tables.outbox.c.seq == seq),
        "letters": delete(tables.dead_letters).where(tables.dead_letters.c.seq == seq),
    }


def _run(connection: Connection, statement: Any, rows: Iterable[Row]) -> None:
    if listed := list(rows):
        connection.execute(statement, listed)


def _returned(connection: Connection, statement: Any, rows: list[Row]) -> list[Any]:
    return list(connection.execute(statement, rows)) if rows else []


def _write_executions(connection: Connection, statements: Statements, rows: list[Row]) -> None:
    """Writes executions. Results and counters grow only by new ones: storing one twice changes nothing."""
    new = {execution_id for (execution_id,) in _returned(connection, statements.new_executions, rows)}
    first = {row["execution_id"]: row for row in reversed(rows) if row["execution_id"] in new}
    counted = Counter("buy_orders" if row["side"] == Side.BUY else "sell_orders" for row in first.values())
    _run(connection, statements.count, [{"name": name, "value": count} for name, count in sorted(counted.items())])
    _add_to_days(connection, statements, [row for row in first.values() if row["profit_quote"] is not None])


def _add_to_days(connection: Connection, statements: Statements, exits: list[Row]) -> None:
    """Adds exits to the day results. Adds in Python: SQLite has no exact arithmetic."""
    if not exits:
        return
    keys = [(f"{row['executed_at']:%Y-%m-%d}", *(row[column] for column in _SAME_DAY)) for row in exits]
    asked = {"b_days": list({key[0] for key in keys}), "b_symbols": list({row["symbol"] for row in exits})}
    found = connection.execute(statements.days_of, asked).mappings()
    known: dict[tuple[str, ...], Row] = {(row["day"], *(row[column] for column in _SAME_DAY)): dict(row) for row in found}
    days: dict[tuple[str, ...], Row] = {}
    for key, row in zip(keys, exits, strict=True):
        empty: Row = dict(zip(("day", *_SAME_DAY), key, strict=True)) | {"profit": ZERO, "gross": ZERO, "exits": 0, "wins": 0}
        day = days[key] = known.setdefault(key, empty)
        profit: Decimal = row["profit_quote"]
        day["profit"] = EXACT.add(day["profit"], profit)
        day["gross"] = EXACT.add(day["gross"], row["gross_quote"] if row["gross_quote"] is not None else profit)
        day["exits"] += 1
        day["wins"] += int(profit > 0)
    _run(connection, statements.replace[tables.day_results], days.values())
