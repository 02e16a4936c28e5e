"""Tables of what protections remember: the peak of the equity, and from when losing exits count."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import CheckConstraint, Column, Integer, Table, Text, select

from core.adapters.ledger import codec
from core.adapters.ledger.codec import storable
from core.adapters.ledger.column_types import Amount, UtcTime
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables.entry import LedgerTable, Writing
from core.adapters.ledger.tables.metadata import metadata
from core.domain.equity_mark import EquityMark, LossReset

equity_marks = Table(
    "equity_marks",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("report", Text, nullable=False),
    Column("equity", Amount, nullable=False),
    Column("peak", Amount, nullable=False),
    Column("external", Text, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

loss_resets = Table(
    "loss_resets",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("who", Text, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)


def equity_mark_row(mark: EquityMark) -> Row:
    return {
        "id": 1,
        "at": mark.at,
        "report": storable(mark.report),
        "equity": mark.equity,
        "peak": mark.peak,
        "external": codec.amounts.encode(mark.external),
    }


def equity_mark_of(row: Mapping[str, Any]) -> EquityMark:
    return EquityMark(row["at"], row["report"], row["equity"], row["peak"], codec.amounts.decode(row["external"]))


def loss_reset_row(reset: LossReset) -> Row:
    return {"id": 1, "at": reset.at, "who": storable(reset.who)}


def loss_reset_of(row: Mapping[str, Any]) -> LossReset:
    return LossReset(row["at"], row["who"])


TABLES: tuple[LedgerTable, ...] = (
    LedgerTable(
        equity_marks,
        Writing.REPLACE,
        equity_mark_row,
        equity_mark_of,
        batch="equity_mark",
        state="equity_mark",
        at_start=select(equity_marks),
        is_single=True,
    ),
    LedgerTable(
        loss_resets,
        Writing.REPLACE,
        loss_reset_row,
        loss_reset_of,
        batch="loss_reset",
        state="loss_reset",
        at_start=select(loss_resets),
        is_single=True,
    ),
)
