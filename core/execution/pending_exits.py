"""Exits that stay pending until they are done: the amount of each attempt, and the timer that starts the next one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import structlog

from core.domain.approval import Approval, ApprovalState
from core.domain.errors import ExchangeUnavailable
from core.domain.instrument import Balance, Instrument
from core.domain.messages import ManualInstruction
from core.domain.money import ZERO, divide, plain
from core.domain.pending_exit import PendingExit
from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.domain.strategy_book import StrategyBook
from core.execution.due_messages import DueMessages, Put
from core.policy.decision_context import SizeRequest
from core.policy.exits import pending as policy
from core.policy.exits.quantity import asked_quantity, exit_quantity
from core.policy.exits.too_little import why_given_up
from core.ports.clock import Clock
from core.ports.venue import Venue
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio

TWO = Decimal(2)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at an exit: `pending` is the exit's state with it, `size` the most that its order may sell. `is_first`: it was
    not pending yet. `why` is set if it is known already that nothing can be sold now, `over` if nothing ever will be."""

    pending: PendingExit
    size: SizeRequest
    is_first: bool
    why: Reason | None = None
    over: Reason | None = None


class PendingExits:
    """Reads an exit's state and returns what to commit. Writes nothing and sends nothing."""

    def __init__(self, portfolio: Portfolio, market: MarketDataCache, venue: Venue, clock: Clock) -> None:
        self._portfolio = portfolio
        self._market = market
        self._venue = venue
        self._clock = clock

    def repeated(self, signal: Signal, hand: ManualInstruction | None) -> tuple[Reason, Sequence[PendingExit]] | None:
        """Returns why `signal` is not tried by itself, and the exit that it renews: another exit of the same symbol is pending
        already. A manual exit replaces it, except a panic's; the plan's own one that nobody has approved yet."""
        pending = self._portfolio.exits.get(signal.book)
        if signal.is_again:
            return None if self._tried_by(signal) is not None else (reason("exit_over"), ())
        if pending is None or (hand is not None and (signal.is_panic or not pending.signal.is_panic)):
            return None
        if signal.is_planned and self._portfolio.approval_for(signal.book) is not None:  # the stop does not wait for an answer
            return None
        renewed = replace(
            pending, since=max(pending.since, min(signal.ts, self._clock.now())), due_at=min(pending.due_at, self._clock.now())
        )
        return reason("exit_wanted", symbol=signal.symbol), (renewed,)

    async def attempt(self, signal: Signal, hand: ManualInstruction | None, received_at: datetime) -> Attempt:
        """Returns the attempt to make now. After an attempt that sold nothing, rules and balances are read again."""
        pending = self._portfolio.exits.get(signal.book) if signal.is_again else None
        if pending is None:
            return self._first(signal, hand, received_at)
        pending = replace(pending, number=pending.number + 1)
        if pending.why is None:
            return Attempt(pending, SizeRequest(qty=pending.qty), is_first=False)
        instrument = await self._read_rules(signal.symbol)
        free = await self._free(signal.book)
        qty = exit_quantity(min(pending.qty, self._portfolio.position(signal.book).qty), free)
        if instrument is not None and free is not None and free < pending.qty and not instrument.sellable(qty):
            why = reason("nothing_free", free=plain(free), base=instrument.base)
            return Attempt(pending, SizeRequest(qty=pending.qty), is_first=False, why=why)
        return Attempt(pending, SizeRequest(qty=qty), is_first=False, over=await self._too_little(pending, instrument))

    async def _too_little(self, pending: PendingExit, instrument: Instrument | None) -> Reason | None:
        """Returns why what is left of an exit can be sold by no order; None if that is not known."""
        if instrument is None:
            return None
        quote = await self._market.fresh_quote(pending.symbol)
        held = self._portfolio.position(pending.book).qty
        return why_given_up(pending, held, instrument, quote.bid if quote is not None else None)

    def _first(self, signal: Signal, hand: ManualInstruction | None, received_at: datetime) -> Attempt:
        now, held = self._clock.now(), self._portfolio.position(signal.book).qty
        qty = asked_quantity(held, signal.size) if hand is None or hand.qty is None else min(held, hand.qty)
        pending = PendingExit(signal, qty, min(signal.ts, now), now, hand=hand)
        if hand is not None:
            pending = replace(pending, approved_by=hand.who, approved_at=received_at)
        return Attempt(pending, SizeRequest(qty=qty), is_first=True)

    async def _read_rules(self, symbol: str) -> Instrument | None:
        try:
            await self._market.load_instruments([symbol])
        except ExchangeUnavailable as error:
            log.warning("symbol rules cannot be read again yet", error=str(error))
        return self._market.instrument(symbol)

    async def _free(self, book: StrategyBook) -> Decimal | None:
        """Returns the free amount of the base asset, in base asset; None if the exchange does not say."""
        instrument = self._market.instrument(book.symbol)
        if instrument is None:
            return None
        try:
            balances = await self._venue.balances()
        except ExchangeUnavailable as error:
            log.warning("balances cannot be read yet", error=str(error))
            return None
        free = balances.get(instrument.base, Balance(instrument.base, ZERO)).free
        return free + self._portfolio.protected(book)  # what protects the position is taken off before it is sold

    def _tried_by(self, signal: Signal) -> PendingExit | None:
        """Returns the exit that `signal` is the next attempt at."""
        pending = self._portfolio.exits.get(signal.book)
        return pending if pending is not None and signal.is_again and _tries(signal, pending) else None

    def failed(self, signal: Signal) -> list[PendingExit]:
        """Returns the exit after an attempt that ended in a bug of ours: the next attempt is scheduled."""
        if (pending := self._tried_by(signal)) is None:
            return []
        tried, why = replace(pending, number=pending.number + 1), reason("internal_error", error="")
        after, _ = policy.put_off(tried, why, self._clock.now(), self._portfolio.limits_for(signal.book))
        return [after]

    def passed(self, signal: Signal) -> list[PendingExit]:
        """Returns the exit after an attempt whose order had been placed before: the next one has another number, and is due."""
        if (pending := self._tried_by(signal)) is None:
            return []
        return [replace(pending, number=pending.number + 1, due_at=self._clock.now())]

    def closed(self, approval: Approval) -> list[PendingExit]:
        """Returns the effect of an approval that ended without an order on its exit: if declined, it is over; otherwise it is
        still pending, and asked about again."""
        pending, now = self._portfolio.exits.get(approval.signal.book), self._clock.now()
        if pending is None or pending.signal.side is not approval.side:
            return []
        if approval.state is ApprovalState.DECLINED:
            return [replace(pending, ended_at=now)]
        if approval.state is ApprovalState.APPROVED:
            return self.approved(approval, half=False)
        return [replace(pending, due_at=now)]

    def approved(self, approval: Approval, *, half: bool) -> list[PendingExit]:
        """Returns the exit that a person has approved, as shown or half of it: nobody is asked about it again."""
        pending, instrument = self._portfolio.exits.get(approval.signal.book), self._market.instrument(approval.signal.symbol)
        if pending is None or pending.signal.side is not approval.side:
            return []
        qty = min(self.half(approval) if half else approval.qty, pending.qty)
        qty = instrument.market_quantity(qty) if instrument is not None else qty
        by, at = approval.decided_by, approval.decided_at
        return [replace(pending, qty=qty, approved_by=by, approved_at=at, due_at=self._clock.now())]

    def half(self, approval: Approval) -> Decimal:
        """Returns half of what was shown, in base asset; of what is left of it if the position has shrunk since, for example by
        a target's fill: the person wanted to keep the other half."""
        if approval.side is Side.BUY:
            return divide(approval.qty, TWO)
        return divide(min(approval.qty, self._portfolio.position(approval.signal.book).qty), TWO)

    def asked_about(self, pending: PendingExit) -> Decimal:
        """Returns all that would be sold, by one order or by several, in base asset."""
        instrument = self._market.instrument(pending.symbol)
        qty = min(pending.qty, self._portfolio.position(pending.book).qty)
        return instrument.market_quantity(qty) if instrument is not None else qty


def _tries(signal: Signal, pending: PendingExit) -> bool:
    following = pending.next_signal()
    return (signal.source, signal.signal_id) == (following.source, following.signal_id)


class ExitTimer:
    """Puts the next attempt of every exit that is due into the inbox."""

    def __init__(self, portfolio: Portfolio, put: Put, clock: Clock) -> None:
        """Builds the timer. `put` stores messages, and raises LedgerUnavailable."""
        self._portfolio = portfolio
        self._due = DueMessages(put)
        self._clock = clock

    async def run(self) -> None:
        """Runs until cancelled. An exit whose order is under way, or that waits for approval, has its attempt already."""
        now = self._clock.now()
        due = [one for one in self._portfolio.exits.values() if policy.is_due(one, now) and self._is_idle(one.book)]
        messages = [one.next_message(now) for one in due]
        await self._due.store(messages, failed="the next attempt of an exit cannot be stored; retrying")

    def _is_idle(self, book: StrategyBook) -> bool:
        return self._portfolio.in_flight_for(book.symbol) is None and self._portfolio.approval_for(book) is None
