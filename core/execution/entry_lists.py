"""Sends entries together with their exits, and finds out what became of the exits."""

from dataclasses import replace

from core.domain.order import (
    EntryList,
    ExecutionReport,
    LegRequest,
    ListPlaced,
    Order,
    OrderRequest,
    PlaceResult,
)
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import TimeInForce, within
from core.domain.plan_leg import LegKind
from core.domain.reasons import Reason
from core.domain.signal import Side
from core.domain.trade_plan import PlanState, TradePlan
from core.execution.order_writer import OrderWriter
from core.execution.protection import Protection
from core.policy.entries.way import Together, together
from core.policy.exits.plan_choice import plan_of
from core.ports.clock import Clock
from core.ports.venue import Venue
from core.records.commit_batch import CommitBatch
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio


class EntryLists:
    """Carries out entries that bring their exits, in the mailbox of their symbol. The exits are committed with the entry, before
    both are sent; they are booked by what the exchange says of each of them, once the entry has ended."""

    def __init__(
        self,
        *,
        venue: Venue,
        portfolio: Portfolio,
        market: MarketDataCache,
        writer: OrderWriter,
        protection: Protection,
        clock: Clock,
    ) -> None:
        self._venue = venue
        self._portfolio = portfolio
        self._market = market
        self._writer = writer
        self._protection = protection
        self._clock = clock

    def begin(self, order: Order, batch: CommitBatch) -> Order:
        """Adds the plan of an entry that is about to be sent to `batch`, and the exits that it is to bring. Returns the entry as
        it is sent. What adds to a position protects nothing before it has filled. Awaits nothing."""
        exits = plan_of(order.signal, self._portfolio.limits_for(order.book)) if order.side is Side.BUY else None
        if exits is None or order.book in self._portfolio.plans or self._portfolio.position(order.book).is_open:
            return self._with_exits(order, None, batch)
        now = self._clock.now()
        plan = TradePlan(order.client_order_id, order.symbol, exits, PlanState.ENTERING, order.price, now, order.inbox_seq)
        return self._with_exits(order, replace(plan, strategy=order.signal.strategy), batch)

    def _with_exits(self, order: Order, plan: TradePlan | None, batch: CommitBatch) -> Order:
        """Adds the exits of an entry that is to bring them, and its plan. Without them it takes what it can get."""
        found = self._together(order, plan)
        if found is None:
            batch.plans += [plan] if plan is not None else []
            return _alone(order)
        batch.plans.append(found.plan)
        batch.orders += found.exits
        return found.entry

    def _together(self, order: Order, plan: TradePlan | None) -> Together | None:
        instrument = self._market.instrument(order.symbol)
        if not _wants_all(order) or instrument is None or plan is None:
            return None
        return together(order, plan, instrument, self._clock.now())

    def again(self, order: Order, why: Reason) -> CommitBatch:
        """Returns the commit that has an entry placed anew which was certainly not placed, for the reason `why`: its exits of
        before are over, and others go with it. The entry is its first order."""
        plan = self._portfolio.plans.get(order.book)
        ended, batch = self.withdrawn(order, why), CommitBatch()
        is_its_plan = plan is not None and plan.plan_id == order.client_order_id
        entry = self._with_exits(replace(order, list_id=None), plan if is_its_plan else None, batch)
        batch.orders = [entry, *ended, *batch.orders]
        return batch

    def apart(self, order: Order, why: Reason) -> CommitBatch:
        """Returns the commit that has an entry sent alone, because the exchange refuses it with its exits."""
        entry = _alone(self._writer.move(order, OrderState.SUBMITTED, reason=why))
        return CommitBatch(orders=[entry, *self.withdrawn(order, why)])

    def withdrawn(self, order: Order, why: Reason | None) -> list[Order]:
        """Returns the exits of an entry that the exchange never got, as ended: they were never orders."""
        return [self._writer.move(leg, OrderState.CANCELED, reason=why) for leg in self._exits(order)]

    async def send(self, order: Order) -> PlaceResult:
        """Sends an entry with its exits. Returns what is said of the entry: what is said of the others is of before it filled."""
        mark = self._portfolio.mark
        legs = {leg.leg.kind: LegRequest(leg.client_order_id, leg.terms) for leg in self._exits(order) if leg.leg is not None}
        entry = OrderRequest(order.client_order_id, order.symbol, order.side, order.qty, mark, order.terms, order.signal.strategy)
        request = EntryList(order.list_id or "", entry, legs.get(LegKind.TARGET), legs.get(LegKind.STOP))
        answer = await self._venue.place_entry(request)
        return _of_entry(answer, order) if isinstance(answer, ListPlaced) else answer

    async def follow(self, order: Order) -> None:
        """Finds out what became of the exits of an entry that has ended, and commits it: a list that was taken does not mean that
        its exits rest."""
        if exits := self._exits(order):
            await self._protection.find_out(exits)

    def _exits(self, order: Order) -> list[Order]:
        """Returns the exits of an entry whose fate is unknown."""
        under_way = self._portfolio.in_flight.values()
        return [leg for leg in under_way if leg.protects and order.list_id is not None and leg.list_id == order.list_id]


def _wants_all(order: Order) -> bool:
    return order.terms.time_in_force is TimeInForce.FOK and order.signal.entry is None


def _alone(order: Order) -> Order:
    """Returns the entry without exits. One that was to fill whole takes what it can get: its exits follow for that."""
    limit_price = order.terms.limit_price
    terms = within(limit_price) if _wants_all(order) and limit_price is not None else order.terms
    return replace(order, terms=terms, list_id=None)


def _of_entry(answer: ListPlaced, order: Order) -> ExecutionReport:
    return next(report for report in answer.reports if report.client_order_id == order.client_order_id)
