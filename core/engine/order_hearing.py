"""Hears what becomes of resting orders: from the exchange's stream as it happens, and by asking."""

import structlog

from core.domain.errors import LedgerUnavailable
from core.domain.order import ExecutionReport
from core.engine.order_poller import OrderPoller, reported
from core.execution.due_messages import Put
from core.policy.exits.protection import is_news
from core.ports.clock import Clock
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)

ASK_SECONDS = 30.0
"""The time between two questions about resting orders while the stream tells of them."""


class OrderHearing:
    """Passes reports of the stream on to the inbox, and asks for what the stream may have missed. The same report may come both
    ways: it is stored once."""

    def __init__(self, poller: OrderPoller, portfolio: Portfolio, put: Put, clock: Clock) -> None:
        """Builds it. `put` stores messages, each once by its identity; it raises LedgerUnavailable."""
        self._poller = poller
        self._portfolio = portfolio
        self._put = put
        self._clock = clock
        self._asked_at: float | None = None
        self._early: dict[str, ExecutionReport] = {}  # heard before it was booked that the order rests, by client order id
        self.is_connected = False
        """Tells whether the stream reports now."""

    async def heard(self, report: ExecutionReport) -> None:
        """Stores a report on a resting order. One may come before it is booked that the order rests: it is kept until then.
        Orders that never rest are waited for where they were sent."""
        order = self._portfolio.resting.get(report.client_order_id)
        sent = self._portfolio.in_flight.get(report.client_order_id)
        if order is None and sent is not None and sent.terms.may_rest:
            self._early[report.client_order_id] = report
        if order is None or not is_news(order, report.state, report.executed_qty):
            return
        try:
            await self._put([reported(report, self._clock)])
        except LedgerUnavailable as error:
            log.error("a report on a resting order cannot be stored; it will be asked for", error=str(error))
            self._asked_at = None

    async def connected(self) -> None:
        """Asks about every resting order: nothing that happened before is sent again."""
        self.is_connected = True
        await self._ask()

    async def away(self) -> None:
        """Asks often from now on."""
        self.is_connected = False

    async def run(self) -> None:
        """Runs every few seconds: asks each time while the stream is away, and now and then while it is not."""
        for report in [one for name, one in self._early.items() if name not in self._portfolio.in_flight]:
            del self._early[report.client_order_id]
            await self.heard(report)
        recent = self._asked_at is not None and self._clock.monotonic() - self._asked_at < ASK_SECONDS
        if not (self.is_connected and recent):
            await self._ask()

    async def _ask(self) -> None:
        self._asked_at = self._clock.monotonic()
        await self._poller.run()
