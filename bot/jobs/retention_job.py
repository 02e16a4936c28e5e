"""Prunes old rows from the ledger once a day, a few at a time, so that trading never waits for it."""

from datetime import timedelta

import structlog

from core.adapters.ledger.pruning import LedgerPruning
from core.domain.errors import LeaseLost, LedgerUnavailable
from core.ports.clock import Clock

log = structlog.get_logger(__name__)

ROWS = 200  # at a time: some milliseconds of the single writer
PAUSE_SECONDS = 0.5


class RetentionJob:
    """Call `run` once a day. It stops where the ledger does not answer, and continues the next day."""

    def __init__(self, ledger: LedgerPruning, days: int, clock: Clock) -> None:
        """Takes `days`, which is RETENTION_DAYS."""
        self._ledger = ledger
        self._kept = timedelta(days=days)
        self._clock = clock

    async def run(self) -> None:
        before, looked = self._clock.now() - self._kept, 0
        try:
            while count := await self._ledger.batch(before, ROWS):
                looked += count
                await self._clock.sleep(PAUSE_SECONDS)
        except (LedgerUnavailable, LeaseLost) as error:
            log.warning("the ledger was not pruned to the end", error=str(error))
        if looked:
            log.info("the ledger was pruned", before=before.isoformat(), rows_looked_at=looked)
