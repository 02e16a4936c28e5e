"""Exit signals: a pending exit is retried until it is done, over or expired."""

from dataclasses import replace

from core.domain.events.signals import SignalRefused
from core.domain.messages import ManualInstruction, StoredMessage
from core.domain.reasons import Reason
from core.domain.signal import Signal
from core.engine.approval_flow import ApprovalFlow
from core.engine.decision_handler import DecisionHandler
from core.engine.earlier_orders import EarlierOrders
from core.engine.outcome_writer import OutcomeWriter
from core.execution.decision_service import DecisionService, Weighed
from core.execution.pending_exits import Attempt, PendingExits
from core.policy.decision import Refused
from core.policy.exits.pending import ALL_SOLD, ENDS, put_off, waiting_event, waits
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
        approvals: ApprovalFlow,
        decided: DecisionHandler,
        clock: Clock,
    ) -> None:
        self._writer = writer
        self._portfolio = portfolio
        self._exits = exits
        self._decisions = decisions
        self._earlier = earlier
        self._approvals = approvals
        self._decided = decided
        self._clock = clock

    async def handle(self, stored: StoredMessage, signal: Signal, hand: ManualInstruction | None) -> MessageOutcome:
        """Sells, asks, postpones or ends; `hand` is the person's instruction for a manual order."""
        if (repeated := self._exits.repeated(signal, hand)) is not None:
            why, renewed = repeated
            events = [SignalRefused(signal, "ignored", why, stored.seq)] if renewed else []
            outcome = self._writer.outcome(stored, "ignored", why)
            return await self._writer.commit(CommitBatch(outcomes=[outcome], exits=list(renewed), events=list(events)))
        if (over := await self._earlier.known(stored, signal) or await self._earlier.lost(signal)) is not None:
            return await self._decided.ignore(stored, signal, over)
        attempt = await self._exits.attempt(signal, hand, stored.message.received_at)
        pending = attempt.pending
        if not attempt.is_first:  # it may have been renewed since this attempt was stored
            signal = replace(signal, ts=pending.since)
        weighed = await self._decisions.weigh(signal, approved_at=pending.approved_at, size_request=attempt.size)
        changes = CommitBatch()
        self._approvals.withdraw_opposite(signal, weighed, changes)
        if attempt.why is not None or isinstance(weighed.decision, Refused):
            self._not_now(stored, signal, attempt, weighed, changes)
            return await self._writer.commit(changes)
        if hand is not None:
            self._approvals.withdraw_same(signal, changes)
        changes.exits.append(pending)
        approved = pending.approved_by, pending.approved_at
        all_of_it = self._exits.asked_about(pending)
        return await self._decided.act(stored, signal, weighed, changes, approved=approved, all_of_it=all_of_it)

    def _not_now(self, stored: StoredMessage, signal: Signal, attempt: Attempt, weighed: Weighed, changes: CommitBatch) -> None:
        """Postpones the exit, or ends it: all is sold, or it is refused for good, which is reported."""
        why, decision = _why_not(attempt, weighed), weighed.decision
        part = attempt.pending.hand is not None and attempt.pending.hand.qty is not None
        is_waiting = waits(why, pending=not attempt.is_first, lasts=signal.is_panic, part=part)
        if is_waiting and self._portfolio.position(signal.symbol).is_open:
            pending, is_news = put_off(attempt.pending, why, self._clock.now(), self._portfolio.limits)
            changes.exits.append(pending)
            changes.outcomes.append(self._writer.outcome(stored, "put_off", why, weighed.facts))
            if is_news:
                changes.events.append(waiting_event(pending, signal, stored.seq, self._portfolio.limits))
            return
        if not attempt.is_first:
            changes.exits.append(replace(attempt.pending, ended_at=self._clock.now()))
        if not attempt.is_first and (why.code in ALL_SOLD or not isinstance(decision, Refused)):
            changes.outcomes.append(self._writer.outcome(stored, "done", why, weighed.facts))
            return
        self._decided.refuse(stored, signal, weighed, changes, by_hand=attempt.pending.hand is not None)


def _why_not(attempt: Attempt, weighed: Weighed) -> Reason:
    why = weighed.decision.reason if isinstance(weighed.decision, Refused) else attempt.why
    if attempt.why is not None and (why is None or why.code not in ENDS):
        why = attempt.why
    if why is None:
        raise ValueError("nothing speaks against it")
    return why
