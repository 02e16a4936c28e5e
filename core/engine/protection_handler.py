"""Handles what concerns resting orders: the exchange's reports on them, plans that lack their protection, and entries whose time
is over."""

from core.domain.messages import CancelRequested, StoredMessage
from core.domain.order_messages import AboutOrders, EntryDue, ExecutionReported, OrderForgotten, ProtectionDue
from core.domain.order_state_machine import OrderState
from core.domain.reasons import reason
from core.engine.outcome_writer import OutcomeWriter
from core.execution.protection import Protection
from core.execution.resting_entries import RestingEntries
from core.execution.resting_orders import RestingOrders
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome


class ProtectionHandler:
    """Handles reports, plans and entries in their symbol's turn. Doing it twice changes nothing, so the outcome is committed
    last."""

    def __init__(self, writer: OutcomeWriter, entries: RestingEntries, resting: RestingOrders, protection: Protection) -> None:
        self._writer = writer
        self._entries = entries
        self._resting = resting
        self._protection = protection

    async def handle(self, stored: StoredMessage, body: AboutOrders | CancelRequested) -> MessageOutcome:
        """Books a report, protects a position, or takes an entry off. Raises LedgerUnavailable."""
        match body:
            case ExecutionReported(report):
                if not await self._entries.hear(report):
                    await self._resting.hear(report)
            case OrderForgotten(symbol, client_order_id):
                if not await self._entries.forget(client_order_id):
                    await self._resting.forget(symbol, client_order_id)
            case ProtectionDue() as due:
                await self._protection.guard(due.book)
            case EntryDue(client_order_id):
                await self._entries.look_at(client_order_id)
            case CancelRequested():
                return await self._cancel(stored, body)
        return await self._writer.commit(CommitBatch(outcomes=[self._writer.outcome(stored, "done")]))

    async def _cancel(self, stored: StoredMessage, wish: CancelRequested) -> MessageOutcome:
        ended = await self._entries.cancel(wish.client_order_id, reason("entry_cancelled", who=wish.who))
        if ended is None or ended.state is not OrderState.CANCELED:
            why = reason("not_resting", order_id=wish.client_order_id)
            return await self._writer.commit(CommitBatch(outcomes=[self._writer.outcome(stored, "ignored", why)]))
        return await self._writer.commit(CommitBatch(outcomes=[self._writer.outcome(stored, "done")]))
