"""Places what a plan wants on the exchange, right after its entry and whenever the position lacks it."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from itertools import groupby

import structlog

from core.domain.errors import ExchangeUnavailable
from core.domain.events.orders import OrderUnanswered
from core.domain.events.protection import PlanChanged, ProtectionFailed, ProtectionRestored
from core.domain.instrument import Instrument
from core.domain.order import (
    ExecutionReport,
    ListPlaced,
    ListRequest,
    NotTaken,
    Order,
    PlaceListResult,
    Rejected,
    Unanswered,
    as_placed,
)
from core.domain.order_state_machine import OrderState
from core.domain.position import Position
from core.domain.reasons import Reason, reason
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import PlanState, TradePlan
from core.execution.fence import Fence
from core.execution.first_sending import FirstSending
from core.execution.last_trades import LastTrades
from core.execution.ledger_patience import until_answered
from core.execution.order_writer import OrderWriter
from core.execution.reconciler import FateUnknown, NeverPlaced, Reconciler
from core.execution.resting_orders import Look, RestingOrders, is_stop
from core.policy.entries.purchase import emptied
from core.policy.exits.bracket_check import Bracket, OpenOrders
from core.policy.exits.breakeven import as_at_exchange
from core.policy.exits.protection import (
    at_prices,
    carry_out,
    closed,
    exposed,
    failed,
    guarded,
    is_whole,
    legs_of,
    lost,
    parts_of,
    reached,
)
from core.policy.exits.requests import open_beside, request_for
from core.policy.exits.targets import remaining
from core.policy.exits.too_little import stays_unsold
from core.ports.clock import Clock
from core.ports.venue import Venue
from core.records.commit_batch import CommitBatch
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)


class Protection:
    """Carries out plans, in the mailbox of their symbol. Each (plan, leg, generation) is sent at most once: an attempt that
    failed is followed by one of the next generation."""

    def __init__(
        self,
        *,
        venue: Venue,
        portfolio: Portfolio,
        reconciler: Reconciler,
        writer: OrderWriter,
        resting: RestingOrders,
        first: FirstSending,
        look: Look,
        market: MarketDataCache,
        clock: Clock,
        trading_mode: str,
    ) -> None:
        """Builds it. `look` takes over what the ledger has lost in an order's symbol; it raises LedgerUnavailable."""
        self._venue = venue
        self._look = look
        self._market = market
        self._portfolio = portfolio
        self._reconciler = reconciler
        self._writer = writer
        self._resting = resting
        self._first = first
        self._last_trades = LastTrades(portfolio)
        self._clock = clock
        self._trading_mode = trading_mode

    def intend(
        self, plan: TradePlan, position: Position, instrument: Instrument, price: Decimal, batch: CommitBatch
    ) -> list[Order]:
        """Adds to `batch` what the plan needs now that `position` is held, none of it in orders, and the market at `price`
        (quote asset). Returns the orders to send once that is committed."""
        now = self._clock.now()
        if not position.is_open:
            batch.plans.append(emptied(plan, now, rests=bool(self._portfolio.entries_for(plan.book))))
            return []
        plan = exposed(plan, now)
        if self._is_leaving(position.book, batch):
            batch.plans.append(plan)
            return []
        found = self._parts_of(plan, position, instrument, price)
        if isinstance(found, Reason):
            self._fail(plan, found, batch)
            return []
        if not found:  # there is only a time limit
            batch.plans.append(guarded(plan))
            return []
        legs = legs_of(plan, found, self._trading_mode, now)
        batch.plans.append(replace(plan, generation=plan.generation + 1))
        batch.orders += legs
        return legs

    def _is_leaving(self, book: StrategyBook, batch: CommitBatch) -> bool:
        """Tells whether an exit of the whole position is pending: nothing is bound in orders then. While a person is asked about
        it the position stays protected."""
        if self._portfolio.approval_for(book) is not None:
            return False
        after = [one for one in batch.exits if one.book == book]
        pending = after[-1] if after else self._portfolio.exits.get(book)
        return pending is not None and pending.is_open

    async def guard(self, book: StrategyBook) -> None:
        """Protects the position of `book` as its plan wants, if it is not. What rests is taken off only if everything could be
        placed anew. Raises LedgerUnavailable."""
        plan = self._portfolio.plans.get(book)
        if plan is None or self._is_leaving(book, CommitBatch()):
            return
        if not self._portfolio.position(book).is_open:
            if not self._portfolio.entries_for(book):  # which are taken off first: they may fill until then
                await self._close(book)
            return
        instrument = await self._writer.instrument(book.symbol)
        if plan.state is PlanState.EXPOSED:
            await self._guard(plan, instrument)
        elif not is_whole(remaining(plan, instrument), self._portfolio.resting_for(book)):
            await self._guard(await self._lost_protection(plan), instrument)

    async def _guard(self, plan: TradePlan, instrument: Instrument) -> None:
        symbol = plan.symbol
        await self._market.freshen([symbol])  # the price of a moment ago may be on the other side of the stop
        quote = await self._market.fresh_quote(symbol)
        if quote is None:
            await self._put_off(plan, reason("price_unknown", symbol=symbol))
            return
        if plan.why is not None and stays_unsold(plan, self._portfolio.position(plan.book).qty, instrument, quote.bid):
            await self._put_off(plan, plan.why)
            return
        if reached(at_prices(plan, instrument), quote.bid) is not None:
            return  # the position is sold instead: see `core.engine.protection_timer`
        if (why := self._obstacle(plan, instrument, quote.bid)) is not None:
            await self._put_off(plan, why)
            return
        if await self._may_replace(plan):
            await self._replace(plan.book, instrument, quote.bid)

    async def _replace(self, book: StrategyBook, instrument: Instrument, price: Decimal) -> None:
        """Takes off what rests, and places what the plan wants."""
        await self._resting.take_off(book)
        if (left := self._portfolio.plans.get(book)) is None:
            return
        batch = CommitBatch()
        legs = self.intend(left, self._portfolio.position(book), instrument, price, batch)
        await self._writer.try_commit(batch)
        await self.send(legs)

    async def _lost_protection(self, plan: TradePlan) -> TradePlan:
        """Commits that the orders of a plan have ended: a process that had booked their end did not live to say so."""
        held = self._portfolio.position(plan.book).qty
        after, event = lost(plan, held, self._clock.now(), reason("protection_gone"))
        await self._writer.try_commit(CommitBatch(plans=[after], events=[event]))
        return after

    async def _may_replace(self, plan: TradePlan) -> bool:
        """Tells whether what rests may be taken off: what replaces it would be sent at once. For some seconds after a start it
        would be held back, as an earlier process may have sent it."""
        if not (self._portfolio.resting_for(plan.book) and self._first.may_be_known(plan)):
            return True
        try:
            return await self._first.is_past()
        except ExchangeUnavailable as error:
            log.warning("what protects a position is not replaced yet", symbol=plan.symbol, error=str(error))
            return False

    def _obstacle(self, plan: TradePlan, instrument: Instrument, price: Decimal) -> Reason | None:
        """Returns why the orders of the plan could not be placed now, were nothing of the position bound."""
        if not instrument.trading:
            return reason("not_trading", symbol=plan.symbol, status=instrument.status)
        found = self._parts_of(plan, self._portfolio.position(plan.book), instrument, price)
        return found if isinstance(found, Reason) else None

    def _parts_of(
        self, plan: TradePlan, position: Position, instrument: Instrument, price: Decimal
    ) -> tuple[Bracket, ...] | Reason:
        """Returns the orders that the plan needs for `position` with the market at `price`, or why they cannot rest."""
        last = self._last_trades.refused_at(plan.book)
        return parts_of(plan, position, instrument, price, self._beside(plan), passed_too=True, last=last)

    def _beside(self, plan: TradePlan) -> OpenOrders:
        """Returns the open orders on the plan's symbol that are none of its own: the exchange's limits count all strategies'."""
        orders = (*self._portfolio.in_flight.values(), *self._portfolio.resting.values())
        return open_beside(order for order in orders if order.symbol == plan.symbol and order.book != plan.book)

    async def _close(self, book: StrategyBook) -> None:
        """Takes off what rests, and ends the plan: its position is gone."""
        await self._resting.take_off(book)
        if (plan := self._portfolio.plans.get(book)) is not None:
            await self._writer.try_commit(CommitBatch(plans=[closed(plan, self._clock.now())]))

    async def _put_off(self, plan: TradePlan, why: Reason) -> None:
        batch = CommitBatch()
        self._fail(plan, why, batch)
        await self._writer.try_commit(batch)

    async def recover(self, symbol: str) -> None:
        """Finds out about the legs in `symbol` whose sender ended, and finishes what was being cancelled."""
        legs = [order for order in self._portfolio.in_flight.values() if order.symbol == symbol and order.protects]
        await self._resting.finish_cancel([leg for leg in legs if leg.state is OrderState.CANCEL_SUBMITTED])
        sent = [leg for leg in legs if leg.state is not OrderState.CANCEL_SUBMITTED]
        for _, some in groupby(sent, key=_list_of):
            await self.find_out(list(some), self._first.fence())

    async def send(self, legs: Sequence[Order]) -> None:
        """Sends orders whose intent is committed, list by list, and commits what became of them."""
        if legs and await self._was_sold(legs):
            await self._size_anew(legs)
            return
        for _, some in groupby(legs, key=_list_of):
            await self._send_list(list(some))

    async def _send_list(self, legs: list[Order]) -> None:
        answer = await self._before(legs) or await self._place(legs)
        match answer:
            case ListPlaced(reports):
                await self._placed(legs, reports)
            case Rejected(why):
                await self._not_placed(legs, why)
            case NotTaken(why, retry_after):
                await self._not_placed(legs, why, retry_after)
            case Unanswered(detail):
                log.warning("no answer to the orders that protect a position", detail=detail)
                legs = [self._writer.move(leg, OrderState.UNKNOWN, reason=reason("unanswered")) for leg in legs]
                await self._writer.commit(CommitBatch(orders=legs, events=[OrderUnanswered(legs[-1])]))
                await self.find_out(legs)

    async def _was_sold(self, legs: Sequence[Order]) -> bool:
        """Tells whether the position is another one once what the ledger has lost is taken over: a ledger that was set back has
        forgotten a sale, and these orders would sell other coins. Nothing is asked about an entry that this process sent."""
        book = legs[0].book
        plan, held = self._portfolio.plans.get(book), self._portfolio.position(book).qty
        if plan is None or not self._first.may_be_known(plan):
            return False
        await until_answered(partial(self._look, legs[0]), self._clock, failed="earlier orders cannot be taken over yet")
        return self._portfolio.position(book).qty != held

    async def _size_anew(self, legs: Sequence[Order]) -> None:
        """Commits that these orders are not sent; the position, if it is still open, is protected at once as it is now."""
        why, plan = reason("lost_sale"), self._portfolio.plans.get(legs[0].book)
        orders = [self._writer.move(leg, OrderState.REJECTED, reason=why) for leg in legs]
        plans = [exposed(plan, self._clock.now())] if plan is not None else []
        await self._writer.commit(CommitBatch(orders=orders, plans=plans))

    async def _before(self, legs: Sequence[Order]) -> ListPlaced | Rejected | None:
        """Returns what the exchange already has of these orders: a ledger that was set back has forgotten that they were sent.
        None if they may be sent: what another process sent before this one took the ledger can no longer arrive, nor be hidden by
        a database that lags. Nothing is asked about an entry that this process sent."""
        plan = self._portfolio.plans.get(legs[0].book)
        if plan is None or not self._first.may_be_known(plan):
            return None
        match await self._ask(legs, self._first.fence()):
            case NeverPlaced(other):
                return Rejected(reason("placed_by_other", order_id=other.order_id)) if other is not None else None
            case FateUnknown():
                return Rejected(reason("fate_unknown", symbol=plan.symbol))
            case placed:
                return placed

    async def _place(self, legs: Sequence[Order]) -> PlaceListResult:
        request = request_for(legs, self._portfolio.mark)
        if isinstance(request, ListRequest):
            return await self._venue.place_list(request)
        answer = await self._venue.place(request)
        return ListPlaced((answer,)) if isinstance(answer, ExecutionReport) else answer

    async def find_out(self, legs: Sequence[Order], fence: Fence | None = None) -> None:
        """Finds out about the legs of one list that were sent, maybe, and commits what became of them. Lists that were all sent
        before share a `fence`."""
        match await self._ask(legs, fence):
            case ListPlaced(reports):
                await self._placed(legs, reports)
            case NeverPlaced():
                await self._not_placed(legs, reason("protection_not_placed"))
            case FateUnknown():
                await self._not_placed(legs, reason("fate_unknown", symbol=legs[0].symbol))

    async def _ask(self, legs: Sequence[Order], fence: Fence | None) -> ListPlaced | NeverPlaced | FateUnknown:
        """Returns what became of the legs of one list. It is placed whole or not at all: nobody can have a leg of it without the
        others."""
        reports: list[ExecutionReport] = []
        for leg in legs:
            found = await self._reconciler.find_out(leg, fence)
            if not isinstance(found, ExecutionReport):
                return found
            reports.append(found)
        return ListPlaced(tuple(reports))

    async def _placed(self, legs: Sequence[Order], reports: Sequence[ExecutionReport]) -> None:
        """Commits that the legs rest; one that has ended already is settled like any that is heard of later."""
        named = {report.client_order_id: report for report in reports}
        resting = [
            self._writer.move(as_placed(leg, report), OrderState.ACCEPTED, order_id=report.order_id, reason=None)
            for leg in legs
            for report in [named[leg.client_order_id]]
        ]
        await self._writer.commit(CommitBatch(orders=resting, plans=self._moved(legs, resting)))
        for report in sorted(reports, key=lambda one: one.executed_qty, reverse=True):
            await self._resting.hear(report)
        plan = self._portfolio.plans.get(legs[0].book)
        if plan is not None and any(report.is_pending for report in reports):  # they are taken off, and placed anew
            await self._put_off(plan, reason("exits_wait"))
        else:
            await self._is_guarded(legs[0].book)

    def _moved(self, legs: Sequence[Order], resting: Sequence[Order]) -> list[TradePlan]:
        """Returns the plan where the exchange has a stop of it higher than `legs` were to have it: an earlier process had moved
        it, and the ledger has lost that."""
        plan, instrument = self._portfolio.plans.get(legs[0].book), self._market.instrument(legs[0].symbol)
        if plan is None or instrument is None:
            return []
        moved = plan
        for leg, placed in zip(legs, resting, strict=True):
            if placed.terms != leg.terms:
                moved = as_at_exchange(moved, placed, instrument)
        return [] if moved is plan else [moved]

    async def _is_guarded(self, book: StrategyBook) -> None:
        """Commits that the position is protected, once nothing of its protection is missing."""
        plan = self._portfolio.plans.get(book)
        if plan is None or any(order.protects for order in self._portfolio.in_flight.values() if order.book == book):
            return
        instrument, resting = await self._writer.instrument(book.symbol), self._portfolio.resting_for(book)
        if not carry_out(plan, self._portfolio.position(book), resting, instrument):
            return  # it stays exposed, and is placed anew
        self._last_trades.forget(book)
        batch = CommitBatch(plans=[guarded(plan)])
        if plan.why is not None:
            batch.events.append(ProtectionRestored(book.symbol, plan.inbox_seq, strategy=book.strategy))
        if plan.change is not None and plan.change.is_told:
            batch.events.append(PlanChanged(book.symbol, at_prices(plan, instrument), plan.change, plan.inbox_seq))
        await self._writer.commit(batch)

    async def _not_placed(self, legs: Sequence[Order], why: Reason, retry_after: float = 0.0) -> None:
        log.warning("a position could not be protected on the exchange", symbol=legs[0].symbol, reason=str(why))
        batch = CommitBatch(orders=[self._writer.move(leg, OrderState.REJECTED, reason=why) for leg in legs])
        plan = self._portfolio.plans.get(legs[0].book)
        if plan is not None and self._last_trades.explain(legs, why, self._market.instrument(plan.symbol)):
            batch.plans.append(exposed(plan, self._clock.now()))  # tried again at once, and told only if that fails
        elif plan is not None:
            self._fail(plan, why, batch, retry_after)
        await self._writer.commit(batch)

    def _fail(self, plan: TradePlan, why: Reason, batch: CommitBatch, retry_after: float = 0.0) -> None:
        """Adds an attempt that failed; it is told when its reason is new."""
        now = self._clock.now()
        after = failed(plan, now, why, retry_after)
        batch.plans.append(after)
        if plan.why is None or plan.why.code != why.code:
            held, since = self._portfolio.position(plan.book).qty, after.exposed_since or now
            failure = ProtectionFailed(plan.symbol, held, since, why, plan.inbox_seq, strategy=plan.strategy)
            batch.events.append(replace(failure, stop_stays=self._stop_stays(plan)))

    def _stop_stays(self, plan: TradePlan) -> Decimal | None:
        """Returns where an earlier stop of the plan still rests that could not be moved; None if none does."""
        if plan.change is None:
            return None
        stops = [order.terms.stop_price for order in self._portfolio.resting_for(plan.book) if is_stop(order)]
        return stops[0] if stops else None


def _list_of(leg: Order) -> str:
    return leg.list_id or leg.client_order_id
