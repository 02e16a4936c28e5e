"""The paper exchange's orders and balances, beside the ledger in the same database."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select

from core.adapters.ledger import codec
from core.adapters.ledger.row_batch import RowBatch
from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.ledger.tables import paper_tables
from core.adapters.paper.paper_book import PaperOrder, PaperState
from core.domain.order import ExecutionReport, Fill


class SqlPaperBook:
    """See `core.adapters.paper.paper_book.PaperBook`."""

    def __init__(self, ledger: SqlLedger) -> None:
        self._ledger = ledger

    async def load(self) -> PaperState:
        """See PaperBook."""
        orders = paper_tables.paper_orders
        balances = await self._ledger.reader.read(select(paper_tables.paper_balances))
        newest = await self._ledger.reader.read(select(func.max(orders.c.order_id).label("newest")))
        resting = await self._ledger.reader.read(select(orders).where(paper_tables.IS_OPEN).order_by(orders.c.order_id))
        return PaperState(
            balances={row["asset"]: row["amount"] for row in balances},
            next_order_id=(newest[0]["newest"] or 0) + 1,
            resting=tuple(paper_tables.paper_order_of(row) for row in resting),
        )

    async def find(self, client_order_id: str) -> ExecutionReport | None:
        """See PaperBook."""
        table = paper_tables.paper_orders
        found = await self._ledger.reader.read(select(table.c.report).where(table.c.client_order_id == client_order_id))
        return codec.reports.decode(found[0]["report"]) if found else None

    async def record(self, orders: Sequence[PaperOrder], balances: Mapping[str, Decimal]) -> None:
        """See PaperBook."""
        rows = [paper_tables.paper_order_row(order) for order in orders]
        amounts = [{"asset": asset, "amount": amount} for asset, amount in balances.items()]
        await self._ledger.write(RowBatch({paper_tables.paper_orders: rows, paper_tables.paper_balances: amounts}))

    async def fills(self, order_id: str) -> Sequence[Fill]:
        """See PaperBook."""
        if not order_id.isdecimal():
            return ()
        table = paper_tables.paper_orders
        found = await self._ledger.reader.read(select(table.c.report).where(table.c.order_id == int(order_id)))
        return codec.reports.decode(found[0]["report"]).fills if found else ()

    async def between(self, symbol: str, since: datetime, until: datetime) -> Sequence[ExecutionReport]:
        """See PaperBook."""
        table = paper_tables.paper_orders
        wanted = select(table.c.report).where(table.c.symbol == symbol, table.c.at >= since, table.c.at < until)
        return [codec.reports.decode(row["report"]) for row in await self._ledger.reader.read(wanted.order_by(table.c.order_id))]

    async def recent(self, symbol: str, limit: int) -> Sequence[ExecutionReport]:
        """See PaperBook."""
        table = paper_tables.paper_orders
        newest = select(table.c.report).where(table.c.symbol == symbol).order_by(table.c.order_id.desc()).limit(limit)
        return [codec.reports.decode(row["report"]) for row in reversed(await self._ledger.reader.read(newest))]
