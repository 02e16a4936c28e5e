"""Approvals from the request to the end: answered, expired or withdrawn."""

import secrets
from collections.abc import Callable
from dataclasses import replace

import structlog

from core.domain.approval import Approval, ApprovalState
from core.domain.events.approvals import ApprovalClosed
from core.domain.exit_plan import ExitPlan
from core.domain.messages import ApprovalAnswered, StoredMessage
from core.domain.order import Order
from core.domain.order_state_machine import OrderState, check_move
from core.domain.order_terms import OrderTerms
from core.domain.pending_exit import PendingExit
from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal, client_order_id
from core.engine.approval_question import HALF, ApprovalQuestions
from core.engine.earlier_orders import EarlierOrders
from core.engine.order_factory import OrderFactory
from core.engine.outcome_writer import OutcomeWriter
from core.execution.decision_service import USUAL, Weighed
from core.execution.first_sending import FirstSending
from core.execution.pending_exits import PendingExits
from core.execution.placement import Placement
from core.execution.resting_orders import RestingOrders
from core.policy.decision import Refused
from core.policy.entries.approved import other_position
from core.policy.entries.steps import steps_of
from core.policy.exits.plan_choice import plan_of
from core.policy.risk import RiskApproved
from core.policy.rule_measurements import DecisionRecord
from core.ports.clock import Clock
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from core.state.portfolio import Portfolio

# The order state for each approval that ended without an order.
_ENDED = {
    ApprovalState.APPROVED: OrderState.DENIED,
    ApprovalState.DECLINED: OrderState.DECLINED,
    ApprovalState.EXPIRED: OrderState.EXPIRED,
    ApprovalState.WITHDRAWN: OrderState.CANCELED,
}


def new_token() -> str:
    """Returns 16 unguessable characters, fit for a button's data."""
    return secrets.token_urlsafe(12)


