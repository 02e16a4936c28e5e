"""Tables of the paper exchange."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import BigInteger, Column, Index, Table, Text, text

from core.adapters.ledger import codec
from core.adapters.ledger.codec import Codec
from core.adapters.ledger.column_types import Amount, UtcTime
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables.entry import LedgerTable, Writing
from core.adapters.ledger.tables.metadata import metadata, partial
from core.adapters.paper.paper_book import PaperOrder, Resting

IS_OPEN = text("resting IS NOT NULL")

paper_orders = Table(
    "paper_orders",
    metadata,
    Column("order_id", BigInteger, primary_key=True, autoincrement=False),
    Column("client_order_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("report", Text, nullable=False),
    Column("resting", Text),
    Index(None, "client_order_id", "order_id"),
    Index(None, "symbol", "order_id"),
    partial("ix_paper_orders_open", "order_id", where=IS_OPEN),
)

paper_balances = Table(
    "paper_balances",
    metadata,
    Column("asset", Text, primary_key=True),
    Column("amount", Amount, nullable=False),
)

_resting: Codec[Resting] = Codec(TypeAdapter(Resting))


def paper_order_row(order: PaperOrder) -> Row:
    """Returns a row of `paper_orders`. Raises ValueError unless the order id is an integer, as the paper exchange's are."""
    report, resting = order.report, order.resting
    return {
        "order_id": int(report.order_id),
        "client_order_id": report.client_order_id,
        "symbol": report.symbol,
        "state": report.state.value,
        "at": report.at,
        "report": codec.reports.encode(report),
        "resting": _resting.encode(resting) if resting is not None else None,
    }


def paper_order_of(row: Mapping[str, Any]) -> PaperOrder:
    """Returns the order that a row of `paper_orders` holds."""
    resting = row["resting"]
    return PaperOrder(codec.reports.decode(row["report"]), _resting.decode(resting) if resting is not None else None)


TABLES: tuple[LedgerTable, ...] = (
    LedgerTable(paper_orders, Writing.REPLACE, paper_order_row),
    LedgerTable(paper_balances, Writing.REPLACE),
)
