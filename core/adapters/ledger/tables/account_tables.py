"""Tables of the exchange account: this ledger's mark, acknowledged marks, symbols ever traded."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, Table, Text, select

from core.adapters.ledger.codec import storable
from core.adapters.ledger.column_types import UtcTime
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables.entry import LedgerTable, Writing
from core.adapters.ledger.tables.metadata import metadata
from core.domain.account import Acknowledged
from core.domain.order_state_machine import OrderState

account = Table(
    "account",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("mark", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

acknowledged_marks = Table(
    "acknowledged_marks",
    metadata,
    Column("mark", BigInteger, primary_key=True, autoincrement=False),
    Column("until", UtcTime, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)

touched_symbols = Table(
    "touched_symbols",
    metadata,
    Column("symbol", Text, primary_key=True),
)


def acknowledged_row(one: Acknowledged) -> Row:
    return {"mark": one.mark, "until": one.until, "by": storable(one.by), "at": one.at}


def acknowledged_of(row: Mapping[str, Any]) -> Acknowledged:
    return Acknowledged(row["mark"], row["until"], row["by"], row["at"])


TABLES: tuple[LedgerTable, ...] = (
    LedgerTable(account, Writing.APART),
    LedgerTable(
        acknowledged_marks,
        Writing.REPLACE,
        acknowledged_row,
        acknowledged_of,
        batch="acknowledged",
        state="acknowledged",
        at_start=select(acknowledged_marks),
    ),
    LedgerTable(
        touched_symbols,
        Writing.ADD,
        lambda order: {"symbol": order.symbol},
        lambda row: row["symbol"],
        batch="orders",
        picks=lambda order: order.state is OrderState.SUBMITTED,
        state="touched",
        at_start=select(touched_symbols),
    ),
)
