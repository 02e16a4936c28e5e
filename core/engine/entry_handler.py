"""Entry signals: weighed against every rule, then carried out."""

from datetime import datetime

from core.domain.messages import ManualInstruction, StoredMessage
from core.domain.signal import Signal
from core.engine.approval_flow import ApprovalFlow
from core.engine.decision_handler import DecisionHandler
from core.engine.earlier_orders import EarlierOrders
from core.engine.outcome_writer import OutcomeWriter
from core.execution.decision_service import USUAL
from core.policy.decision import Refused
from core.policy.decision_context import SizeRequest
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome


class EntryHandler:
    """Handles the signals and the manual orders that buy."""

    def __init__(
        self, writer: OutcomeWriter, earlier: EarlierOrders, approvals: ApprovalFlow, decisions: DecisionHandler
    ) -> None:
        self._writer = writer
        self._earlier = earlier
        self._approvals = approvals
        self._decisions = decisions

    def is_at_hand(self, signal: Signal, received_at: datetime) -> bool:
        """Tells whether `handle` would wait for nothing before its one commit, which carries the outcome."""
        return self._earlier.is_at_hand(signal, received_at)

    async def handle(self, stored: StoredMessage, signal: Signal, hand: ManualInstruction | None) -> MessageOutcome:
        """Orders, asks or refuses; `hand` is the person's instruction for a manual order."""
        # The confirmation approves a manual order: one stored long before it is handled is refused by its age.
        approved_at = stored.message.received_at if hand is not None else None
        size = SizeRequest(hand.qty, hand.quote) if hand is not None else USUAL
        if (why := await self._earlier.known(stored, signal)) is not None:
            return await self._decisions.ignore(stored, signal, why)
        weighed = await self._earlier.weigh(signal, approved_at, size)
        batch = CommitBatch()
        self._approvals.withdraw_opposite(signal, weighed, batch)
        if isinstance(weighed.decision, Refused):
            self._decisions.refuse(stored, signal, weighed, batch, by_hand=hand is not None)
            return await self._writer.commit(batch)
        who = hand.who if hand is not None else None
        return await self._decisions.act(stored, signal, weighed, batch, approved=(who, approved_at))
