"""Reports once, after a start, what arrived while no process ran, and whether any of it came too late."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from core.domain.errors import LedgerUnavailable
from core.domain.events.process import CaughtUp
from core.domain.events.table import Event
from core.ports.clock import Clock

log = structlog.get_logger(__name__)

SHORTEST = timedelta(seconds=10)  # a shorter absence is not reported
_PATIENCE = timedelta(minutes=10)  # a source that lags for longer has problems of its own, which are reported elsewhere


class Arrivals(Protocol):
    """Counts what arrived by outcome. Raises LedgerUnavailable."""

    async def arrivals(self, seq: int, before: datetime) -> Mapping[str, int]: ...


class BacklogReport:
    """Waits until every source has been read to its end, then reports."""

    def __init__(
        self,
        arrivals: Arrivals,
        clock: Clock,
        *,
        away_since: datetime | None,
        newest_seq: int,
        is_read: Callable[[], bool],
        emit: Callable[[Event], None],
    ) -> None:
        """Takes `away_since`, the last sign of life before this start, `newest_seq`, the last message before it, and
        `is_read`, which tells whether every source is read to its end."""
        self._arrivals = arrivals
        self._clock = clock
        self._since = away_since
        self._started = clock.now()
        self._newest = newest_seq
        self._is_read = is_read
        self._emit = emit
        self._done = away_since is None or clock.now() - away_since < SHORTEST

    async def run(self) -> None:
        """Polls until the backlog is read, then reports once."""
        if self._done or self._since is None:
            return
        late = self._clock.now() - self._started > _PATIENCE
        if not self._is_read() and not late:
            return
        try:
            found = await self._arrivals.arrivals(self._newest, self._started)
        except LedgerUnavailable as error:
            log.warning("the signals of the absence cannot be counted yet", error=str(error))
            return
        if found.get("") and not late:
            return
        self._done = True
        self._emit(CaughtUp(self._since, self._started, sum(found.values()), found.get("expired", 0)))
