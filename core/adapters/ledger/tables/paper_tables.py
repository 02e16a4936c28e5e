"""Tables of the paper exchange."""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from core.adapters.ledger import codec
from core.adapters.ledger.column_types import Amount, UtcTime
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables.entry import LedgerTable, Writing
from core.adapters.ledger.tables.metadata import metadata
from core.domain.order import ExecutionReport

paper_orders = Table(
    "paper_orders",
    metadata,
    Column("order_id", BigInteger, primary_key=True, autoincrement=False),
    Column("client_order_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("report", Text, nullable=False),
    Index(None, "client_order_id", "order_id"),
    Index(None, "symbol", "order_id"),
)

paper_balances = Table(
    "paper_balances",
    metadata,
    Column("asset", Text, primary_key=True),
    Column("amount", Amount, nullable=False),
)


def paper_order_row(report: ExecutionReport) -> Row:
    """Returns a row of `paper_orders`. Raises ValueError unless the order id is an integer, as the paper exchange's are."""
    return {
        "order_id": int(report.order_id),
        "client_order_id": report.client_order_id,
        "symbol": report.symbol,
        "state": report.state.value,
        "at": report.at,
        "report": codec.reports.encode(report),
    }


TABLES: tuple[LedgerTable, ...] = (
    LedgerTable(paper_orders, Writing.REPLACE, paper_order_row),
    LedgerTable(paper_balances, Writing.REPLACE),
)
