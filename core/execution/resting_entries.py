"""Entries that rest at a limit: their fills are booked and protected, and they are taken off when they may rest no longer."""

import structlog

from core.domain.events.entries import EntryChased, EntryFilledPartly, EntryMissed
from core.domain.events.orders import OrderFailed
from core.domain.events.table import Event
from core.domain.money import ZERO
from core.domain.order import MET_OURS, ExecutionReport, Order
from core.domain.order_state_machine import OrderState
from core.domain.reasons import Reason, reason
from core.domain.signal import Side
from core.domain.strategy_book import StrategyBook
from core.execution.decision_service import DecisionService
from core.execution.order_writer import OrderWriter
from core.execution.placement import Placement
from core.execution.protection import Protection
from core.execution.purchase_plans import PurchasePlans
from core.execution.reconciler import FateUnknown, Reconciler
from core.execution.resting_orders import Ends, RestingOrders
from core.execution.settlement import Settled, Settlement
from core.policy.entries.ends import LEFT, OVER, TIMEOUT, Surroundings, why_ends
from core.policy.entries.follow_up import Market, follow_up, wants_more
from core.policy.exits.pending import after_purchase
from core.policy.exits.protection import is_news
from core.ports.clock import Clock
from core.records.commit_batch import CommitBatch
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)


