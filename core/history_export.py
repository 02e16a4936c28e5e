"""Exports every execution from the ledger to the history, in order, in batches. Trading neither waits for it nor knows of it."""

import asyncio
from collections.abc import Sequence

import structlog

from core.domain.arrival import Arrival
from core.domain.errors import HistoryUnavailable, LedgerUnavailable
from core.domain.messages import DeadLetter
from core.domain.retry_backoff import RetryBackoff
from core.ports.clock import Clock
from core.ports.export_feed import ExportFeed
from core.ports.history import History
from core.records.commit_batch import CommitBatch

BATCH = 500
_BACKOFF = RetryBackoff(first=1.0, longest=60.0)

log = structlog.get_logger(__name__)


class HistoryExport:
    """Exports while `run` runs; an Observer, to learn of new executions without polling.

    The position moves when the history has accepted a batch: a crash in between sends the batch again, which changes nothing.
    """

    def __init__(self, feed: ExportFeed, history: History, clock: Clock) -> None:
        self._feed = feed
        self._history = history
        self._clock = clock
        self._position: int | None = None
        self._news = asyncio.Event()
        self._news.set()  # left by a former process
        self._problem = ""

    @property
    def ready(self) -> tuple[bool, str]:
        """Tells whether the history accepted the last batch, and the problem if not."""
        return (not self._problem, self._problem or "nothing waits that could be exported")

    def committed(self, batch: CommitBatch, stored: Sequence[Arrival], dead: Sequence[DeadLetter]) -> None:
        """Wakes the export."""
        if batch.executions:
            self._news.set()

    async def pending(self) -> int:
        """Returns how many executions the history lacks. Raises LedgerUnavailable."""
        position = self._position if self._position is not None else await self._feed.position()
        return await self._feed.count_after(position)

    async def run(self) -> None:
        """Exports until cancelled."""
        wait = _BACKOFF.first
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._export()
            except (HistoryUnavailable, LedgerUnavailable) as error:
                self._news.set()
                self._changed(str(error))
                await self._clock.sleep(wait)
                wait = _BACKOFF.longer(wait)
            else:
                wait = _BACKOFF.first

    async def _export(self) -> None:
        """Exports everything there is at the moment."""
        if self._position is None:
            self._position = await self._feed.position()
        while batch := await self._feed.after(self._position, BATCH):
            was_empty = await self._history.keep([execution for _, execution in batch])
            last, newest = batch[-1]
            if was_empty and self._position:
                log.warning("the history was empty; exporting the whole ledger again")
                last = 0
            await self._feed.exported(last)
            self._position = last
            log.info("exported to the history", count=len(batch), up_to=newest.execution_id)
        self._changed("")

    def _changed(self, problem: str) -> None:
        if problem and problem != self._problem:
            log.warning("the history accepts nothing; pending executions are kept", error=problem)
        self._problem = problem
