"""A paper exchange's book in memory, for tests; `fail_next` makes one record fail, before or after it is stored."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal

from core.adapters.paper.paper_book import PaperOrder, PaperState
from core.domain.errors import LedgerUnavailable
from core.domain.order import ExecutionReport, Fill


class MemoryPaperBook:
    """A PaperBook that lives as long as its object: a second exchange on the same one is a restart."""

    def __init__(self) -> None:
        self.fail_next: Literal["before", "after"] | None = None
        self.commits = 0
        self._orders: dict[str, PaperOrder] = {}
        self._balances: Mapping[str, Decimal] = {}

    @property
    def reports(self) -> dict[str, ExecutionReport]:
        return {order.report.client_order_id: order.report for order in self._orders.values()}

    async def load(self) -> PaperState:
        resting = tuple(order for order in self._orders.values() if order.resting is not None)
        return PaperState(self._balances, len(self._orders) + 1, resting)

    async def find(self, client_order_id: str) -> ExecutionReport | None:
        await asyncio.sleep(0)  # lets others run, like a database
        return self.reports.get(client_order_id)

    async def record(self, orders: Sequence[PaperOrder], balances: Mapping[str, Decimal]) -> None:
        failing, self.fail_next = self.fail_next, None
        await asyncio.sleep(0)
        if failing != "before":
            self.commits += 1
            self._orders |= {order.report.order_id: order for order in orders}
            assert len(self.reports) == len(self._orders)  # one order, one client order id
            self._balances = dict(balances)
        if failing is not None:
            raise LedgerUnavailable("the disk is full")

    async def fills(self, order_id: str) -> Sequence[Fill]:
        return self._orders[order_id].report.fills if order_id in self._orders else ()

    async def between(self, symbol: str, since: datetime, until: datetime) -> Sequence[ExecutionReport]:
        return [report for report in self.reports.values() if report.symbol == symbol and since <= report.at < until]

    async def recent(self, symbol: str, limit: int) -> Sequence[ExecutionReport]:
        return [report for report in self.reports.values() if report.symbol == symbol][-limit:]
