"""Adopts an order of this ledger that the exchange has and the ledger has lost: after a crash that took its last commits, or
after an older copy was restored."""

from dataclasses import replace

import structlog

from core.domain.approval import Approval, ApprovalState
from core.domain.events.approvals import ApprovalClosed
from core.domain.events.orders import OrderAdopted
from core.domain.messages import Message, OrderFound, StoredMessage
from core.domain.money import ZERO, divide
from core.domain.order import ExecutionReport, Order, as_placed
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import AT_MARKET
from core.domain.plan_leg import LegKind, PlanLeg, leg_of
from core.domain.reasons import Reason, reason
from core.domain.signal import ADOPTED, Side, Signal, naming
from core.domain.strategy_book import StrategyBook, strategy_of
from core.execution.order_writer import OrderWriter
from core.execution.placement import Placement
from core.execution.resting_entries import RestingEntries
from core.execution.resting_orders import RestingOrders
from core.policy.entries.placing import with_expiry
from core.policy.exits.breakeven import as_at_exchange
from core.policy.exits.protection import bound, exposed, price_of
from core.policy.order_ownership import Ours, Whose, whose
from core.ports.clock import Clock
from core.ports.ledger import Ledger
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)


def found_message(report: ExecutionReport, clock: Clock) -> Message:
    """Returns the message that reports it. An order is found once, however often it is seen."""
    return Message(ADOPTED, f"{report.symbol}:{report.order_id}", report.symbol, OrderFound(report), clock.now())


AGAIN_SECONDS = 60.0
"""Minimum seconds between two attempts to adopt an order after a failed one."""


