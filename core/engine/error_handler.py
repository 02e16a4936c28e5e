"""Ends messages whose handling failed: leaves neither an order that nobody follows up nor a mailbox that stands still."""

from collections.abc import Awaitable, Callable

from core.domain.events.priority import Priority
from core.domain.events.signals import SignalRefused
from core.domain.messages import ApprovalAnswered, OrderFound, SignalReceived, StoredMessage
from core.domain.order import Order
from core.domain.reasons import reason
from core.engine.outcome_writer import OutcomeWriter
from core.engine.symbol_halts import SymbolHalts
from core.execution.pending_exits import PendingExits
from core.execution.protection import Protection
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from core.state.portfolio import Portfolio


class ErrorHandler:
    """Ends a message whose handling failed. A second error, in here, ends the process."""

    def __init__(
        self,
        *,
        writer: OutcomeWriter,
        portfolio: Portfolio,
        recover: Callable[[Order], Awaitable[Order | None]],
        exits: PendingExits,
        symbol_halts: SymbolHalts,
        protection: Protection,
    ) -> None:
        """Builds it. `recover` finds out about an order of a signal that may have been sent."""
        self._writer = writer
        self._portfolio = portfolio
        self._recover = recover
        self._exits = exits
        self._symbol_halts = symbol_halts
        self._protection = protection

    async def handle(self, stored: StoredMessage, error: Exception) -> MessageOutcome:
        """Follows up the order that may have been sent, else reports the failure."""
        body = stored.message.body
        why = reason("internal_error", error=type(error).__name__)
        order = self._portfolio.in_flight_for(stored.message.mailbox)
        if order is not None and order.protects:
            await self._protection.recover(order.symbol)
        elif order is not None:
            await self._recover(order)
            if order.inbox_seq == stored.seq or isinstance(body, ApprovalAnswered):
                return self._writer.outcome(stored, "ordered")
        batch = CommitBatch(outcomes=[self._writer.outcome(stored, "failed", why)])
        if isinstance(body, SignalReceived):
            batch.exits += self._exits.failed(body.signal)
            batch.events.append(SignalRefused(body.signal, "failed", why, stored.seq, priority=Priority.URGENT))
        if isinstance(body, OrderFound):
            halt = self._symbol_halts.not_adopted(body.report)
            batch.holds, batch.events = halt.holds, halt.events
        return await self._writer.commit(batch)
