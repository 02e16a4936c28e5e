"""Orders that rest on the exchange: what is heard of them is booked, and they are taken off before anything else is sold."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from core.domain.errors import ExchangeUnavailable, SymbolUnknown
from core.domain.money import ZERO
from core.domain.order import ExecutionReport, Order
from core.domain.order_state_machine import OrderState
from core.domain.plan_leg import LegKind
from core.domain.reasons import Reason, reason
from core.domain.retry_backoff import RetryBackoff
from core.domain.signal import Side
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import TradePlan
from core.execution.ledger_patience import until_answered
from core.execution.order_writer import OrderWriter
from core.execution.reconciler import FateUnknown, Reconciler
from core.execution.settlement import Settled, Settlement
from core.policy.entries.purchase import emptied
from core.policy.exits.breakeven import after_first_target
from core.policy.exits.protection import bound, closed, exposed, is_news, is_whole, lost
from core.policy.exits.targets import after_target, remaining
from core.ports.clock import Clock
from core.ports.venue import Venue
from core.records.commit_batch import CommitBatch
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)

BACKOFF = RetryBackoff(first=0.1, longest=5.0)

Look = Callable[[Order], Awaitable[Reason | None]]


@dataclass(frozen=True, slots=True)
class Ends:
    """The ways in which an order that was cancelled ends: `book` books what it filled, `give_up` ends one of whose symbol the
    exchange knows nothing any more."""

    book: Callable[[Order, ExecutionReport], Awaitable[Order]]
    give_up: Callable[[Order], Awaitable[Order]]


class RestingOrders:
    """Follows resting orders, in the mailbox of their symbol."""

    def __init__(
        self,
        *,
        venue: Venue,
        portfolio: Portfolio,
        reconciler: Reconciler,
        writer: OrderWriter,
        settlement: Settlement,
        look: Look,
        clock: Clock,
    ) -> None:
        """Builds it. `look` takes over what the ledger has lost in an order's symbol; it raises LedgerUnavailable."""
        self._venue = venue
        self._portfolio = portfolio
        self._reconciler = reconciler
        self._writer = writer
        self._settlement = settlement
        self._look = look
        self._clock = clock
        self._looking: set[str] = set()  # symbols in which what the ledger has lost is being taken over

    async def hear(self, report: ExecutionReport) -> bool:
        """Books a report on a resting order, and what became of the other in its list: when one fills the exchange cancels the
        other. Returns False if it is no news."""
        order = self._portfolio.resting.get(report.client_order_id)
        if order is None or not is_news(order, report.state, report.executed_qty):
            return False
        if (order := await self._once_bought(order, report)) is None:
            return False
        booked = [await self._book(order, report)]
        for other in [leg for leg in self._portfolio.resting_for(order.book) if _same_list(leg, order)]:
            found = await self._reconciler.find_out(other)
            if not isinstance(found, ExecutionReport) or not is_news(other, found.state, found.executed_qty):
                continue
            if (ready := await self._once_bought(other, found)) is not None:
                booked.append(await self._book(ready, found))
        await self._look_at_plan(order, booked)
        return True

    async def ask(self, symbol: str) -> None:
        """Books what the orders that protect positions in `symbol` have sold and nobody has heard of yet."""
        for order in self._portfolio.offers_in(symbol):
            found = await self._reconciler.find_out(order)
            if isinstance(found, ExecutionReport):
                await self.hear(found)

    async def forget(self, symbol: str, client_order_id: str) -> None:
        """Ends an order that the exchange has not known for a long time, unless it knows it again: the position has lost this
        protection."""
        order = self._portfolio.resting.get(client_order_id)
        if order is None:
            return
        found = await self._reconciler.ask_once(order)
        if not isinstance(found, FateUnknown):
            if found is not None:
                await self.hear(found)
            return
        log.error("the exchange has forgotten an order that rested there", client_order_id=client_order_id)
        why = reason("order_forgotten")
        batch = await self._settlement.end_unheard(self._writer.move(order, OrderState.EXPIRED, reason=why))
        plan, position = self._portfolio.plans.get(order.book), self._portfolio.position(order.book)
        if plan is not None and position.is_open:
            after, event = lost(plan, position.qty, self._clock.now(), why)
            batch.plans.append(after)
            if plan.why != why:  # once for a list
                batch.events.append(event)
        await self._writer.commit(batch)

    async def take_off(self, book: StrategyBook, some: Collection[Order] | None = None) -> None:
        """Takes every order of `book` off the exchange, or `some` of them, and books what they filled. Its intent is
        committed first: a crash in between is finished at the start. Returns when each has ended."""
        names = None if some is None else {order.client_order_id for order in some}
        resting = [one for one in self._portfolio.resting_for(book) if names is None or one.client_order_id in names]
        if not resting:
            return
        leaving = [self._writer.move(order, OrderState.CANCEL_SUBMITTED) for order in resting]
        plan = self._portfolio.plans.get(book)
        plans = [exposed(plan, self._clock.now())] if plan is not None else []
        await self._writer.try_commit(CommitBatch(orders=leaving, plans=plans))
        await self.finish_cancel(leaving)

    async def finish_cancel(self, leaving: Sequence[Order], ends: Ends | None = None) -> None:
        """Cancels orders whose cancel is committed, and has what they filled booked. An order that filled meanwhile was the
        exit."""
        cancelled: set[str] = set()
        for order in leaving:
            if order.client_order_id not in self._portfolio.in_flight:
                continue
            if order.list_id is None or order.list_id not in cancelled:  # with one of a list the exchange cancels the other
                await self._cancel(order)
                cancelled.add(order.list_id or order.client_order_id)
            await self._find_end(order, ends or Ends(self._book, self._give_up))

    async def _cancel(self, order: Order) -> None:
        pause = BACKOFF.first
        while True:
            try:
                if not await self._venue.cancel_order(order.symbol, order.client_order_id):
                    log.info("there is nothing left to cancel", client_order_id=order.client_order_id)
            except SymbolUnknown as error:  # nothing can rest there; whether the order is known is asked next
                log.warning("an order cannot be cancelled: its symbol is gone", error=str(error))
                return
            except ExchangeUnavailable as error:
                log.warning("an order cannot be cancelled yet", client_order_id=order.client_order_id, error=str(error))
                await self._clock.sleep(max(pause, error.retry_after))
                pause = BACKOFF.longer(pause)
            else:
                return

    async def _find_end(self, order: Order, ends: Ends) -> None:
        """Waits until an order that is being cancelled has ended, and has it booked."""
        pause = BACKOFF.first
        while True:
            found = await self._reconciler.find_out(order)
            if not isinstance(found, ExecutionReport):
                await ends.give_up(order)
                return
            if found.state.final:
                ready = await self._once_bought(order, found) or self._portfolio.in_flight.get(order.client_order_id)
                if ready is not None:
                    await ends.book(ready, found)
                return
            await self._clock.sleep(pause)
            pause = BACKOFF.longer(pause)
            await self._cancel(order)

    def _sells_unbought(self, order: Order, report: ExecutionReport) -> bool:
        """Tells whether an order has sold more than its book holds: the ledger may have lost what was bought for it."""
        return order.side is Side.SELL and report.executed_qty - order.executed_qty > self._portfolio.position(order.book).qty

    async def _once_bought(self, order: Order, report: ExecutionReport) -> Order | None:
        """Returns the order as it is to be booked now. If it has sold more than is held, what the ledger has lost in its symbol
        is taken over first; until that is done, or if that has booked it, returns None."""
        if not self._sells_unbought(order, report):
            return order
        if order.symbol in self._looking:
            return None
        self._looking.add(order.symbol)
        try:
            await until_answered(partial(self._look, order), self._clock, failed="earlier orders cannot be taken over yet")
        finally:
            self._looking.discard(order.symbol)
        name = order.client_order_id
        known = self._portfolio.resting.get(name) or self._portfolio.in_flight.get(name)
        return known if known is not None and is_news(known, report.state, report.executed_qty) else None

    async def _book(self, order: Order, report: ExecutionReport) -> Order:
        def extend(settled: Settled) -> None:
            plan = self._portfolio.plans.get(order.book)
            if plan is None:
                return
            resting = self._portfolio.resting_for(order.book)
            others = bound(leg for leg in resting if not _is_part(leg, order))
            settled.tell(plan, others)
            if not settled.position.is_open:  # also at the end of an order without a fill: what it left is too little for another
                rests = others > ZERO or bool(self._portfolio.entries_for(order.book))
                settled.batch.plans.append(emptied(plan, self._clock.now(), rests=rests))
            elif settled.order.executed_qty > order.executed_qty:
                after = self._after_leg(plan, order, settled)
                is_over = settled.order.state is OrderState.FILLED and remaining(after, settled.instrument).is_empty
                settled.batch.plans.append(closed(after, self._clock.now()) if is_over else after)

        settled = await self._settlement.settle(order, report, extend)
        return settled if settled is not None else await self._give_up(order)

    def _after_leg(self, plan: TradePlan, before: Order, settled: Settled) -> TradePlan:
        """Returns the plan once one of its orders has sold more than `before`: a target has sold its share, for which the stop
        may move, or a part of it."""
        after = after_target(plan, before, settled.order, settled.instrument)
        if after is plan:
            return plan
        return after_first_target(after, settled.order, settled.position, settled.instrument, self._clock.now())

    async def _give_up(self, order: Order) -> Order:
        """Ends an order of whose symbol the exchange knows nothing any more."""
        gone = self._writer.move(order, OrderState.EXPIRED, reason=reason("fate_unknown", symbol=order.symbol))
        await self._writer.commit(await self._settlement.end_unheard(gone))
        return gone

    async def _look_at_plan(self, order: Order, booked: Sequence[Order]) -> None:
        """Commits that a position has lost its protection: the orders of a list have ended, and sold less than they were for; or
        the target has sold a part, with which the exchange ended the stop."""
        plan, position = self._portfolio.plans.get(order.book), self._portfolio.position(order.book)
        sold = {one.client_order_id: one.executed_qty for one in booked}  # the last that was booked of each: it goes on to fill
        is_done = sum(sold.values(), ZERO) >= order.qty
        if plan is None or not position.is_open or is_done:
            return
        instrument = await self._writer.instrument(order.symbol)
        if is_whole(remaining(plan, instrument), self._portfolio.resting_for(order.book)):
            return
        now, why = self._clock.now(), reason("protection_ended", status=order.state if order.state.final else booked[0].state)
        left = [leg for leg in self._portfolio.resting_for(order.book) if leg is booked[0] or _same_list(leg, order)]
        if any(is_stop(leg) for leg in left):
            return
        if left:  # it is placed anew at once, and told only if that fails
            await self._writer.commit(CommitBatch(plans=[exposed(plan, now)]))
            return
        after, event = lost(plan, position.qty, now, why)
        await self._writer.commit(CommitBatch(plans=[after], events=[event]))


def _is_part(leg: Order, order: Order) -> bool:
    return leg.client_order_id == order.client_order_id or _same_list(leg, order)


def _same_list(leg: Order, order: Order) -> bool:
    return order.list_id is not None and leg.list_id == order.list_id


def is_stop(order: Order) -> bool:
    """Tells whether the order is a plan's stop."""
    return order.leg is not None and order.leg.kind is LegKind.STOP