class RestingEntries:
    """Follows entries that rest, in the mailbox of their symbol."""

    def __init__(
        self,
        *,
        reconciler: Reconciler,
        portfolio: Portfolio,
        market: MarketDataCache,
        decisions: DecisionService,
        writer: OrderWriter,
        settlement: Settlement,
        resting: RestingOrders,
        protection: Protection,
        purchases: PurchasePlans,
        placement: Placement,
        clock: Clock,
    ) -> None:
        self._reconciler = reconciler
        self._portfolio = portfolio
        self._market = market
        self._decisions = decisions
        self._writer = writer
        self._settlement = settlement
        self._resting = resting
        self._protection = protection
        self._purchases = purchases
        self._placement = placement
        self._clock = clock

    async def hear(self, report: ExecutionReport) -> bool:
        """Books a report on an entry that rests. Returns False if it is about no such entry."""
        order = self._portfolio.resting.get(report.client_order_id)
        if order is None or order.side is Side.SELL:
            return False
        if is_news(order, report.state, report.executed_qty):
            await self._book(order, report)
        return True

    async def ask(self, symbol: str) -> None:
        """Books what the entries of `symbol` have filled and nobody has heard of yet. What they have bought is about to turn out
        sold, so it is not protected."""
        for order in [one for one in self._portfolio.open_for(symbol) if one.side is Side.BUY]:
            found = await self._reconciler.find_out(order)
            if isinstance(found, ExecutionReport) and is_news(order, found.state, found.executed_qty):
                await self._book(order, found, leaving=True)

    async def forget(self, client_order_id: str) -> bool:
        """Ends an entry that the exchange has not known for a long time, unless it knows it again. Returns False if it is no
        entry that rests."""
        order = self._portfolio.resting.get(client_order_id)
        if order is None or order.side is Side.SELL:
            return False
        found = await self._reconciler.ask_once(order)
        if not isinstance(found, FateUnknown):
            return found is None or await self.hear(found)
        log.error("the exchange has forgotten an entry that rested there", client_order_id=client_order_id)
        gone = self._writer.move(order, OrderState.EXPIRED, reason=reason("entry_forgotten"))
        held = self._portfolio.position(order.book)
        await self._end_unheard(gone, EntryMissed(gone, held.qty if held.is_open else ZERO))
        return True

    def why_ends(self, order: Order) -> Reason | None:
        """Returns why an entry may rest no longer; None if it may."""
        around = Surroundings(
            position=self._portfolio.position(order.book),
            plan=self._portfolio.plans.get(order.book),
            exit_pending=order.book in self._portfolio.exits,
            trading_state=self._portfolio.trading_state_for(order.book),
            is_paused=order.signal.strategy in self._portfolio.strategy_pauses,
        )
        return why_ends(order, self._clock.now(), around)

    async def look_at(self, client_order_id: str) -> None:
        """Takes an entry off if it may rest no longer. One that has ended meanwhile, or was followed by another, is over. Raises
        LedgerUnavailable."""
        order = self._portfolio.resting.get(client_order_id)
        why = self.why_ends(order) if order is not None else None
        if order is not None and why is not None:
            await self._take_off(order, why)

    async def withdraw(self, book: StrategyBook, why: Reason, *, leaving: bool = False) -> None:
        """Takes the entries of `book` off that rest, and books what they filled meanwhile. What they have bought is not protected
        if the position is to be left now (`leaving`). Raises LedgerUnavailable."""
        while entries := self._portfolio.entries_for(book):
            await self._take_off(entries[0], why, leaving=leaving)

    async def cancel(self, client_order_id: str, why: Reason) -> Order | None:
        """Takes the entry with that id off, as `withdraw` does."""
        order = self._portfolio.resting.get(client_order_id)
        return None if order is None or order.side is Side.SELL else await self._take_off(order, why)

    async def recover(self, order: Order) -> None:
        """Finds out about an entry whose sender ended, and finishes it if it was being cancelled."""
        if order.state is OrderState.CANCEL_SUBMITTED:
            await self._finish(order)
        else:
            await self._placement.recover(order)

    async def _take_off(self, order: Order, why: Reason, *, leaving: bool = False) -> Order:
        """Cancels an entry: the intent is committed first, with the reason, by which a start knows how it goes on."""
        log.info("an entry is taken off", client_order_id=order.client_order_id, reason=str(why))
        going = self._writer.move(order, OrderState.CANCEL_SUBMITTED, reason=why)
        await self._writer.try_commit(CommitBatch(orders=[going]))
        return await self._finish(going, leaving=leaving)

    async def _finish(self, going: Order, *, leaving: bool = False) -> Order:
        ended: list[Order] = []

        async def book(order: Order, report: ExecutionReport) -> Order:
            ended.append(await self._book(order, report, leaving=leaving))
            return ended[-1]

        async def give_up(order: Order) -> Order:
            ended.append(await self._give_up(order))
            return ended[-1]

        await self._resting.finish_cancel([going], Ends(book, give_up))
        return ended[-1]

    async def _book(self, order: Order, report: ExecutionReport, *, leaving: bool = False) -> Order:
        """Books what an entry has filled, protects it, and sends what follows the entry if its time was over."""
        is_wanted = _is_wanted(order, report)
        refused = await self._decisions.chase_refusal(order.signal) if is_wanted else None
        market = await self._look_at_market(order.symbol) if is_wanted else Market(None)
        legs: list[Order] = []
        following: list[Order] = []

        def following_one(settled: Settled) -> Order | Reason | None:
            if not is_wanted or refused is not None:
                return refused
            beside = market.beside(legs)
            return follow_up(settled.order, settled.instrument, beside, self._portfolio.limits_for(order.book), self._clock.now())

        def extend(settled: Settled) -> None:
            found = following_one(settled)
            goes_on = isinstance(found, Order) or not settled.order.state.final
            legs.extend(self._purchases.after_purchase(settled, goes_on=goes_on, leaving=leaving))
            self._purchases.add_steps(settled, goes_on=goes_on or leaving)
            found = following_one(settled)  # what protects the purchase goes out first, and the exchange would end it for this
            following.extend([found] if isinstance(found, Order) else [])
            self._tell(order, report, settled, found)
            settled.batch.orders += following
            bought = settled.position.qty - self._portfolio.position(order.book).qty
            settled.batch.exits += after_purchase(self._portfolio.exits.get(order.book), bought)

        done = await self._settlement.settle(order, report, extend)
        if done is None:
            return await self._give_up(order)
        await self._protection.send(legs)
        for one in following:
            await self._placement.send(one)
        return done

    async def _give_up(self, order: Order) -> Order:
        """Ends an entry of whose symbol the exchange knows nothing any more."""
        gone = self._writer.move(order, OrderState.EXPIRED, reason=reason("fate_unknown", symbol=order.symbol))
        await self._end_unheard(gone, OrderFailed(gone))
        return gone

    async def _end_unheard(self, gone: Order, told: Event) -> None:
        """Ends an entry of which nothing more can be learned. What it has bought so far is booked."""
        batch = await self._settlement.end_unheard(gone)
        batch.plans += self._purchases.without_entry(gone)
        batch.events = batch.events or [told]
        await self._writer.commit(batch)

    async def _look_at_market(self, symbol: str) -> Market:
        await self._market.freshen([symbol])
        return Market(await self._market.fresh_quote(symbol)).beside(self._portfolio.offers_in(symbol))

    def _tell(self, before: Order, report: ExecutionReport, settled: Settled, found: Order | Reason | None) -> None:
        """Has what became of the entry told, and why it ended; `found` is what follows, or why nothing does."""
        order, events = settled.order, settled.batch.events
        if not order.state.final:
            if order.executed_qty and not before.executed_qty:
                events.append(EntryFilledPartly(order, settled.position.qty))
            return
        if order.state is not OrderState.FILLED:
            order = settled.because(found if isinstance(found, Reason) else _why_ended(before, report))
        if isinstance(found, Order):
            events.append(EntryChased(order, found))
        elif not order.executed_qty and not _is_expected(order):
            held = settled.position.qty if settled.position.is_open else ZERO
            events.append(EntryMissed(order, held))


def _why_ended(order: Order, report: ExecutionReport) -> Reason:
    """Returns why an entry that rested has ended. Where it met a sale of another strategy the exchange ended it, also if
    somebody was about to cancel it."""
    if report.expiry_reason == MET_OURS and not _is_expected(order):
        return reason("met_ours")
    return order.reason or reason("not_filled", status=report.state)


def _is_expected(order: Order) -> bool:
    """Tells whether nobody waits to hear of an entry that ended: a step ends with its position, whose end is told."""
    return order.signal.is_step and order.reason is not None and order.reason.code in {OVER, LEFT}


def _is_wanted(order: Order, report: ExecutionReport) -> bool:
    """Tells whether what an entry did not buy is wanted otherwise: its time was over, and some of it is left."""
    timed_out = order.reason is not None and order.reason.code == TIMEOUT
    return timed_out and wants_more(order) and report.state.final and report.state is not OrderState.FILLED
