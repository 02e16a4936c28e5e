"""Exit signals: a pending exit is retried until it is done, over or expired."""

from dataclasses import replace
from datetime import datetime

from core.domain.assets import base_of
from core.domain.events.signals import SignalRefused
from core.domain.messages import ManualInstruction, StoredMessage
from core.domain.reasons import Reason, reason
from core.domain.signal import Signal
from core.engine.approval_flow import ApprovalFlow
from core.engine.decision_handler import DecisionHandler
from core.engine.earlier_orders import EarlierOrders
from core.engine.outcome_writer import OutcomeWriter
from core.execution.decision_service import DecisionService, Weighed
from core.execution.first_sending import FirstSending
from core.execution.pending_exits import Attempt, PendingExits
from core.execution.resting_entries import RestingEntries
from core.execution.resting_orders import RestingOrders
from core.policy.decision import Refused
from core.policy.exits.pending import ALL_SOLD, ENDS, put_off, waiting_event, waits
from core.policy.exits.time_limit import is_void
from core.policy.exits.too_little import TOO_LITTLE
from core.policy.risk import RiskApproved
from core.ports.clock import Clock
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from core.state.portfolio import Portfolio


class ExitHandler:
    """Handles the signals and the manual orders that sell."""

    def __init__(
        self,
        *,
        writer: OutcomeWriter,
        portfolio: Portfolio,
        exits: PendingExits,
        decisions: DecisionService,
        earlier: EarlierOrders,
        first: FirstSending,
        approvals: ApprovalFlow,
        decided: DecisionHandler,
        resting: RestingOrders,
        entries: RestingEntries,
        clock: Clock,
    ) -> None:
        self._writer = writer
        self._portfolio = portfolio
        self._exits = exits
        self._decisions = decisions
        self._earlier = earlier
        self._first = first
        self._approvals = approvals
        self._decided = decided
        self._resting = resting
        self._entries = entries
        self._clock = clock

    def is_at_hand(self, signal: Signal, received_at: datetime) -> bool:
        """Tells whether `handle` would wait for nothing before its one commit, which carries the outcome: not if an order has to
        be taken off the exchange first."""
        rests = self._portfolio.entries_for(signal.book) or self._portfolio.resting_for(signal.book)
        return not rests and not signal.is_again and self._earlier.is_at_hand(signal, received_at)

    async def handle(self, stored: StoredMessage, signal: Signal, hand: ManualInstruction | None) -> MessageOutcome:
        """Sells, asks, postpones or ends; `hand` is the person's instruction for a manual order."""
        if (ended := await self._ended(stored, signal)) is not None:
            return ended
        if (repeated := self._exits.repeated(signal, hand)) is not None:
            why, renewed = repeated
            events = [SignalRefused(signal, "ignored", why, stored.seq)] if renewed else []
            outcome = self._writer.outcome(stored, "ignored", why)
            return await self._writer.commit(CommitBatch(outcomes=[outcome], exits=list(renewed), events=list(events)))
        attempt = await self._exits.attempt(signal, hand, stored.message.received_at)
        pending = attempt.pending
        if not attempt.is_first:  # it may have been renewed since this attempt was stored
            signal = replace(signal, ts=pending.since)
        weighed = await self._decisions.weigh(signal, approved_at=pending.approved_at, size_request=attempt.size)
        if attempt.over is not None and not isinstance(weighed.decision, Refused):
            weighed = replace(weighed, decision=Refused("denied", attempt.over))
        if self._portfolio.entries_for(signal.book) and _is_meant(weighed):
            return await self._without_entry(stored, signal, hand)
        if isinstance(weighed.decision, RiskApproved) and self._portfolio.resting_for(signal.book):
            return await self._with_nothing_bound(stored, signal, hand)
        batch = CommitBatch()
        self._approvals.withdraw_opposite(signal, weighed, batch)
        if attempt.why is not None or isinstance(weighed.decision, Refused):
            self._not_now(stored, signal, attempt, weighed, batch)
            return await self._writer.commit(batch)
        if hand is not None or signal.is_planned:
            self._approvals.withdraw_same(signal, batch)
        batch.exits.append(pending)
        approved = pending.approved_by, pending.approved_at
        all_of_it = self._exits.asked_about(pending)
        return await self._decided.act(stored, signal, weighed, batch, approved=approved, all_of_it=all_of_it)

    async def _without_entry(self, stored: StoredMessage, signal: Signal, hand: ManualInstruction | None) -> MessageOutcome:
        """Takes the entries that rest off the exchange, and begins anew with what they have bought, if that is anything."""
        await self._entries.withdraw(signal.book, reason("entry_left"), leaving=True)
        if self._portfolio.position(signal.book).is_open:
            return await self.handle(stored, signal, hand)
        return await self._decided.ignore(stored, signal, reason("entry_withdrawn"))

    async def _ended(self, stored: StoredMessage, signal: Signal) -> MessageOutcome | None:
        """Ends an exit that an earlier order has made, or whose plan is over. What the ledger had lost may have been the exit: it
        is looked at before the exit."""
        if self._portfolio.position(signal.book).is_open:
            await self._first.until_past(signal, stored.message.received_at)
        if (over := await self._earlier.known(stored, signal) or await self._earlier.lost(signal)) is not None:
            return await self._decided.ignore(stored, signal, over)
        if is_void(signal, self._portfolio.plans.get(signal.book), self._clock.now()):
            outcome = self._writer.outcome(stored, "done", reason("plan_over"))
            return await self._writer.commit(CommitBatch(outcomes=[outcome]))
        return None

    async def _with_nothing_bound(self, stored: StoredMessage, signal: Signal, hand: ManualInstruction | None) -> MessageOutcome:
        """Takes the orders that protect the position off the exchange, as they bind what is to be sold, and begins anew. One of
        them may have filled meanwhile: that was the exit."""
        await self._resting.take_off(signal.book)
        if self._portfolio.position(signal.book).is_open:
            return await self.handle(stored, signal, hand)
        return await self._decided.ignore(stored, signal, reason("closed_by_plan"))

    def _not_now(self, stored: StoredMessage, signal: Signal, attempt: Attempt, weighed: Weighed, batch: CommitBatch) -> None:
        """Postpones the exit, or ends it: all is sold, or it is refused for good, which is reported."""
        is_open, decision = self._portfolio.position(signal.book).is_open, weighed.decision
        why = _why_not(attempt, weighed, is_open=is_open)
        hand = attempt.pending.hand
        part = signal.size is not None or (hand is not None and hand.qty is not None)
        is_waiting = waits(why, pending=not attempt.is_first, lasts=signal.is_panic, part=part)
        if is_waiting and is_open:
            pending, is_news = put_off(attempt.pending, why, self._clock.now(), self._portfolio.limits_for(signal.book))
            batch.exits.append(pending)
            batch.outcomes.append(self._writer.outcome(stored, "put_off", why, weighed.facts))
            if is_news:
                batch.events.append(waiting_event(pending, signal, stored.seq, self._portfolio.limits_for(signal.book)))
            return
        if not attempt.is_first:
            batch.exits.append(replace(attempt.pending, ended_at=self._clock.now()))
        if not attempt.is_first and (why.code in ALL_SOLD or not isinstance(decision, Refused)):
            batch.outcomes.append(self._writer.outcome(stored, "done", why, weighed.facts))
            return
        if (plan := self._portfolio.plans.get(signal.book)) is not None and why.code == TOO_LITTLE:
            batch.plans.append(replace(plan, why=why))  # it makes no exit while that is so
        self._decided.refuse(stored, signal, weighed, batch, by_hand=attempt.pending.hand is not None)


def _is_meant(weighed: Weighed) -> bool:
    """Tells whether the exit would be done if there were something to sell: then nothing more is bought either."""
    return not isinstance(weighed.decision, Refused) or weighed.decision.reason.code in ALL_SOLD


def _why_not(attempt: Attempt, weighed: Weighed, *, is_open: bool) -> Reason:
    """Returns why nothing is sold now. Where a pending exit finds nothing open any more, a target has sold it for example, that
    is why, whatever else speaks against it: it is done, and neither too old nor taken back."""
    if not attempt.is_first and not is_open:
        return reason("no_position", base=base_of(attempt.pending.symbol))
    why = weighed.decision.reason if isinstance(weighed.decision, Refused) else attempt.why
    if attempt.why is not None and (why is None or why.code not in ENDS):
        why = attempt.why
    if why is None:
        raise ValueError("nothing speaks against it")
    return why
