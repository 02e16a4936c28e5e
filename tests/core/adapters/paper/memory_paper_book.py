"""A paper exchange's book in memory, for tests; `fail_next` makes one record fail, before or after it is stored."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal

from core.adapters.paper.paper_exchange import PaperState
from core.domain.errors import LedgerUnavailable
from core.domain.order import ExecutionReport, Fill


class MemoryPaperBook:
    """A PaperBook that lives as long as its object: a second exchange on the same one is a restart."""

    def __init__(self) -> None:
        self.reports: dict[str, ExecutionReport] = {}
        self.fail_next: Literal["before", "after"] | None = None
        self._balances: Mapping[str, Decimal] = {}

    async def load(self) -> PaperState:
        return PaperState(self._balances, len(self.reports) + 1)

    async def find(self, client_order_id: str) -> ExecutionReport | None:
        await asyncio.sleep(0)  # lets others run, like a database
        return self.reports.get(client_order_id)

    async def record(self, report: ExecutionReport, balances: Mapping[str, Decimal]) -> None:
        failing, self.fail_next = self.fail_next, None
        await asyncio.sleep(0)
        if failing != "before":
            assert report.order_id not in {known.order_id for known in self.reports.values()}
            self.reports[report.client_order_id] = report
            self._balances = dict(balances)
        if failing is not None:
            raise LedgerUnavailable("the disk is full")

    async def fills(self, order_id: str) -> Sequence[Fill]:
        return [fill for report in self.reports.values() if report.order_id == order_id for fill in report.fills]

    async def between(self, symbol: str, since: datetime, until: datetime) -> Sequence[ExecutionReport]:
        return [report for report in self.reports.values() if report.symbol == symbol and since <= report.at < until]

    async def recent(self, symbol: str, limit: int) -> Sequence[ExecutionReport]:
        return [report for report in self.reports.values() if report.symbol == symbol][-limit:]
