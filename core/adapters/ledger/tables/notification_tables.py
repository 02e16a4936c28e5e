"""Tables of notifications: the outbox, delivery cursors, delivered messages and recipients' settings."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, select, text

from core.adapters.ledger import codec
from core.adapters.ledger.column_types import UtcTime, counting_key
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables.entry import LedgerTable, Writing
from core.adapters.ledger.tables.metadata import metadata, partial
from core.domain.access import Reader
from core.domain.delivery import Delivery
from core.domain.events.table import Event, subject_of
from core.domain.outbox_item import OutboxItem

ASKS = text("question IS NOT NULL")

HAS_SUBJECT = text("subject IS NOT NULL")

outbox = Table(
    "outbox",
    metadata,
    Column("seq", counting_key(), primary_key=True, autoincrement=True),
    Column("at", UtcTime, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("subject", BigInteger),
    Index(None, "priority", "seq"),
    partial("ix_outbox_subjects", "subject", "seq", where=HAS_SUBJECT),
    sqlite_autoincrement=True,
)

told = Table(
    "told",
    metadata,
    Column("reader", Text, primary_key=True),
    Column("priority", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
    Column("priority", Integer, primary_key=True, autoincrement=False),
    Column("first_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("reader", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("question", BigInteger),
    Index(None, "priority", "last_seq"),
    partial("ix_deliveries_questions", "question", where=ASKS),
)

readers = Table(
    "readers",
    metadata,
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("active", Boolean, nullable=False),
    Column("preferences", Text, nullable=False),
)


def outbox_row(event: Event, at: datetime) -> Row:
    return {
        "at": at,
        "priority": int(event.priority),
        "kind": event.kind,
        "body": codec.events.encode(event),
        "subject": subject_of(event),
    }


def outbox_item(row: Mapping[str, Any]) -> OutboxItem:
    return OutboxItem(row["seq"], row["at"], codec.events.decode(row["body"]))


def reader_row(reader: Reader) -> Row:
    """Returns a row of `readers`: the recipient has columns, the notification settings are text."""
    return {"chat_id": reader.chat_id, "active": reader.active, "preferences": codec.readers.encode(reader)}


def reader_of(row: Mapping[str, Any]) -> Reader:
    return codec.readers.decode(row["preferences"])


def delivery_row(reader: str, delivery: Delivery, at: datetime) -> Row:
    return {
        "chat_id": delivery.chat_id,
        "message_id": delivery.message_id,
        "priority": int(delivery.priority),
        "first_seq": delivery.first_seq,
        "last_seq": delivery.last_seq,
        "reader": reader,
        "at": at,
        "question": delivery.question,
    }


TABLES: tuple[LedgerTable, ...] = (
    LedgerTable(
        readers,
        Writing.REPLACE,
        reader_row,
        reader_of,
        batch="readers",
        state="readers",
        at_start=select(readers),
    ),
    LedgerTable(outbox, Writing.APPEND, decode=outbox_item, batch="events"),
    LedgerTable(told, Writing.REPLACE),
    LedgerTable(deliveries, Writing.ADD),
)