def found_again(report: ExecutionReport, clock: Clock) -> Message:
    """Returns the message that retries the adoption of an order. It has an identity of its own in each span of time, so that
    neither a crash nor many looks at once multiply one attempt."""
    first, span = found_message(report, clock), int(clock.now().timestamp() // AGAIN_SECONDS)
    return replace(first, source_id=f"{first.source_id}:{span}")


def not_adopted(report: ExecutionReport) -> Reason:
    """Returns the reason why entries of the symbol are halted while the order of `report` could not be adopted."""
    return reason("not_adopted", order_id=report.order_id)


class OrderAdoption:
    """Adopts orders in the symbol's mailbox, like everything that trades there."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        portfolio: Portfolio,
        market: MarketDataCache,
        placement: Placement,
        resting: RestingOrders,
        entries: RestingEntries,
        writer: OrderWriter,
        clock: Clock,
        trading_mode: str,
    ) -> None:
        self._ledger = ledger
        self._portfolio = portfolio
        self._market = market
        self._placement = placement
        self._resting = resting
        self._entries = entries
        self._writer = writer
        self._clock = clock
        self._trading_mode = trading_mode

    async def take_over(self, stored: StoredMessage, report: ExecutionReport) -> Reason | None:
        """Commits the order with its fills, fees and position, and the outcome of `stored`. Returns the reason if there is
        nothing to adopt any more, and commits nothing then. Raises LedgerUnavailable."""
        name = report.client_order_id
        known = (await self._ledger.find_orders([name])).get(name)
        if whose(report, known, Ours(self._portfolio.mark, self._portfolio.acknowledged)) is not Whose.LOST:
            return reason("already_ordered", order_id=known.order_id if known is not None else report.order_id)
        log.warning("adopting an order that the ledger had lost", client_order_id=name, order_id=report.order_id)
        if report.side is Side.SELL:
            await self._entries.ask(report.symbol)  # it sold what was bought before: that is booked first
        # Nothing was held when an entry was sent: what had sold that is booked first. And what a sale leaves is protected anew at
        # once: what others have sold meanwhile must be gone by then.
        await self._resting.ask(report.symbol)
        now = self._clock.now()
        batch = CommitBatch(outcomes=[MessageOutcome(stored.seq, "done", now)])
        if known is not None:
            # It was decided again, differently from before; the exchange's record is what became of it.
            order = replace(as_placed(known, report), state=OrderState.ACCEPTED, order_id=report.order_id, updated_at=now)
            order = with_expiry(replace(order, reason=None), report.at)
            batch.outcomes.append(MessageOutcome(known.inbox_seq, "ordered", now))
            batch.approvals += self._withdrawn(known, report, batch)
        else:
            order = self._order(stored.seq, report)
        batch.events.append(OrderAdopted(order))
        if order.leg is not None and order.protects:
            await self._adopt_leg(order, order.leg, batch, report)
        else:
            await self._placement.adopt(order, batch, report)
        return None

    async def _adopt_leg(self, order: Order, leg: PlanLeg, batch: CommitBatch, report: ExecutionReport) -> None:
        """Adopts an order that protects a position: it rests on, what it filled is booked, and a stop that had moved up stays
        there. Its id is not used again. If more than is held is in orders then, as others were placed meanwhile, all are placed
        anew: they would sell the owner's own coins."""
        plan = self._portfolio.plans.get(order.book)
        if plan is not None and plan.plan_id == leg.plan_id and plan.generation <= leg.generation + 1:  # its newest orders
            instrument = self._market.instrument(order.symbol)
            moved = plan if instrument is None else as_at_exchange(plan, order, instrument)
            batch.plans.append(replace(moved, generation=leg.generation + 1))
        batch.orders.append(order)
        await self._writer.try_commit(batch)
        await self._resting.hear(report)
        plan, held = self._portfolio.plans.get(order.book), self._portfolio.position(order.book).qty
        if plan is not None and bound(self._portfolio.resting_for(order.book)) > held:
            await self._writer.commit(CommitBatch(plans=[exposed(plan, self._clock.now())]))

    def _order(self, seq: int, report: ExecutionReport) -> Order:
        """Returns the order as far as the exchange knows it; nobody knows which signal it came from."""
        terms, strategy = report.terms or AT_MARKET, strategy_of(report.strategy_number, self._portfolio.strategies)
        price = divide(report.quote_qty, report.executed_qty) if report.executed_qty else terms.limit_price or ZERO
        leg = leg_of(report.client_order_id)
        if leg is not None and not (leg.kind is LegKind.ENTRY or terms.may_rest):
            leg = None  # a sale that the plan made itself
        if leg is not None and leg.kind is not LegKind.ENTRY:
            price = price_of(self._portfolio.plans.get(StrategyBook(report.symbol, strategy)), leg, terms)
        in_list = leg is not None and leg.kind is not LegKind.ENTRY
        kind = "BUY_ADOPTED" if report.side is Side.BUY else "SELL_ADOPTED"
        return Order(
            client_order_id=report.client_order_id,
            signal=Signal(ADOPTED, report.client_order_id, kind, report.symbol, price, report.at, naming(strategy)),
            inbox_seq=seq,
            side=report.side,
            qty=report.qty or report.executed_qty,
            price=price,
            state=OrderState.ACCEPTED,
            trading_mode=self._trading_mode,
            created_at=report.at,
            updated_at=self._clock.now(),
            order_id=report.order_id,
            terms=terms,
            leg=leg,
            list_id=replace(leg, kind=LegKind.LIST).client_order_id if leg is not None and in_list else None,
        )

    def _withdrawn(self, known: Order, report: ExecutionReport, batch: CommitBatch) -> list[Approval]:
        """Withdraws the approval of an order that is placed already, which needs no answer any more."""
        pending = self._portfolio.approval_for(known.book)
        if pending is None or pending.inbox_seq != known.inbox_seq:
            return []
        closed = replace(pending, state=ApprovalState.WITHDRAWN, decided_at=self._clock.now())
        instrument = self._market.instrument(known.symbol)
        assets = (instrument.base, instrument.quote) if instrument is not None else (known.symbol, "")
        batch.events.append(ApprovalClosed(closed, *assets, reason("already_ordered", order_id=report.order_id)))
        return [closed]
