"""Ends messages whose handling failed: leaves neither an order that nobody follows up nor a mailbox that stands still."""

from core.domain.events.priority import Priority
from core.domain.events.signals import SignalRefused
from core.domain.messages import OrderFound, SignalReceived, StoredMessage
from core.domain.reasons import reason
from core.engine.outcome_writer import OutcomeWriter
from core.engine.symbol_halts import SymbolHalts
from core.execution.pending_exits import PendingExits
from core.execution.placement import Placement
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from core.state.portfolio import Portfolio


class ErrorHandler:
    """Ends a message whose handling failed. A second error, in here, ends the process."""

    def __init__(
        self,
        writer: OutcomeWriter,
        portfolio: Portfolio,
        placement: Placement,
        exits: PendingExits,
        symbol_halts: SymbolHalts,
    ) -> None:
        self._writer = writer
        self._portfolio = portfolio
        self._placement = placement
        self._exits = exits
        self._symbol_halts = symbol_halts

    async def handle(self, stored: StoredMessage, error: Exception) -> MessageOutcome:
        """Follows up the order that may have been sent, else reports the failure."""
        body = stored.message.body
        why = reason("internal_error", error=type(error).__name__)
        order = self._portfolio.in_flight_for(stored.message.mailbox)
        if order is not None:
            await self._placement.recover(order)
            return self._writer.outcome(stored, "ordered")
        changes = CommitBatch(outcomes=[self._writer.outcome(stored, "failed", why)])
        if isinstance(body, SignalReceived):
            changes.exits += self._exits.failed(body.signal)
            changes.events.append(SignalRefused(body.signal, "failed", why, stored.seq, priority=Priority.URGENT))
        if isinstance(body, OrderFound):
            halt = self._symbol_halts.not_adopted(body.report)
            changes.holds, changes.events = halt.holds, halt.events
        return await self._writer.commit(changes)
