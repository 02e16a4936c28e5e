"""Looks which standbys wait for the ledger, for /status, the metrics and a handover."""

from collections.abc import Callable, Sequence

import structlog

from core.adapters.execution_logger import ExecutionLogger
from core.adapters.ledger.reader import LedgerReader
from core.adapters.ledger.standbys import waiting_standbys
from core.domain.errors import LedgerUnavailable

log = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0


class StandbyWatch:
    """The standbys as last seen. On SQLite there can be none."""

    def __init__(self, reader: LedgerReader, metrics: ExecutionLogger, *, is_sure: Callable[[], bool]) -> None:
        """Builds it. `is_sure` tells whether no other process can hold the ledger."""
        self._reader = reader
        self._is_sure = is_sure
        self._metrics = metrics
        self._names: Sequence[str] = ()

    @property
    def names(self) -> Sequence[str] | None:
        """Returns the names of the processes that wait; None where none can."""
        return self._names if self._reader.has_sessions else None

    async def run(self) -> None:
        """Looks once. While the ledger does not answer, what was seen last counts: a standby may be about to take over. If this
        process is not sure of the ledger, it counts too: one that no longer waits may have taken over."""
        try:
            names = await waiting_standbys(self._reader)
            if names or self._is_sure():
                self._names = names
        except LedgerUnavailable as error:
            log.warning("nobody knows whether a standby waits", error=str(error))
        self._metrics.standbys(len(self._names))
