"""Changes the plan of a position: the plan is committed first, then what rests on the exchange follows."""

import structlog

from core.domain.errors import LedgerUnavailable
from core.domain.exit_plan import ExitPlan
from core.domain.messages import StoredMessage
from core.domain.order_messages import BreakevenReached, PlanRequested, TrailingDue
from core.domain.reasons import Reason, reason
from core.domain.trade_plan import ChangeCause, PlanChange, TradePlan
from core.execution.order_writer import OrderWriter
from core.execution.protection import Protection
from core.execution.resting_orders import RestingOrders
from core.policy.exits.breakeven import at_breakeven
from core.policy.exits.plan_change import RequestedPlan, as_meant, change_refusal, changed
from core.policy.exits.protection import closed
from core.policy.exits.trailing import trailed
from core.ports.clock import Clock
from core.records.commit_batch import CommitBatch
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)


class PlanChanges:
    """Changes plans, in the mailbox of their symbol. What rests is left alone until its replacement could be placed: a crash in
    between is finished by the timer that has exposed positions protected."""

    def __init__(
        self,
        *,
        portfolio: Portfolio,
        market: MarketDataCache,
        writer: OrderWriter,
        resting: RestingOrders,
        protection: Protection,
        clock: Clock,
    ) -> None:
        self._portfolio = portfolio
        self._market = market
        self._writer = writer
        self._resting = resting
        self._protection = protection
        self._clock = clock

    async def to_breakeven(self, reached: BreakevenReached) -> None:
        """Moves the stop of a plan to breakeven: the market has come as far as it waited for. Does nothing if the plan is over,
        or waits no more. Raises LedgerUnavailable."""
        plan, position = self._portfolio.plans.get(reached.book), self._portfolio.position(reached.book)
        if plan is None or plan.plan_id != reached.plan_id or plan.exits.breakeven is None or not position.is_open:
            return
        instrument = await self._writer.instrument(reached.symbol)
        moved = at_breakeven(plan, PlanChange(ChangeCause.PRICE), position, instrument, self._clock.now())
        await self._writer.try_commit(CommitBatch(plans=[moved]))
        await self._protection.guard(reached.book)

    async def trail(self, due: TrailingDue) -> None:
        """Has the stop of a plan follow the market. Does nothing if the plan is over. Raises LedgerUnavailable."""
        plan, position = self._portfolio.plans.get(due.book), self._portfolio.position(due.book)
        if plan is None or plan.plan_id != due.plan_id or not position.is_open:
            return
        moved = trailed(plan, due.bid, await self._writer.instrument(due.symbol), self._clock.now())
        if moved is plan:
            return
        await self._writer.try_commit(CommitBatch(plans=[moved]))
        await self._protection.guard(due.book)

    async def request(self, stored: StoredMessage, request: PlanRequested, batch: CommitBatch) -> Reason | None:
        """Commits `batch` together with the plan that a person wants. Returns why it is refused; then nothing was committed.
        Raises LedgerUnavailable."""
        found = await self._wanted(stored, request)
        if isinstance(found, Reason):
            return found
        if found.exits.is_empty:
            await self._resting.take_off(request.book)
            left = self._portfolio.plans.get(request.book)
            batch.plans += [closed(left, self._clock.now())] if left is not None else []
            await self._writer.try_commit(batch)
            return None
        batch.plans.append(found)
        await self._writer.try_commit(batch)
        try:
            await self._protection.guard(request.book)
        except LedgerUnavailable as error:  # the plan is committed: the timer has it carried out
            log.error("a plan that was changed cannot be carried out yet", symbol=request.symbol, error=str(error))
        return None

    async def _wanted(self, stored: StoredMessage, request: PlanRequested) -> TradePlan | Reason:
        symbol, position = request.symbol, self._portfolio.position(request.book)
        instrument = await self._writer.instrument(symbol)
        if not position.is_open:
            return reason("no_position", base=instrument.base)
        if position.opened_at != request.opened_at:
            return reason("position_changed")
        if request.book in self._portfolio.exits and self._portfolio.approval_for(request.book) is None:
            return reason("exit_wanted", symbol=symbol)
        before = self._portfolio.plans.get(request.book)
        exits = as_meant(request.exits, request.seen, before)
        if exits == (before.exits if before is not None else ExitPlan()):
            return reason("plan_unchanged")
        await self._market.freshen([symbol])
        quote = await self._market.fresh_quote(symbol)
        if quote is None:
            return reason("price_unknown", symbol=symbol)
        wanted = RequestedPlan(exits, request.who, stored.message.source_id, stored.seq, quote.bid)
        plan = changed(before, position, wanted, self._clock.now())
        policy = self._portfolio.limits_for(request.book).protection
        return change_refusal(plan, position, instrument, quote.bid, policy) or plan
