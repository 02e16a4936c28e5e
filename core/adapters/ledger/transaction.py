"""One transaction: writes merged rows in the order that foreign keys require, and reports what was new. Makes no decisions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import Any

from sqlalchemy import BindParameter, Connection, Table, bindparam, delete, select, update

from core.adapters.ledger.conflicts import Key, find_conflicts, with_positions
from core.adapters.ledger.driver_statement import DriverStatement
from core.adapters.ledger.row import Row
from core.adapters.ledger.row_batch import RowBatch
from core.adapters.ledger.tables.entry import LedgerTable, Writing
from core.adapters.ledger.tables.notification_tables import deliveries, outbox, outbox_row
from core.adapters.ledger.tables.order_tables import approvals, order_steps, orders
from core.adapters.ledger.tables.people_tables import strangers
from core.adapters.ledger.tables.plan_tables import order_plans
from core.adapters.ledger.tables.registry import TABLES
from core.adapters.ledger.tables.result_tables import day_results, executions, totals
from core.adapters.ledger.tables.signal_tables import PRUNED, dead_letter_row, dead_letters, given_seq, inbox
from core.domain.errors import MessageKnown
from core.domain.money import EXACT, ZERO
from core.domain.signal import Side
from core.domain.signal_conflict import Conflict

_SAME_DAY = (
    "quote_asset",
    "symbol",
    "signal_type",
    "trading_mode",
    "strategy",
)  # exits that share these and the day share a result


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
        self._insert = import_module(f"sqlalchemy.dialects.{dialect}").insert  # the other one takes long to import
        identity = inbox.c.source, inbox.c.source_id
        new_messages = self._insert(inbox).on_conflict_do_nothing(index_elements=identity)
        self.new_messages = DriverStatement(new_messages.returning(*identity, given_seq(dialect)))
        self.new_executions = DriverStatement(self._add(executions).returning(executions.c.execution_id))
        self.new_strangers = DriverStatement(self._add(strangers).returning(strangers.c.user_id))
        self.of = {entry.table: DriverStatement(self._of(entry)) for entry in TABLES if entry.writing is not Writing.APART}
        self.outcome = DriverStatement(update(inbox).where(inbox.c.seq == bindparam("b_seq")))
        self.prune = {name: DriverStatement(statement) for name, statement in _pruning().items()}
        days = day_results.c
        self.days_of = select(day_results).where(
            days.day.in_(bindparam("b_days", expanding=True)), days.symbol.in_(bindparam("b_symbols", expanding=True))
        )
        count = self._insert(totals)
        self.count = DriverStatement(
            count.on_conflict_do_update(index_elements=[totals.c.name], set_={"value": totals.c.value + count.excluded.value})
        )

    def _of(self, entry: LedgerTable) -> Any:
        match entry.writing:
            case Writing.REPLACE:
                return self._replace(entry.table)
            case Writing.ADD:
                return self._add(entry.table)
            case _:
                return self._insert(entry.table)

    def _add(self, table: Table) -> Any:
        return self._insert(table).on_conflict_do_nothing()

    def _replace(self, table: Table) -> Any:
        insert = self._insert(table)
        new = {column.name: insert.excluded[column.name] for column in table.columns if not column.primary_key}
        return insert.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=new)


@cache
def statements_of(dialect: str) -> Statements:
    """Returns the statements of a dialect, the same ones each time."""
    return Statements(dialect)


def write(connection: Connection, statements: Statements, batch: RowBatch) -> Written:
    """Writes all rows on `connection`, whose transaction the caller began and ends. Raises MessageKnown if a message that comes
    with its outcome is there already: nothing that was decided about it counts."""
    messages = batch.rows.get(inbox, [])
    new = {(source, name): seq for source, name, seq in statements.new_messages.returned(connection, messages)}
    if known := [row for row in batch.decided if new.get((row["source"], row["source_id"])) != row["seq"]]:
        raise MessageKnown(f"the ledger has message {known[0]['source_id']} of {known[0]['source']} already")
    conflicts = find_conflicts(connection, messages, new) if len(new) < len(messages) else {}
    statements.outcome.run(connection, batch.outcomes)
    for entry in TABLES:
        rows = batch.rows.get(entry.table)
        if rows and entry.writing is not Writing.APART and entry.table is not outbox:
            statements.of[entry.table].run(connection, _to_write(entry, rows))
    for name, statement in statements.prune.items():
        statement.run(connection, batch.prune.get(name, []))
    _write_executions(connection, statements, batch.rows.get(executions, []))
    strangers_seen, stranger_events = _write_strangers(connection, statements, batch)
    statements.of[dead_letters].run(connection, [dead_letter_row(one.letter(raw)) for one, raw in conflicts.values()])
    refused = with_positions(connection, {key: conflict for key, (conflict, _) in conflicts.items()})
    events = [outbox_row(one.refusal, one.at) for one in refused.values()]
    statements.of[outbox].run(connection, [*batch.rows.get(outbox, []), *stranger_events, *events])
    return Written(new, strangers_seen, refused)


def _to_write(entry: LedgerTable, rows: Sequence[Row]) -> Sequence[Row]:
    """Returns the rows that are left: of those with one key, a table whose rows are replaced needs only the last."""
    if entry.writing is not Writing.REPLACE or len(rows) == 1:
        return rows
    key = [column.name for column in entry.table.primary_key.columns]
    return list({tuple(row[name] for name in key): row for row in rows}.values())


def _write_strangers(connection: Connection, statements: Statements, batch: RowBatch) -> tuple[frozenset[int], Sequence[Row]]:
    """Returns those who were not seen before, and the outbox rows that tell of them."""
    seen = statements.new_strangers.returned(connection, [stranger for stranger, _ in batch.strangers.values()])
    new = frozenset(user_id for (user_id,) in seen)
    return new, [event for user_id, (_, event) in batch.strangers.items() if user_id in new]


def _pruning() -> dict[str, Any]:
    """Returns the statements that delete old rows, by name, in the order that foreign keys require."""
    order, step, approval, delivery = orders.c, order_steps.c, approvals.c, deliveries.c
    seq: BindParameter[int] = bindparam("b_seq")
    of_order = select(order.client_order_id).where(order.inbox_seq == bindparam("b_seq"))
    empty = {"kind": PRUNED, "facts": None, "reason_code": None, "reason_params": None, "reason": None}
    delivered = delivery.priority == bindparam("b_priority"), delivery.last_seq <= bindparam("b_last")
    return {
        "steps": delete(order_steps).where(step.client_order_id.in_(of_order)),
        "approvals": delete(approvals).where(approval.inbox_seq == seq),
        "plans": delete(order_plans).where(order_plans.c.plan_id.in_(of_order)),
        "orders": delete(orders).where(order.inbox_seq == seq),
        "signals": update(inbox).where(inbox.c.seq == seq).values(empty),
        "messages": delete(inbox).where(inbox.c.seq == seq),
        "deliveries": delete(deliveries).where(*delivered),
        "events": delete(outbox).where(outbox.c.seq == seq),
        "letters": delete(dead_letters).where(dead_letters.c.seq == seq),
    }


def _write_executions(connection: Connection, statements: Statements, rows: list[Row]) -> None:
    """Writes executions. Results and counters grow only by new ones: storing one twice changes nothing."""
    if not rows:
        return
    new = {execution_id for (execution_id,) in statements.new_executions.returned(connection, rows)}
    first = {row["execution_id"]: row for row in reversed(rows) if row["execution_id"] in new}
    counted = Counter("buy_orders" if row["side"] == Side.BUY else "sell_orders" for row in first.values())
    statements.count.run(connection, [{"name": name, "value": count} for name, count in sorted(counted.items())])
    _add_to_days(connection, statements, [row for row in first.values() if row["profit_quote"] is not None])


def _add_to_days(connection: Connection, statements: Statements, exits: list[Row]) -> None:
    """Adds exits to the day results. Adds in Python: SQLite has no exact arithmetic."""
    if not exits:
        return
    keys = [(f"{row['executed_at']:%Y-%m-%d}", *(row[column] for column in _SAME_DAY)) for row in exits]
    asked = {"b_days": list({key[0] for key in keys}), "b_symbols": list({row["symbol"] for row in exits})}
    # One question for all of them, by SQLAlchemy: the driver has no list as a value, and each of its own would be a round trip.
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
    statements.of[day_results].run(connection, list(days.values()))