class ApprovalFlow:
    """Asks for approvals and handles their answers."""

    def __init__(
        self,
        *,
        writer: OutcomeWriter,
        orders: OrderFactory,
        portfolio: Portfolio,
        questions: ApprovalQuestions,
        earlier: EarlierOrders,
        placement: Placement,
        first: FirstSending,
        exits: PendingExits,
        resting: RestingOrders,
        clock: Clock,
        token: Callable[[], str],
    ) -> None:
        self._writer = writer
        self._orders = orders
        self._portfolio = portfolio
        self._questions = questions
        self._earlier = earlier
        self._placement = placement
        self._first = first
        self._exits = exits
        self._resting = resting
        self._clock = clock
        self._token = token

    async def ask(
        self, stored: StoredMessage, signal: Signal, sized: RiskApproved, facts: DecisionRecord, batch: CommitBatch
    ) -> None:
        """Adds the approval request of `sized` to `batch`."""
        now = self._clock.now()
        signal = self._as_shown(signal)
        approval = Approval(
            token=self._token(),
            signal=signal,
            inbox_seq=stored.seq,
            side=sized.side,
            qty=sized.qty,
            price=sized.price,
            state=ApprovalState.OPEN,
            asked_at=now,
            expires_at=now + self._portfolio.limits_for(signal.book).approval_ttl,
            sizing=sized.sizing,
        )
        batch.approvals.append(approval)
        order = self._orders.new(stored.seq, signal, sized.qty, sized.price, OrderState.AWAITING_APPROVAL, terms=sized.terms)
        batch.orders.append(replace(order, sizing=sized.sizing))
        batch.outcomes.append(self._writer.outcome(stored, "awaiting_approval", facts=facts))
        batch.events.append(await self._questions.asked(approval, sized, facts))

    def _as_shown(self, signal: Signal) -> Signal:
        """Returns the signal with the exits and the steps that the settings give its entry now: those are approved, whatever is
        set meanwhile. What adds to a position has the exits of that."""
        if signal.side is Side.SELL or self._portfolio.position(signal.book).is_open:
            return signal
        limits = self._portfolio.limits_for(signal.book)
        return replace(signal, plan=plan_of(signal, limits) or ExitPlan(), steps=steps_of(signal, limits))

    async def answered(self, stored: StoredMessage, answer: ApprovalAnswered) -> MessageOutcome:
        """Handles a tap on one of the approval's buttons."""
        approval = self._portfolio.approvals.get(answer.token)
        if approval is None:
            return await self._is_closed(stored)
        signal = approval.signal
        structlog.contextvars.bind_contextvars(
            signal_id=signal.signal_id, symbol=signal.symbol, client_order_id=client_order_id(signal)
        )
        approval = replace(approval, decided_at=self._clock.now(), decided_by=answer.who)
        if self._clock.now() >= approval.expires_at:
            expired = replace(approval, state=ApprovalState.EXPIRED, decided_by=None)
            return await self._end(stored, expired, "expired", _expired(approval))
        if not answer.approve:
            why = reason("declined", who=answer.who)
            return await self._end(stored, replace(approval, state=ApprovalState.DECLINED), "declined", why)
        return await self._approved(stored, replace(approval, state=ApprovalState.APPROVED), answer)

    async def timed_out(self, stored: StoredMessage, token: str) -> MessageOutcome:
        """Expires an approval when its timer says so: a clock that was set back since then gives it no more time."""
        approval = self._portfolio.approvals.get(token)
        if approval is None:
            return await self._is_closed(stored)
        expired = replace(approval, state=ApprovalState.EXPIRED, decided_at=self._clock.now())
        return await self._end(stored, expired, "expired", _expired(approval))

    def withdraw_opposite(self, signal: Signal, weighed: Weighed, batch: CommitBatch) -> None:
        """Withdraws the open approval of the opposite side, unless the signal itself was too old to count, or not of this
        market."""
        pending = self._portfolio.approval_for(signal.book)
        if pending is None or pending.side is signal.side:
            return
        if signal.book in self._portfolio.exits:  # an entry does not cancel a pending exit
            return
        if weighed.counts:
            self._withdraw(pending, signal, batch)

    def withdraw_same(self, signal: Signal, batch: CommitBatch) -> None:
        """Withdraws the open approval of the same side: a manual order answers it."""
        asked = self._portfolio.approval_for(signal.book)
        if asked is not None and asked.side is signal.side:
            self._withdraw(asked, signal, batch)

    async def _approved(self, stored: StoredMessage, approval: Approval, answer: ApprovalAnswered) -> MessageOutcome:
        over = await self._sold_before(approval) or other_position(approval, self._portfolio.position(approval.signal.book))
        if over is not None:
            return await self._end(stored, approval, "denied", over)
        # The amount that was shown, or half of it: no change of price or settings may increase it.
        size = replace(HALF if answer.half else USUAL, qty=approval.qty)
        weighed = await self._earlier.weigh(approval.signal, approval.decided_at, size)
        if isinstance(weighed.decision, RiskApproved) and approval.side is Side.SELL:
            await self._resting.take_off(approval.signal.book)  # what protects the position binds what is to be sold
            weighed = await self._earlier.weigh(approval.signal, approval.decided_at, size)
        if answer.token not in self._portfolio.approvals:  # its order was found on the exchange just now
            return await self._is_closed(stored)
        decision, facts = weighed.decision, weighed.facts
        if not isinstance(decision, RiskApproved):
            why = decision.reason if isinstance(decision, Refused) else reason("approval_closed")
            if answer.half:  # the approved amount, should the exit stay pending
                approval = replace(approval, qty=self._exits.half(approval))
            return await self._end(stored, approval, "denied", why, facts)
        exits = self._exits.approved(approval, half=answer.half)
        sized = replace(approval, qty=decision.qty, price=decision.price)
        return await self._place(stored, sized, facts, exits, decision.terms)

    async def _sold_before(self, approval: Approval) -> Reason | None:
        """Takes over what the ledger has lost in the symbol of an exit; returns why the exit is over if that had made it."""
        book = approval.signal.book
        if approval.side is Side.BUY or book not in self._portfolio.exits:
            return None
        await self._first.until_past(approval.signal, approval.asked_at)
        over = await self._earlier.lost(approval.signal)
        return over or (None if book in self._portfolio.exits else reason("exit_over"))

    async def _place(
        self,
        stored: StoredMessage,
        approval: Approval,
        facts: DecisionRecord,
        exits: list[PendingExit],
        terms: OrderTerms,
    ) -> MessageOutcome:
        order = self._order_of(approval, OrderState.SUBMITTED)
        batch = CommitBatch(
            outcomes=[self._writer.outcome(stored, "ordered", facts=facts)],
            approvals=[approval],
            exits=exits,
            events=[ApprovalClosed(approval, *self._questions.assets(approval.signal.symbol))],
        )
        order = replace(order, approved_by=approval.decided_by, approved_at=approval.decided_at, terms=terms)
        order = replace(order, arrival_price=facts.middle)
        await self._placement.place(order, batch, known_at=approval.asked_at)
        return batch.outcomes[0]

    async def _is_closed(self, stored: StoredMessage) -> MessageOutcome:
        outcome = self._writer.outcome(stored, "ignored", reason("approval_closed"))
        return await self._writer.commit(CommitBatch(outcomes=[outcome]))

    def _withdraw(self, approval: Approval, signal: Signal, batch: CommitBatch) -> None:
        withdrawn = replace(approval, state=ApprovalState.WITHDRAWN, decided_at=self._clock.now())
        self._close(withdrawn, reason("approval_withdrawn", signal_type=signal.signal_type), batch)

    async def _end(
        self, stored: StoredMessage, approval: Approval, outcome: str, why: Reason, facts: DecisionRecord | None = None
    ) -> MessageOutcome:
        batch = CommitBatch(outcomes=[self._writer.outcome(stored, outcome, why, facts)])
        self._close(approval, why, batch)
        return await self._writer.commit(batch)

    def _close(self, approval: Approval, why: Reason, batch: CommitBatch) -> None:
        batch.approvals.append(approval)
        batch.exits += self._exits.closed(approval)
        batch.orders.append(replace(self._order_of(approval, _ENDED[approval.state]), reason=why))
        batch.events.append(ApprovalClosed(approval, *self._questions.assets(approval.signal.symbol), why))

    def _order_of(self, approval: Approval, state: OrderState) -> Order:
        check_move(OrderState.AWAITING_APPROVAL, state)
        order = self._orders.new(approval.inbox_seq, approval.signal, approval.qty, approval.price, state)
        return replace(order, created_at=approval.asked_at, sizing=approval.sizing)


def _expired(approval: Approval) -> Reason:
    return reason("approval_expired", ttl=f"{(approval.expires_at - approval.asked_at).total_seconds():.0f}")
