"""A paper exchange's book in memory, for an exchange that ends with its process."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from core.adapters.paper.paper_book import PaperOrder, PaperState
from core.domain.order import ExecutionReport, Fill


class MemoryBook:
    """See `core.adapters.paper.paper_book.PaperBook`. Its orders are numbered from `first` on."""

    def __init__(self, balances: Mapping[str, Decimal], first: int = 1) -> None:
        self._orders: dict[str, PaperOrder] = {}
        self._names: dict[str, str] = {}  # client order id: order id
        self._open: dict[str, PaperOrder] = {}
        self._balances = balances
        self._first = first

    async def load(self) -> PaperState:
        """Returns the state after the last record."""
        return PaperState(self._balances, self._first + len(self._orders), tuple(self._open.values()))

    async def find(self, client_order_id: str) -> ExecutionReport | None:
        """Returns the order of this id with its fills; None if none was recorded."""
        order_id = self._names.get(client_order_id)
        return self._orders[order_id].report if order_id is not None else None

    async def record(self, orders: Sequence[PaperOrder], balances: Mapping[str, Decimal]) -> None:
        """Records orders as they are now, and all balances after them."""
        for order in orders:
            order_id = order.report.order_id
            self._orders[order_id] = order
            self._names[order.report.client_order_id] = order_id
            if order.resting is None:
                self._open.pop(order_id, None)
            else:
                self._open[order_id] = order
        self._balances = dict(balances)

    async def fills(self, order_id: str) -> Sequence[Fill]:
        """Returns the fills of a recorded order; none for an unknown one."""
        return self._orders[order_id].report.fills if order_id in self._orders else ()

    async def recent(self, symbol: str, limit: int) -> Sequence[ExecutionReport]:
        """Returns the newest `limit` orders of `symbol`, oldest first."""
        return [order.report for order in self._orders.values() if order.report.symbol == symbol][-limit:]

    async def between(self, symbol: str, since: datetime, until: datetime) -> Sequence[ExecutionReport]:
        """Returns the orders of `symbol` last changed at or after `since` and before `until`, oldest first."""
        found = (order.report for order in self._orders.values() if order.report.symbol == symbol)
        return [report for report in found if since <= report.at < until]
