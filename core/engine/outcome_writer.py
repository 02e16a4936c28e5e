"""Commits the outcome of a message, and applies it to the portfolio."""

from core.domain.messages import StoredMessage
from core.domain.reasons import Reason
from core.policy.rule_measurements import DecisionRecord
from core.ports.clock import Clock
from core.ports.ledger import Ledger
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from core.state.portfolio import Portfolio


class OutcomeWriter:
    """Writes outcomes: to the ledger first, then to memory."""

    def __init__(self, ledger: Ledger, portfolio: Portfolio, clock: Clock) -> None:
        self._ledger = ledger
        self._portfolio = portfolio
        self._clock = clock

    def outcome(
        self, stored: StoredMessage, outcome: str, why: Reason | None = None, facts: DecisionRecord | None = None
    ) -> MessageOutcome:
        """Returns the outcome of a message, dated now. It brings one that is not stored yet."""
        return MessageOutcome(stored.seq, outcome, self._clock.now(), why, facts, None if stored.is_stored else stored)

    async def commit(self, batch: CommitBatch) -> MessageOutcome:
        """Commits `batch` and returns the outcome that comes first in them. Raises LedgerUnavailable."""
        await self._ledger.commit(batch)
        self._portfolio.apply(batch)
        return batch.outcomes[0]
