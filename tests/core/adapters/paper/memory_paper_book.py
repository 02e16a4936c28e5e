"""A paper exchange's book in memory that can be made to fail: `fail_next` makes one record fail, before or after it is stored."""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal

from core.adapters.paper.memory_book import MemoryBook
from core.adapters.paper.paper_book import PaperOrder
from core.domain.errors import LedgerUnavailable
from core.domain.order import ExecutionReport


class MemoryPaperBook(MemoryBook):
    """A PaperBook that lives as long as its object: a second exchange on the same one is a restart."""

    def __init__(self) -> None:
        super().__init__({})
        self.fail_next: Literal["before", "after"] | None = None
        self.commits = 0

    @property
    def reports(self) -> dict[str, ExecutionReport]:
        return {order.report.client_order_id: order.report for order in self._orders.values()}

    async def find(self, client_order_id: str) -> ExecutionReport | None:
        await asyncio.sleep(0)  # lets others run, like a database
        return await super().find(client_order_id)

    async def record(self, orders: Sequence[PaperOrder], balances: Mapping[str, Decimal]) -> None:
        failing, self.fail_next = self.fail_next, None
        await asyncio.sleep(0)
        if failing != "before":
            self.commits += 1
            await super().record(orders, balances)
            assert len(self.reports) == len(self._orders)  # one order, one client order id
        if failing is not None:
            raise LedgerUnavailable("the disk is full")
