"""One transaction: writes merged rows in the order that foreign keys require, and reports what was new. Makes no decisions."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import Connection

from core.adapters.ledger.conflicts import Key, find_conflicts, with_positions
from core.adapters.ledger.driver_statement import DriverStatement
from core.adapters.ledger.one_request import Part
from core.adapters.ledger.row import Row
from core.adapters.ledger.row_batch import RowBatch
from core.adapters.ledger.statements import Statements
from core.adapters.ledger.tables.entry import LedgerTable, Writing
from core.adapters.ledger.tables.notification_tables import outbox, outbox_row
from core.adapters.ledger.tables.registry import TABLES
from core.adapters.ledger.tables.result_tables import executions
from core.adapters.ledger.tables.signal_tables import dead_letter_row, dead_letters, inbox
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


def write(connection: Connection, statements: Statements, batch: RowBatch) -> Written:
    """Writes all rows on `connection`, whose transaction the caller began and ends. Raises MessageKnown if a message that comes
    with its outcome is there already: nothing that was decided about it counts."""
    messages = batch.rows.get(inbox, [])
    new = {(source, name): seq for source, name, seq in statements.new_messages.returned(connection, messages)}
    if known := [row for row in batch.decided if new.get((row["source"], row["source_id"])) != row["seq"]]:
        raise MessageKnown(f"the ledger has message {known[0]['source_id']} of {known[0]['source']} already")
    conflicts = find_conflicts(connection, messages, new) if len(new) < len(messages) else {}
    for statement, rows in _whatever_is_there(statements, batch):
        statement.run(connection, rows)
    for name, statement in statements.prune.items():
        statement.run(connection, batch.prune.get(name, []))
    _write_executions(connection, statements, batch.rows.get(executions, []))
    strangers_seen, stranger_events = _write_strangers(connection, statements, batch)
    statements.of[dead_letters].run(connection, [dead_letter_row(one.letter(raw)) for one, raw in conflicts.values()])
    refused = with_positions(connection, {key: conflict for key, (conflict, _) in conflicts.items()})
    events = [outbox_row(one.refusal, one.at) for one in refused.values()]
    statements.of[outbox].run(connection, [*batch.rows.get(outbox, []), *stranger_events, *events])
    return Written(new, strangers_seen, refused)


def parts_if_new(statements: Statements, batch: RowBatch) -> tuple[Sequence[Part], Written] | None:
    """Returns what `write` executes, and its result, where each message and each execution is new; the parts count those. None
    for rows whose writing depends on more than that."""
    done = batch.rows.get(executions, [])
    if batch.strangers or any(batch.prune.values()) or len({row["execution_id"] for row in done}) < len(done):
        return None
    messages = batch.rows.get(inbox, [])
    parts = [
        Part(statements.new_messages, messages, is_counted=True),
        *(Part(statement, rows) for statement, rows in _whatever_is_there(statements, batch)),
        Part(statements.new_executions, done, is_counted=True),
        Part(statements.count, _counted(done)),
        Part(statements.days, _added_to_days(done)),
        Part(statements.of[outbox], batch.rows.get(outbox, [])),
    ]
    new = {(row["source"], row["source_id"]): row["seq"] for row in messages}
    return [part for part in parts if part.rows], Written(new)


def _whatever_is_there(statements: Statements, batch: RowBatch) -> Iterator[tuple[DriverStatement, Sequence[Row]]]:
    """Yields the statements that are executed whatever the ledger holds, with their rows, in the order that foreign keys
    require."""
    yield statements.outcome, batch.outcomes
    for entry in TABLES:
        rows = batch.rows.get(entry.table)
        if rows and entry.writing is not Writing.APART and entry.table is not outbox:
            yield statements.of[entry.table], _to_write(entry, rows)


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


def _write_executions(connection: Connection, statements: Statements, rows: list[Row]) -> None:
    """Writes executions. Results and counters grow only by new ones: storing one twice changes nothing."""
    if not rows:
        return
    new = {execution_id for (execution_id,) in statements.new_executions.returned(connection, rows)}
    first = {row["execution_id"]: row for row in reversed(rows) if row["execution_id"] in new}.values()
    statements.count.run(connection, _counted(first))
    statements.days.run(connection, _added_to_days(first))


def _counted(done: Iterable[Row]) -> Sequence[Row]:
    """Returns what executions add to the counters."""
    counted = Counter("buy_orders" if row["side"] == Side.BUY else "sell_orders" for row in done)
    return [{"name": name, "value": count} for name, count in sorted(counted.items())]


def _added_to_days(done: Iterable[Row]) -> Sequence[Row]:
    """Returns what executions add to the day results."""
    days: dict[tuple[str, ...], Row] = {}
    for row in done:
        profit: Decimal | None = row["profit_quote"]
        if profit is None:
            continue
        key = f"{row['executed_at']:%Y-%m-%d}", *(row[column] for column in _SAME_DAY)
        empty: Row = dict(zip(("day", *_SAME_DAY), key, strict=True)) | {"profit": ZERO, "gross": ZERO, "exits": 0, "wins": 0}
        day = days.setdefault(key, empty)
        day["profit"] = EXACT.add(day["profit"], profit)
        day["gross"] = EXACT.add(day["gross"], row["gross_quote"] if row["gross_quote"] is not None else profit)
        day["exits"] += 1
        day["wins"] += int(profit > 0)
    return list(days.values())
