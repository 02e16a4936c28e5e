"""The plan of a position after each purchase: what is committed with it, and which orders are sent then."""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from core.domain.errors import LedgerUnavailable
from core.domain.instrument import Instrument
from core.domain.messages import Message
from core.domain.order import Order
from core.domain.position import Position
from core.domain.signal import Side
from core.domain.trade_plan import PlanState, TradePlan
from core.execution.protection import Protection
from core.execution.settlement import Settled
from core.policy.entries.adding import after_adding, is_added, plan_at_fill
from core.policy.entries.purchase import after_purchase, is_of_limit, missed, plan_id_of
from core.policy.entries.steps import sold_again, steps_after
from core.policy.entries.way import after_entry, is_together
from core.policy.exits.protection import exposed
from core.ports.clock import Clock
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)


class PurchasePlans:
    """Says what plans need after entries, in the mailbox of their symbol."""

    def __init__(self, *, portfolio: Portfolio, market: MarketDataCache, protection: Protection, clock: Clock) -> None:
        self._portfolio = portfolio
        self._market = market
        self._protection = protection
        self._clock = clock

    def after(self, settled: Settled) -> list[Order]:
        """Adds to what is about to be committed what the plan needs after an entry, or after an exit that left something, and the
        steps that follow an entry. Returns the orders to send then."""
        self.add_steps(settled, goes_on=not settled.order.state.final)
        return self._after(settled)

    def _after(self, settled: Settled) -> list[Order]:
        order, plan = settled.order, self._portfolio.plans.get(settled.order.book)
        if plan is None or is_added(plan, order):
            return self._after_adding(plan, settled)
        if is_of_limit(order):
            return self.after_purchase(settled, goes_on=not order.state.final)
        if is_together(order) and plan.plan_id == order.client_order_id:
            plan = after_entry(plan, order, self._clock.now())
            settled.tell(plan)
            settled.batch.plans.append(plan)
            return []
        if plan.plan_id == order.client_order_id:
            plan = replace(plan, entry_price=order.average_price)
            settled.tell(plan)
        return self._protection.intend(plan, settled.position, settled.instrument, order.average_price, settled.batch)

    def _after_adding(self, plan: TradePlan | None, settled: Settled, *, leaving: bool = False) -> list[Order]:
        """Adds to what is about to be committed what the plan needs after a report on an order that adds to the position: what
        rests stays until the plan is carried out anew for all of it. Returns the orders to send where none rest yet."""
        order, position, instrument, now = settled.order, settled.position, settled.instrument, self._clock.now()
        if not settled.batch.fills:
            return []
        if plan is None:
            made = plan_at_fill(order, position, self._portfolio.limits_for(order.book))
            if made is None or leaving:
                return []
            settled.tell(made)
            if self._portfolio.resting_for(order.book):  # for a plan that a ledger that was set back has lost
                settled.batch.plans.append(exposed(made, now))
                return []
            return self._protection.intend(made, position, instrument, order.average_price, settled.batch)
        plan = after_adding(plan, order, position, instrument, before=self._portfolio.position(order.book), now=now)
        settled.tell(plan)
        settled.batch.plans.append(exposed(plan, now))
        return []

    def add_steps(self, settled: Settled, *, goes_on: bool) -> None:
        """Adds to what is about to be committed the steps of an entry that has come to its end, unless it `goes_on`; and the exit
        of what a step has bought too late."""
        order, position, batch = settled.order, settled.position, settled.batch
        if order.side is Side.SELL:
            return
        if batch.fills:
            before = self._portfolio.position(order.book)
            batch.messages += sold_again(order, before, position, self._clock.now())
        if not goes_on:
            batch.messages += self._steps(order, position, settled.instrument)

    def steps_after(self, order: Order) -> list[Message]:
        """Returns the steps of an entry whose last order, which is `order`, has bought nothing more."""
        instrument = self._market.instrument(order.symbol)
        return [] if instrument is None else self._steps(order, self._portfolio.position(order.book), instrument)

    def _steps(self, order: Order, position: Position, instrument: Instrument) -> list[Message]:
        if order.side is Side.SELL or order.book in self._portfolio.exits:  # nothing more is bought for what is being sold
            return []
        limits = self._portfolio.limits_for(order.book)
        return steps_after(order, position, instrument, limits, self._clock.now())

    async def send(self, legs: Sequence[Order]) -> None:
        """Sends the orders of a plan whose intent is committed."""
        await self._protection.send(legs)

    async def cover_added(self, order: Order) -> None:
        """Has the plan carried out for all that is held now that `order` has added to it; if that is not possible yet, the timer
        goes on with it."""
        plan = self._portfolio.plans.get(order.book)
        if plan is None or not is_added(plan, order) or plan.state is not PlanState.EXPOSED:
            return
        try:
            await self._protection.guard(order.book)
        except LedgerUnavailable as error:
            log.error("what was added to a position cannot be protected yet", symbol=order.symbol, error=str(error))

    def after_purchase(self, settled: Settled, *, goes_on: bool, leaving: bool = False) -> list[Order]:
        """Adds to what is about to be committed what the plan needs after a report on an entry at a limit, which may fill on if
        it `goes_on`. Returns the orders to send then: none if the position is to be left now (`leaving`)."""
        order, instrument, plan = settled.order, settled.instrument, self._portfolio.plans.get(settled.order.book)
        if plan is None or is_added(plan, order):
            return self._after_adding(plan, settled, leaving=leaving)
        bought, is_covered = bool(settled.batch.fills), leaving or bool(self._portfolio.resting_for(order.book))
        facts = {"bought": bought, "goes_on": goes_on, "is_covered": is_covered}
        step = after_purchase(plan, settled.position, instrument, **facts, now=self._clock.now())
        settled.tell(step.plan)
        if step.protect:
            return self._protection.intend(step.plan, settled.position, instrument, order.average_price, settled.batch)
        settled.batch.plans.append(step.plan)
        return []

    def without_entry(self, order: Order) -> list[TradePlan]:
        """Returns the plan of an entry that ended without a fill, if nothing was bought for it before either."""
        plan = self._portfolio.plans.get(order.book)
        if plan is None or plan.plan_id != plan_id_of(order) or self._portfolio.position(order.book).is_open:
            return []
        return [missed(plan, self._clock.now())]
