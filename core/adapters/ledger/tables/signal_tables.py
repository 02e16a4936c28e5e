"""Tables of incoming data: messages, source positions, and dead letters."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    func,
    select,
    text,
)

from core.adapters.ledger import codec
from core.adapters.ledger.codec import storable
from core.adapters.ledger.column_types import Amount, UtcTime, counting_key
from core.adapters.ledger.row import Row, reason_columns, reason_of
from core.adapters.ledger.tables.entry import LedgerTable, Writing
from core.adapters.ledger.tables.metadata import metadata, partial
from core.domain.messages import DeadLetter, Message, SignalReceived, SourcePosition, StoredMessage
from core.records.message_outcome import MessageOutcome

# Conditions of partial indexes. A query uses the index only if it states the condition in the same words: use these.
UNDECIDED = text("decided_at IS NULL")

IS_SIGNAL = text("kind = 'signal'")

PRUNED = "pruned"
"""The kind of a pruned signal, of which only the content is left."""

BY_PEOPLE = text("source IN ('telegram', 'timer')")

inbox = Table(
    "inbox",
    metadata,
    Column("seq", counting_key(), primary_key=True, autoincrement=True),
    Column("source", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("mailbox", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("signal_type", Text),
    Column("symbol", Text),
    Column("close", Amount),
    Column("ts", UtcTime),
    Column("decided_at", UtcTime),
    Column("outcome", Text),
    Column("reason_code", Text),
    Column("reason_params", Text),
    Column("reason", Text),
    Column("facts", Text),
    UniqueConstraint("source", "source_id"),
    partial("ix_inbox_undecided", "seq", where=UNDECIDED),
    partial("ix_inbox_signals", "seq", where=IS_SIGNAL),
    partial("ix_inbox_by_people", "seq", where=BY_PEOPLE),
    partial("ix_inbox_signal_ids", "source_id", where=IS_SIGNAL),
    partial("ix_inbox_mailbox_signals", "mailbox", "seq", where=IS_SIGNAL),
    sqlite_autoincrement=True,
)

source_positions = Table(
    "source_positions",
    metadata,
    Column("source", Text, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("next_offset", BigInteger, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("witness", Text),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("seq", counting_key(), primary_key=True, autoincrement=True),
    Column("source", Text, nullable=False),
    Column("position", Text, nullable=False),
    Column("problem", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("reason_code", Text),
    Column("reason_params", Text),
    Index(None, "position"),
    sqlite_autoincrement=True,
)


_NEWEST = {
    "sqlite": text("SELECT seq FROM sqlite_sequence WHERE name = 'inbox'"),
    "postgresql": text("SELECT last_value - CASE WHEN is_called THEN 0 ELSE 1 END FROM inbox_seq_seq"),
}


def newest_seq(connection: Connection) -> int:
    """Returns the highest number that a message was given so far; 0 before the first. It may be pruned since."""
    return connection.scalar(_NEWEST[connection.dialect.name]) or 0


def given_seq(dialect: str) -> ColumnElement[int]:
    """Returns the number of an inserted message, for RETURNING. PostgreSQL counts only the numbers that it gives itself, so it is
    told of ours: `newest_seq` asks for it, and an earlier version has it give them."""
    return func.setval("inbox_seq_seq", inbox.c.seq, type_=BigInteger()) if dialect == "postgresql" else inbox.c.seq


_UNDECIDED: Row = dict.fromkeys(("decided_at", "outcome", "facts", "reason_code", "reason_params", "reason"))


def decided_row(message: StoredMessage, outcome: MessageOutcome) -> Row:
    """Returns a row of `inbox` for a message that comes with its outcome."""
    decided = {name: value for name, value in outcome_row(outcome).items() if name in _UNDECIDED}
    return {"seq": message.seq, **message_row(message.message), **decided}


def message_row(message: Message) -> Row:
    """Returns a row of `inbox`. A signal's main values also have columns, for people who query."""
    signal = message.body.signal if isinstance(message.body, SignalReceived) else None
    return {
        "source": storable(message.source),
        "source_id": storable(message.source_id),
        "mailbox": storable(message.mailbox),
        "kind": message.body.kind,
        "body": codec.bodies.encode(message.body),
        "received_at": message.received_at,
        "signal_type": storable(signal.signal_type) if signal else None,
        "symbol": storable(signal.symbol) if signal else None,
        "close": signal.close if signal else None,
        "ts": signal.ts if signal else None,
        **_UNDECIDED,
    }


def stored_message(row: Mapping[str, Any]) -> StoredMessage:
    message = Message(
        source=row["source"],
        source_id=row["source_id"],
        mailbox=row["mailbox"],
        body=codec.bodies.decode(row["body"]),
        received_at=row["received_at"],
    )
    return StoredMessage(row["seq"], message)


def outcome_row(outcome: MessageOutcome) -> Row:
    """Returns the parameters of an UPDATE of `inbox`."""
    return {
        "b_seq": outcome.seq,
        "decided_at": outcome.at,
        "outcome": outcome.outcome,
        "facts": codec.facts.encode(outcome.facts) if outcome.facts is not None else None,
        **reason_columns(outcome.reason),
    }


def source_position_row(position: SourcePosition) -> Row:
    return {
        "source": position.source,
        "partition": position.partition,
        "next_offset": position.offset,
        "generation": position.generation,
        "witness": position.witness or None,
    }


def source_position_of(row: Mapping[str, Any]) -> SourcePosition:
    return SourcePosition(row["source"], row["partition"], row["next_offset"], row["generation"], row["witness"] or "")


def dead_letter_row(letter: DeadLetter) -> Row:
    return {
        "source": storable(letter.source),
        "position": storable(letter.position),
        "problem": storable(letter.problem),
        "raw": letter.raw,
        "at": letter.at,
        "reason_code": letter.reason.code if letter.reason else None,
        "reason_params": codec.params.encode(letter.reason.params) if letter.reason else None,
    }


def dead_letter_of(row: Mapping[str, Any]) -> DeadLetter:
    return DeadLetter(row["source"], row["position"], row["problem"], row["raw"], row["at"], reason_of(row))


TABLES: tuple[LedgerTable, ...] = (
    LedgerTable(
        inbox,
        Writing.APART,
        message_row,
        stored_message,
        state="waiting",
        at_start=select(inbox).where(UNDECIDED).order_by(inbox.c.seq),
    ),
    LedgerTable(source_positions, Writing.REPLACE, source_position_row, source_position_of),
    LedgerTable(dead_letters, Writing.APPEND, dead_letter_row, dead_letter_of),
)
