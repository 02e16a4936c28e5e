"""Compares ledger, exchange and history of the day before once a day and reports the result. Repeats days that were missed or
differed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

import structlog

from bot.cli.daily_reconciliation import day_of
from core.domain.daily_proof import Proof, Proved
from core.domain.errors import LeaseLost, LedgerUnavailable, MarketFlowError
from core.domain.events.daily_proof import DayProved, DayUnproved, proved
from core.ports.clock import Clock

RETRIES = (60.0, 600.0, 3600.0, 3600.0, 0.0)  # seconds between two attempts
DAYS = 7
"""For so many days a missed or differing day is proved again."""

log = structlog.get_logger(__name__)


class Proves(Protocol):
    """Compares the records of a UTC day. Raises MarketFlowError."""

    async def prove(self, day: datetime) -> Proof: ...


class Proofs(Protocol):
    """Stores the results. Raises LedgerUnavailable."""

    async def keep_proof(self, event: DayProved | DayUnproved) -> None: ...

    async def proofs(self, since: str) -> Mapping[str, Proved]: ...


class DailyReconciliationJob:
    """Call `run` once a day, and once after a start, as the day may have turned before it; days already proved are left alone."""

    def __init__(
        self,
        prover: Proves,
        proofs: Proofs,
        clock: Clock,
        show: Callable[[datetime | None, int], None],
        began_at: Callable[[], Awaitable[datetime | None]],
    ) -> None:
        """Takes `show`, which updates the metrics: when a day was last proved and how much differs in the last days. `began_at`
        returns the time of the first start: no day before it is proved."""
        self._prover = prover
        self._proofs = proofs
        self._clock = clock
        self._show = show
        self._began_at = began_at
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Proves the days that are due, the oldest first."""
        if self._turn.locked():
            return  # the run in progress does the same
        async with self._turn:
            try:
                for day in _due(self._yesterday(), await self._known()):
                    if await self._has_begun(day):
                        await self._prove(day)
                await self.recall()
            except (LedgerUnavailable, LeaseLost) as error:
                log.warning("the result of the daily comparison cannot be stored", error=str(error))

    async def _has_begun(self, day: date) -> bool:
        began_at = await self._began_at()
        return began_at is not None and began_at.date() <= day

    async def recall(self) -> None:
        """Shows what an earlier process found. Raises LedgerUnavailable."""
        known = await self._known()
        newest = max((one.at for one in known.values() if one.complete), default=None)
        self._show(newest, sum(one.differences for one in known.values()))

    async def _prove(self, day: date) -> None:
        begin, proof, problem = datetime.combine(day, time(), UTC), None, ""
        for wait in RETRIES:
            try:
                proof = await self._prover.prove(begin)
                problem = proof.history_problem
            except MarketFlowError as error:
                problem = str(error)
            if not problem:
                break
            log.warning("the daily comparison is not complete yet", day=str(day), error=problem)
            await self._clock.sleep(wait)
        await self._proofs.keep_proof(DayUnproved(str(day), problem) if proof is None else proved(proof))

    def _yesterday(self) -> date:
        return day_of(None, self._clock.now()).date()

    async def _known(self) -> Mapping[date, Proved]:
        """Returns the results of the last days."""
        since = self._yesterday() - timedelta(days=DAYS - 1)
        return {date.fromisoformat(day): one for day, one in (await self._proofs.proofs(since.isoformat())).items()}


def _due(yesterday: date, known: Mapping[date, Proved]) -> list[date]:
    """Returns yesterday and every day since the first proved one that is missing, lacks the history or differs."""
    first = min([yesterday, *known])
    days = [first + timedelta(days=number) for number in range((yesterday - first).days + 1)]
    return [day for day in days if day not in known or not known[day].complete or known[day].differences]
