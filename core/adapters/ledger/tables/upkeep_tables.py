"""Tables of the program's own upkeep: the lease, the export's position, daily proofs, prices, pruning."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Integer, Table, Text

from core.adapters.ledger.column_types import Amount, UtcTime
from core.adapters.ledger.tables.entry import LedgerTable, Writing
from core.adapters.ledger.tables.metadata import metadata

lease = Table(
    "lease",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("session", Text, nullable=False),
    Column("commits", BigInteger, nullable=False),
    Column("taken_at", UtcTime),
    Column("seen_at", UtcTime),
    CheckConstraint("id = 1", name="one_row"),
)

export_positions = Table(
    "export_positions",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

proofs = Table(
    "proofs",
    metadata,
    Column("day", Text, primary_key=True),
    Column("proved_at", UtcTime, nullable=False),
    Column("differences", Integer, nullable=False),
    Column("complete", Boolean, nullable=False),
)

marks = Table(
    "marks",
    metadata,
    Column("symbol", Text, primary_key=True),
    Column("bid", Amount, nullable=False),
    Column("at", UtcTime, nullable=False),
)

pruned = Table(
    "pruned",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)


TABLES: tuple[LedgerTable, ...] = (
    LedgerTable(lease, Writing.APART),
    LedgerTable(export_positions, Writing.REPLACE),
    LedgerTable(proofs, Writing.REPLACE),
    LedgerTable(marks, Writing.REPLACE),
    LedgerTable(pruned, Writing.REPLACE),
)
