"""Carries out a decision on a signal: places the order, asks first, refuses or ignores."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from core.domain.events.priority import Priority
from core.domain.events.signals import SignalRefused
from core.domain.messages import StoredMessage
from core.domain.order_state_machine import OrderState
from core.domain.reasons import Reason
from core.domain.signal import Side, Signal
from core.engine.approval_flow import ApprovalFlow
from core.engine.order_factory import OrderFactory
from core.engine.outcome_writer import OutcomeWriter
from core.execution.decision_service import Weighed
from core.execution.pending_exits import PendingExits
from core.execution.placement import Placement
from core.policy.decision import AskFirst, Refused
from core.policy.risk import RiskApproved
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from core.state.portfolio import Portfolio

_BY_PAUSE = frozenset({"paused", "entries_paused"})  # reasons that the person who paused knows already


class DecisionHandler:
    """Turns a decision into its outcome, for entries and exits alike."""

    def __init__(
        self,
        *,
        writer: OutcomeWriter,
        orders: OrderFactory,
        portfolio: Portfolio,
        approvals: ApprovalFlow,
        placement: Placement,
        exits: PendingExits,
    ) -> None:
        self._writer = writer
        self._orders = orders
        self._portfolio = portfolio
        self._approvals = approvals
        self._placement = placement
        self._exits = exits

    async def act(
        self,
        stored: StoredMessage,
        signal: Signal,
        weighed: Weighed,
        batch: CommitBatch,
        *,
        approved: tuple[str | None, datetime | None],
        all_of_it: Decimal | None = None,
    ) -> MessageOutcome:
        """Places the decided order, or asks first. `approved` is who approved it and when; `all_of_it` is the quantity to ask
        about if one order may not take it."""
        decision, facts = weighed.decision, weighed.facts
        if isinstance(decision, RiskApproved):
            who, at = approved
            order = self._orders.new(stored.seq, signal, decision.qty, decision.price, OrderState.SUBMITTED, terms=decision.terms)
            batch.outcomes.append(self._writer.outcome(stored, "ordered", facts=facts))
            order = replace(order, approved_by=who, approved_at=at, sizing=decision.sizing, arrival_price=facts.middle)
            await self._placement.place(order, batch, message=stored, known_at=stored.message.received_at)
            return batch.outcomes[0]
        if isinstance(decision, AskFirst):
            sized = decision.order if all_of_it is None else replace(decision.order, qty=max(decision.order.qty, all_of_it))
            await self._approvals.ask(stored, signal, sized, facts, batch)
        return await self._writer.commit(batch)

    def refuse(self, stored: StoredMessage, signal: Signal, weighed: Weighed, batch: CommitBatch, *, by_hand: bool) -> None:
        """Adds a refusal to `batch`, with its event and the denied order."""
        decision = weighed.decision
        if not isinstance(decision, Refused):
            raise TypeError("only what was refused is refused")
        outcome, why, sized = decision.outcome, decision.reason, decision.sized
        batch.outcomes.append(self._writer.outcome(stored, outcome, why, weighed.facts))
        position = self._portfolio.position(signal.book)
        event = SignalRefused(signal, outcome, why, stored.seq, held=position.is_open)
        event = replace(event, position=position) if signal.side is Side.SELL else event
        by_pause = not by_hand and why.code in _BY_PAUSE
        priority = Priority.PAUSED if by_pause else Priority.URGENT if event.lost_exit else Priority.NORMAL
        batch.events.append(replace(event, priority=priority))
        if sized is not None:
            denied = self._orders.new(stored.seq, signal, sized.qty, sized.price, OrderState.DENIED, terms=sized.terms)
            batch.orders.append(replace(denied, reason=why, sizing=sized.sizing))

    async def ignore(self, stored: StoredMessage, signal: Signal, why: Reason) -> MessageOutcome:
        """Ends a signal without effect; `why` is the reason."""
        event = SignalRefused(signal, "ignored", why, stored.seq)
        outcome = self._writer.outcome(stored, "ignored", why)
        return await self._writer.commit(CommitBatch(outcomes=[outcome], exits=self._exits.passed(signal), events=[event]))
