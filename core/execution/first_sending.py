"""Asks the venue before an order of an old signal is sent for the first time: the ledger may have lost that order."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from core.domain.errors import ExchangeUnavailable
from core.domain.events.orders import OrderAdopted
from core.domain.order import ExecutionReport, NotTaken, Order, Rejected
from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.domain.trade_plan import TradePlan
from core.execution.account_guard import AccountGuard
from core.execution.fence import Fence
from core.execution.ledger_patience import until_answered
from core.policy.order_ownership import Ours, Whose, whose
from core.policy.risk.signal_age import CLOCK_TOLERANCE
from core.ports.clock import Clock
from core.ports.ledger import Ledger
from core.ports.venue import Venue
from core.reconciliation.symbol_comparison import strangers
from core.records.commit_batch import CommitBatch
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)

RIGHT_WITHIN = timedelta(seconds=1)
"""A clock that differs from itself by less, as time passes, is right."""

MOST_QUESTIONS = 3
LEAST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 4.0  # an exit keeps its turn meanwhile


@dataclass(slots=True)
class _Tenure:
    """The time for which this process has the ledger: the fence of what was sent before, the orders of old signals that nobody
    had sent before, and the symbols in which an entry may be on its way that an earlier process sent. It `began` at these
    monotonic seconds."""

    since: datetime
    began: float
    fence: Fence
    sent: set[str] = field(default_factory=set)
    doubtful: set[str] = field(default_factory=set)


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
        complete_since: float | None = None,
    ) -> None:
        """Takes `complete_since` (monotonic seconds): the ledger has every order that was dated since then. None: it may lack any
        that was dated before this process took it."""
        self._ledger = ledger
        self._venue = venue
        self._portfolio = portfolio
        self._account = account
        self._held_since = held_since
        self._clock = clock
        self._unasked: dict[str, bool] = {}  # with whether an earlier process may have sent it
        self._tenure = self._begun(complete_since)
        self._refused: Counter[str] = Counter()  # questions that the venue, though it was there, did not answer

    def is_old(self, *times: datetime) -> bool:
        """Tells whether one of `times`, by any clock, may lie before this process took the ledger; one that is yet to come may as
        well: our clock was set back since."""
        return min(times) < self._began_at() + CLOCK_TOLERANCE or max(times) > self._clock.now() + CLOCK_TOLERANCE

    def _began_at(self) -> datetime:
        """Returns when this process took the ledger: by our clock as it was then, unless it says much later by now. One that was
        set back at the start would make old signals new."""
        then = self._held_since()
        by_now = self._clock.now() - timedelta(seconds=self._clock.monotonic() - self._this_tenure().began)
        return by_now if by_now - then > RIGHT_WITHIN else then

    def may_be_known(self, plan: TradePlan) -> bool:
        """Tells whether the exchange may have orders of `plan` that an earlier process sent: not if that had not even sent its
        entry."""
        return self.is_old(plan.created_at) and plan.plan_id not in self._this_tenure().sent

    def fence(self) -> Fence:
        """Returns the fence of all that was sent before this process's tenure of the ledger: proving that for one list of orders
        after the other would take seconds for each."""
        return self._this_tenure().fence

    def _this_tenure(self) -> _Tenure:
        if self._tenure.since != self._held_since():
            self._tenure = self._begun()
        return self._tenure

    def _begun(self, complete_since: float | None = None) -> _Tenure:
        now = self._clock.monotonic()
        return _Tenure(self._held_since(), now, Fence(now if complete_since is None else min(now, complete_since)))

    async def is_past(self) -> bool:
        """Tells whether nothing that was sent before this process's tenure can become an order any more. Raises
        ExchangeUnavailable."""
        fence = self.fence()
        if not fence.is_past:
            await fence.left(self._venue, self._clock)
        return fence.is_past

    async def until_past(self, signal: Signal, *times: datetime) -> None:
        """Returns once an order for `signal` need not wait for what an earlier process may have sent for it; also if the exchange
        cannot be asked: `ask` decides then. For an exit this comes first: what protects its position stays until then, and what
        sold it meanwhile is seen."""
        fence = self.fence()
        while self._may_be_sent(signal, *times) and not fence.is_past:
            try:
                left = await fence.left(self._venue, self._clock)
            except ExchangeUnavailable as error:
                log.warning("the exchange cannot be asked for its time", error=str(error))
                return
            if not fence.is_past:
                await self._clock.sleep(left + LEAST_PAUSE_SECONDS)

    def _may_be_sent(self, signal: Signal, *times: datetime) -> bool:
        """Tells whether an earlier process may have sent an order for `signal`, which was there at `times`: by clocks that are
        right, unlike `is_old`, so that a new signal does not wait. An exit that a plan or a panic makes is as old as that: each
        process makes it anew."""
        since, trading_state = self._began_at(), self._portfolio.trading_state
        known = [signal.ts, *times]
        if signal.is_planned and (plan := self._portfolio.plans.get(signal.book)) is not None:
            known.append(plan.created_at)
        if signal.is_panic and trading_state.changed_at is not None:
            known.append(trading_state.changed_at)
        return min(known) < since or max(known) > self._clock.now() + CLOCK_TOLERANCE

    def doubt(self, signal: Signal, *times: datetime) -> None:
        """Has later entries of the symbol wait if an earlier process may have sent an order for `signal`, which was there at
        `times`: it may arrive although the signal is not ordered now, as by a ledger that was set back."""
        if signal.side is Side.BUY and self._may_be_sent(signal, *times):
            self._this_tenure().doubtful.add(signal.symbol)

    def expect(self, order: Order, *times: datetime) -> None:
        """Has `order` asked about before it is sent if its signal, which was there at `times`, is old, or if it is an entry and
        another may be on its way."""
        in_doubt = order.side is Side.BUY and order.symbol in self._this_tenure().doubtful
        if in_doubt or self.is_old(order.signal.ts, *times):
            self._unasked[order.client_order_id] = in_doubt or self._may_be_sent(order.signal, *times)

    def forget(self, order: Order) -> None:
        """Removes a settled order."""
        self._unasked.pop(order.client_order_id, None)
        self._refused.pop(order.client_order_id, None)

    async def ask(self, order: Order) -> ExecutionReport | Rejected | NotTaken | None:
        """Returns the order that the venue already has for the signal; None if it has none, and can get none any more from a
        request of an earlier process, or need not be asked: then the order may be sent.

        If the venue is there but cannot be asked about orders, an exit goes on after a few questions: it is not lost for that.
        """
        if order.client_order_id not in self._unasked:
            return None
        left, fence = 0.0, self.fence()
        waits = self._unasked[order.client_order_id] and not fence.is_past
        report = None
        try:
            if waits:
                left = await fence.left(self._venue, self._clock)
                waits = not fence.is_past
            report = await self._venue.find_order(order.symbol, order.client_order_id)
        except ExchangeUnavailable as error:
            if not await self._goes_on(order):
                return NotTaken(self._unheard(order, error), error.retry_after)
            log.error("sending an exit although the exchange cannot be asked about an earlier one", error=str(error))
        if report is None and waits:  # it may be on its way, or not be shown yet
            return NotTaken(reason("earlier_on_its_way"), min(left + LEAST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS))
        self._unasked.pop(order.client_order_id, None)
        if report is None:
            self._this_tenure().sent.add(order.client_order_id)
            return None
        if report.mark is not None and report.mark == self._portfolio.mark:
            log.warning("the order was placed before, and the ledger had lost it", order_id=report.order_id)
            found = OrderAdopted(replace(order, order_id=report.order_id))
            await self._until_written(partial(self._ledger.commit, CommitBatch(events=[found])))
            return report
        return await self.by_other(order, report)

    def _unheard(self, order: Order, error: ExchangeUnavailable) -> Reason:
        """Returns why an order is not sent while the venue cannot be asked about an earlier one: who hears only that nothing was
        sent would not expect that one."""
        may_come = order.side is Side.BUY and self._unasked[order.client_order_id]
        return reason("earlier_on_its_way") if may_come else reason("unreachable", detail=error)

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
            await self._until_written(partial(self._account.halt, strange))
        return Rejected(reason("placed_by_other", order_id=report.order_id))

    async def _until_written(self, write: Callable[[], Awaitable[None]]) -> None:
        await until_answered(write, self._clock, failed="the orders found on the exchange cannot be stored")
