"""Looks which standbys wait for the ledger, for /status, the metrics and a handover."""

from collections.abc import Sequence

import structlog

from core.adapters.execution_logger import ExecutionLogger
from core.adapters.ledger.reader import LedgerReader
from core.adapters.ledger.standbys import waiting_standbys
from core.domain.errors import LedgerUnavailable

log = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0


class StandbyWatch:
    """The standbys as last seen. On SQLite there can be none."""

    def __init__(self, reader: LedgerReader, metrics: ExecutionLogger) -> None:
        self._reader = reader
        self._metrics = metrics
        self._names: Sequence[str] = ()

    @property
    def names(self) -> Sequence[str] | None:
        """Returns the names of the processes that wait; None where none can."""
        return self._names if self._reader.has_sessions else None

    async def run(self) -> None:
        """Looks once; while the ledger does not answer, what was seen last counts: a standby may be about to take over."""
        try:
            self._names = await waiting_standbys(self._reader)
        except LedgerUnavailable as error:
            log.warning("nobody knows whether a standby waits", error=str(error))
        self._metrics.standbys(len(self._names))
