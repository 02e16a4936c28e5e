"""Watches plans: has a position protected that is not, sells one whose stop or target the market has reached meanwhile or whose
time is over, and has a stop moved that waits for a price."""

from datetime import datetime
from decimal import Decimal

import structlog

from core.domain.instrument import Quote
from core.domain.messages import Message, SignalReceived
from core.domain.order_messages import BreakevenReached, ProtectionDue, TrailingDue
from core.domain.signal import Signal
from core.domain.trade_plan import PlanState, TradePlan
from core.execution.due_messages import DueMessages, Put
from core.policy.exits.breakeven import is_reached
from core.policy.exits.protection import AGAIN_SECONDS, STOPPED, at_prices, exit_signal, is_due, is_whole, reached
from core.policy.exits.targets import remaining
from core.policy.exits.time_limit import TIMED_OUT, is_over
from core.policy.exits.too_little import stays_unsold
from core.policy.exits.trailing import wants_to_move
from core.ports.clock import Clock
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)

SOURCE = "protection"


class ProtectionTimer:
    """Looks at every plan whose position is not protected on the exchange, and watches it here while that lasts; and at stops
    with a limit, which the market may jump over."""

    def __init__(self, portfolio: Portfolio, market: MarketDataCache, put: Put, clock: Clock) -> None:
        """Builds the timer. `put` stores messages, each once by its identity; it raises LedgerUnavailable."""
        self._portfolio = portfolio
        self._market = market
        self._due = DueMessages(put)
        self._clock = clock

    async def run(self) -> None:
        """Runs once. A plan whose orders are under way, or whose position is being sold, needs nothing."""
        idle = [plan for plan in self._portfolio.plans.values() if self._is_idle(plan)]
        messages = [message for plan in idle if (message := await self._message(plan)) is not None]
        await self._due.store(messages, failed="a position cannot be protected yet")

    def _is_idle(self, plan: TradePlan) -> bool:
        is_leaving = plan.book in self._portfolio.exits and self._portfolio.approval_for(plan.book) is None
        busy = self._portfolio.in_flight_for(plan.symbol) is not None or is_leaving
        return not busy and (plan.state is not PlanState.ENTERING or self._portfolio.position(plan.book).is_open)

    async def _message(self, plan: TradePlan) -> Message | None:
        """Returns what is to be done about the plan now: its position is sold, or protected; None for nothing."""
        now, is_exposed = self._clock.now(), self._is_exposed(plan)
        is_open, is_late = self._portfolio.position(plan.book).is_open, is_over(plan, now)
        if not (is_exposed or is_late or self._is_watched(plan)):
            return None
        quote = await self._quote(plan, now) if is_open else None
        if quote is not None and self._stays_unsold(plan, quote.bid):
            return self._protection_due(plan, now) if is_exposed else None
        if quote is not None and (kind := self._kind_of_exit(plan, quote.bid, is_exposed=is_exposed)) is not None:
            return self._exit(exit_signal(plan, kind, now), now)
        if is_open and is_late:
            return self._exit(exit_signal(plan, TIMED_OUT, now), now)
        if quote is not None and (change := self._change(plan, quote.bid, now)) is not None:
            return change
        return self._protection_due(plan, now) if is_exposed else None

    def _stays_unsold(self, plan: TradePlan, bid: Decimal) -> bool:
        return stays_unsold(plan, self._portfolio.position(plan.book).qty, self._market.instrument(plan.symbol), bid)

    def _protection_due(self, plan: TradePlan, now: datetime) -> Message | None:
        """Returns the message that has the position protected, once that is due."""
        if not is_due(plan, now):
            return None
        return Message(SOURCE, self._identity(plan, now), plan.symbol, ProtectionDue(plan.symbol, plan.strategy), now)

    def _change(self, plan: TradePlan, bid: Decimal, now: datetime) -> Message | None:
        """Returns how the stop is to move while the market is at `bid` (quote asset); None if it stays. One that follows the
        market moves once in a span of time, and waits as long as any other attempt at protecting the position."""
        if is_reached(plan, bid):
            reached = BreakevenReached(plan.symbol, plan.plan_id, plan.strategy)
            return Message(SOURCE, f"breakeven:{self._identity(plan, now)}", plan.symbol, reached, now)
        instrument, waits = self._market.instrument(plan.symbol), plan.state is PlanState.EXPOSED and not is_due(plan, now)
        if instrument is None or waits or not wants_to_move(plan, bid, instrument):
            return None
        due = TrailingDue(plan.symbol, plan.plan_id, bid, plan.strategy)
        return Message(SOURCE, f"trailing:{plan.plan_id}:{_span(now)}", plan.symbol, due, now)

    def _exit(self, signal: Signal, now: datetime) -> Message:
        return Message(SOURCE, signal.signal_id, signal.symbol, SignalReceived(signal), now)

    async def _quote(self, plan: TradePlan, now: datetime) -> Quote | None:
        """Returns a quote to watch the plan by; None if there is none. Where its stop was just moved, one of before is not used:
        the market may have been below the new stop a moment ago, as when a target fills."""
        quote = await self._market.fresh_quote(plan.symbol)
        moved_at = plan.exposed_since if plan.change is not None else None
        if quote is None or moved_at is None or not quote.at <= moved_at <= now:
            return quote
        await self._market.freshen([plan.symbol])
        quote = await self._market.fresh_quote(plan.symbol)
        return quote if quote is not None and quote.at > moved_at else None

    def _is_watched(self, plan: TradePlan) -> bool:
        """Tells whether the price matters although orders protect the position: a stop with a limit may be jumped over, and one
        that is to move waits for a price."""
        waits = plan.exits.breakeven is not None and plan.exits.breakeven.after_pct is not None
        jumps = any(one.terms.is_stop_with_limit for one in self._portfolio.resting_for(plan.book))
        return waits or jumps or plan.exits.trailing is not None

    def _identity(self, plan: TradePlan, now: datetime) -> str:
        """Returns an identity that a message about the plan has for a span of time, however often the plan is looked at."""
        return f"{plan.plan_id}:{plan.generation}:{plan.failures}:{_span(now)}"

    def _is_exposed(self, plan: TradePlan) -> bool:
        """Tells whether the position lacks protection, said or not: a process that ends may have booked the end of its orders
        and no more. Where nothing is held any more, a fee took the last of it for example, the plan has come to its end."""
        if plan.state is PlanState.EXPOSED or not self._portfolio.position(plan.book).is_open:
            return True
        instrument = self._market.instrument(plan.symbol)
        return instrument is not None and not is_whole(remaining(plan, instrument), self._portfolio.resting_for(plan.book))

    def _kind_of_exit(self, plan: TradePlan, bid: Decimal, *, is_exposed: bool) -> str | None:
        """Returns how the position is to be sold at the market now that it is at `bid` (quote asset); None if it is not. What
        rests on the exchange sells by itself, except for a stop whose limit the market has jumped over."""
        if is_exposed:
            instrument = self._market.instrument(plan.symbol)
            return reached(plan if instrument is None else at_prices(plan, instrument), bid)
        limits = [order.terms.limit_price for order in self._portfolio.resting_for(plan.book) if order.terms.is_stop_with_limit]
        return STOPPED if any(limit is not None and bid < limit for limit in limits) else None


def _span(now: datetime) -> int:
    """Returns the span of time that a message is due once in."""
    return int(now.timestamp() // AGAIN_SECONDS)
