"""Handles changes of plans: a stop that moves, what a person asks for, and positions without a plan."""

from core.domain.events.protection import PositionsBare
from core.domain.messages import StoredMessage
from core.domain.order_messages import AboutPlans, BreakevenReached, PlanRequested, PositionsFound, TrailingDue
from core.engine.outcome_writer import OutcomeWriter
from core.execution.plan_changes import PlanChanges
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome


class PlanHandler:
    """Handles changes in their symbol's turn; the outcome of a person's request is committed with the plan itself."""

    def __init__(self, writer: OutcomeWriter, changes: PlanChanges) -> None:
        self._writer = writer
        self._changes = changes

    async def handle(self, stored: StoredMessage, body: AboutPlans) -> MessageOutcome:
        """Changes a plan, or says that there is none. Raises LedgerUnavailable."""
        batch = CommitBatch(outcomes=[self._writer.outcome(stored, "done")])
        match body:
            case BreakevenReached() as reached:
                await self._changes.to_breakeven(reached)
            case TrailingDue() as due:
                await self._changes.trail(due)
            case PlanRequested() as request:
                return await self._request(stored, request, batch)
            case PositionsFound(symbols):
                batch.events.append(PositionsBare(symbols))
        return await self._writer.commit(batch)

    async def _request(self, stored: StoredMessage, request: PlanRequested, batch: CommitBatch) -> MessageOutcome:
        why = await self._changes.request(stored, request, batch)
        if why is None:
            return batch.outcomes[0]
        return await self._writer.commit(CommitBatch(outcomes=[self._writer.outcome(stored, "denied", why)]))
