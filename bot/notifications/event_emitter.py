"""Events of the process itself: put into the outbox in order, with nobody waiting for it."""

import asyncio
from typing import Protocol

import structlog

from core.domain.errors import LeaseLost, LedgerUnavailable
from core.domain.events.table import Event
from core.ports.clock import Clock
from core.records.commit_batch import CommitBatch

log = structlog.get_logger(__name__)

RETRY_SECONDS = 2.0


class Keeps(Protocol):
    """Stores events. Raises LedgerUnavailable and LeaseLost."""

    async def commit(self, batch: CommitBatch) -> None: ...


class EventEmitter:
    """Commits events however long it takes: an outage that takes the ledger away is often what they report."""

    def __init__(self, ledger: Keeps, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._waiting: list[Event] = []
        self._keeping: asyncio.Task[None] | None = None

    def emit(self, event: Event) -> None:
        """Queues an event and returns at once."""
        self._put(event)

    async def keep(self, event: Event) -> None:
        """Returns when the event is committed, or never will be because another process holds the ledger."""
        await asyncio.shield(self._put(event))

    def _put(self, event: Event) -> asyncio.Task[None]:
        self._waiting.append(event)
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._empty(), name="events of the process")
        return self._keeping

    async def _empty(self) -> None:
        while events := list(self._waiting):
            try:
                await self._ledger.commit(CommitBatch(events=events))
            except LedgerUnavailable as error:
                log.warning("events cannot be stored yet", count=len(events), error=str(error))
                await self._clock.sleep(RETRY_SECONDS)
            except LeaseLost:
                return
            else:
                del self._waiting[: len(events)]
