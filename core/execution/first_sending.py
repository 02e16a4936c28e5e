"""Asks the venue before an order of an old signal is sent for the first time: the ledger may have lost that order."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

import structlog

from core.domain.errors import ExchangeUnavailable, LedgerUnavailable
from core.domain.events.orders import OrderAdopted
from core.domain.order import ExecutionReport, NotTaken, Order, Rejected
from core.domain.reasons import reason
from core.domain.signal import Side
from core.execution.account_guard import AccountGuard
from core.policy.order_ownership import Ours, Whose, whose
from core.policy.risk.signal_age import CLOCK_TOLERANCE
from core.ports.clock import Clock
from core.ports.ledger import Ledger
from core.ports.venue import Venue
from core.reconciliation.symbol_comparison import strangers
from core.records.commit_batch import CommitBatch
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)

LEDGER_PAUSE_SECONDS = 1.0
MOST_QUESTIONS = 3


class FirstSending:
    """Checks orders of old signals. Asks nothing if the signal is younger than this process's tenure of the ledger: nobody can
    have sent the order before."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        venue: Venue,
        portfolio: Portfolio,
        account: AccountGuard,
        held_since: Callable[[], datetime],
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._venue = venue
        self._portfolio = portfolio
        self._account = account
        self._held_since = held_since
        self._clock = clock
        self._unasked: set[str] = set()
        self._refused: Counter[str] = Counter()  # questions that the venue, though it was there, did not answer

    def is_old(self, *times: datetime) -> bool:
        """Tells whether one of `times`, by any clock, may lie before this process took the ledger."""
        return min(times) < self._held_since() + CLOCK_TOLERANCE

    def expect(self, order: Order) -> None:
        """Marks `order` to be asked about before it is sent."""
        self._unasked.add(order.client_order_id)

    def forget(self, order: Order) -> None:
        """Removes a settled order."""
        self._unasked.discard(order.client_order_id)
        self._refused.pop(order.client_order_id, None)

    async def ask(self, order: Order) -> ExecutionReport | Rejected | NotTaken | None:
        """Returns the order that the venue already has for the signal; None if it has none or need not be asked, so that the
        order may be sent.

        If the venue is there but cannot be asked about orders, an exit goes on after a few questions: it is not lost for that.
        """
        if order.client_order_id not in self._unasked:
            return None
        try:
            report = await self._venue.find_order(order.symbol, order.client_order_id)
        except ExchangeUnavailable as error:
            if not await self._goes_on(order):
                return NotTaken(reason("unreachable", detail=error), error.retry_after)
            log.error("sending an exit although the exchange cannot be asked about an earlier one", error=str(error))
            report = None
        self._unasked.discard(order.client_order_id)
        if report is None:
            return None
        if report.mark is not None and report.mark == self._portfolio.mark:
            log.warning("the order was placed before, and the ledger had lost it", order_id=report.order_id)
            found = OrderAdopted(replace(order, order_id=report.order_id))
            await self._until_written(lambda: self._ledger.commit(CommitBatch(events=[found])))
            return report
        return await self.by_other(order, report)

    async def _goes_on(self, order: Order) -> bool:
        if order.side is Side.BUY:
            return False
        try:
            await self._venue.server_time()
        except ExchangeUnavailable:
            return False
        self._refused[order.client_order_id] += 1
        return self._refused[order.client_order_id] >= MOST_QUESTIONS

    async def by_other(self, order: Order, report: ExecutionReport) -> Rejected:
        """Refuses to send an order that another program has sent, according to `report`, and halts the account unless that
        program is known."""
        log.error("another program has placed the order of this signal", order_id=report.order_id, mark=report.mark)
        if whose(report, None, Ours(self._portfolio.mark, self._portfolio.acknowledged)) is Whose.STRANGE:
            strange = strangers([report], {order.client_order_id: order})
            await self._until_written(lambda: self._account.halt(strange))
        return Rejected(reason("placed_by_other", order_id=report.order_id))

    async def _until_written(self, write: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                return await write()
            except LedgerUnavailable as error:
                log.error("the orders found on the exchange cannot be stored; retrying", error=str(error))
                await self._clock.sleep(LEDGER_PAUSE_SECONDS)
