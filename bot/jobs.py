"""Timers, by APScheduler. They put messages in or refresh what is shown; they trade nothing."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from core.book import Book
from core.domain.errors import ExchangeUnavailable, LedgerUnavailable
from core.domain.events import Event, PartTroubled
from core.domain.messages import ApprovalTimedOut, Message
from core.inbox import Inbox
from core.market import Market
from core.ports import Clock, Venue

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 20.0  # an exchange that hiccups for less is not worth waking anybody

SHORT_SECONDS = 3.0  # a ledger that hiccups for less is not worth a word

Job = Callable[[], Awaitable[None]]


def schedule(jobs: dict[str, tuple[float, Job]]) -> AsyncIOScheduler:
    """A scheduler that runs each job at once and then every so many seconds, one run at a time; a late run is not repeated."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    for name, (seconds, job) in jobs.items():
        scheduler.add_job(
            partial(_until_stopped, job),
            "interval",
            seconds=seconds,
            id=name,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
            next_run_time=datetime.now(UTC),
        )
    return scheduler


async def _until_stopped(job: Job) -> None:
    # The scheduler's shutdown cancels a job that is running, and would log that as the job's own error.
    with contextlib.suppress(asyncio.CancelledError):
        await job()


class ApprovalTimer:
    """Says, for each question whose time is up, that nobody answered: by the clock, or because it has been open for as long as it
    was given, whatever was done to the clock since it was asked."""

    def __init__(self, book: Book, inbox: Inbox, clock: Clock) -> None:
        self._book = book
        self._inbox = inbox
        self._clock = clock
        self._said: set[str] = set()
        self._seen_at: dict[str, float] = {}

    async def run(self) -> None:
        now, seconds = self._clock.now(), self._clock.monotonic()
        self._said &= self._book.approvals.keys()
        self._seen_at = {token: self._seen_at.get(token, seconds) for token in self._book.approvals}
        due = [
            one
            for one in self._book.approvals.values()
            if one.token not in self._said
            and (one.expires_at <= now or seconds - self._seen_at[one.token] >= (one.expires_at - one.asked_at).total_seconds())
        ]
        if not due:
            return
        messages = [Message("timer", f"approval:{one.token}", one.signal.symbol, ApprovalTimedOut(one.token), now) for one in due]
        try:
            await self._inbox.deliver(messages)
        except LedgerUnavailable as error:
            log.warning("approvals cannot be timed out yet", error=str(error))
            return
        self._said |= {one.token for one in due}


class ExchangeWatch:
    """Tells that the exchange does not answer, once it has not for a while, and that it is back."""

    def __init__(
        self, market: Market, tell: Callable[[Event], None], clock: Clock, back: Callable[[], None] = lambda: None
    ) -> None:
        """`back` is called when the exchange answers again after a while."""
        self._market = market
        self._tell = tell
        self._back = back
        self._clock = clock
        self._away_since: float | None = None
        self._told = False

    async def run(self) -> None:
        well, word = self._market.ready
        now = self._clock.monotonic()
        if well:
            if self._told:
                self._back()
                self._tell(PartTroubled("exchange", recovered=True, detail=""))
            self._away_since, self._told = None, False
            return
        self._away_since = now if self._away_since is None else self._away_since
        if not self._told and now - self._away_since >= PATIENCE_SECONDS:
            self._tell(PartTroubled("exchange", recovered=False, detail=word))
            self._told = True


class LedgerWatch:
    """Tells, once the ledger can be written again, that it could not be for a while: until then nothing can be kept."""

    def __init__(self, ready: Callable[[], tuple[bool, str]], tell: Callable[[Event], None], clock: Clock) -> None:
        self._ready = ready
        self._tell = tell
        self._clock = clock
        self._away_since: float | None = None
        self._word = ""

    async def run(self) -> None:
        well, word = self._ready()
        now = self._clock.monotonic()
        if not well:
            self._away_since = now if self._away_since is None else self._away_since
            self._word = word
        elif self._away_since is not None:
            away, self._away_since = now - self._away_since, None
            if away >= SHORT_SECONDS:
                trouble = f"It could not be written for {away:.0f} s ({self._word})."
                detail = f"{trouble} Nothing was traded meanwhile, nothing is lost."
                self._tell(PartTroubled("ledger", recovered=True, detail=detail))


class BalanceReader:
    """Keeps the account's balances for `/balance` and `/status`."""

    def __init__(self, book: Book, venue: Venue, clock: Clock) -> None:
        self._book = book
        self._venue = venue
        self._clock = clock

    async def run(self) -> None:
        try:
            self._book.balances = await self._venue.balances()
            self._book.balances_at = self._clock.now()
        except (ExchangeUnavailable, LedgerUnavailable) as error:
            log.warning("balances cannot be read", error=str(error))


class RulesReader:
    """Keeps the symbols' rules: a halt, a new minimum."""

    def __init__(self, market: Market) -> None:
        self._market = market

    async def run(self) -> None:
        known = list(self._market.instruments())
        if not known:
            return
        try:
            await self._market.load_instruments(known)
        except ExchangeUnavailable as error:
            log.warning("symbol rules cannot be read", error=str(error))
