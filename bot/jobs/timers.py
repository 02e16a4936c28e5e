"""Timers, by APScheduler. They put messages into the inbox or refresh what is shown; they trade nothing."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time, timedelta
from functools import partial

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from core.adapters.ledger.sql_ledger import SqlLedger
from core.domain.errors import ExchangeUnavailable, LeaseLost, LedgerUnavailable
from core.domain.events.outages import PartTroubled
from core.domain.events.table import Event
from core.domain.messages import ApprovalTimedOut, Message, PauseTimedOut
from core.engine.inbox import CONTROLS, Inbox
from core.ports.clock import Clock
from core.ports.venue import Venue
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 20.0  # a shorter hiccup of the exchange is not worth an alert

Job = Callable[[], Awaitable[None]]


def schedule(jobs: dict[str, tuple[float, Job]]) -> AsyncIOScheduler:
    """Returns a scheduler that runs each job at once and then at its interval in seconds, one run at a time; late runs are not
    repeated."""
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


def schedule_once(scheduler: AsyncIOScheduler, name: str, job: Job, after: float) -> None:
    """Adds a job that runs once, after `after` seconds."""
    at = datetime.now(UTC) + timedelta(seconds=after)
    scheduler.add_job(partial(_until_stopped, job), "date", run_date=at, id=name, misfire_grace_time=None)


def schedule_daily(scheduler: AsyncIOScheduler, name: str, job: Job, at: time) -> None:
    """Adds a job that runs once a day at `at`, UTC; one that is late by up to an hour still runs."""
    scheduler.add_job(
        partial(_until_stopped, job), "cron", hour=at.hour, minute=at.minute, id=name, coalesce=True, misfire_grace_time=3600
    )


async def _until_stopped(job: Job) -> None:
    # The scheduler's shutdown cancels a running job and would log that as the job's own error. If the ledger is lost, the process
    # ends and says so.
    with contextlib.suppress(asyncio.CancelledError, LeaseLost):
        await job()


class ApprovalTimer:
    """Expires approvals that nobody answered: by the clock, or once they have been open for their full time, whatever happened
    to the clock."""

    def __init__(self, portfolio: Portfolio, inbox: Inbox, clock: Clock) -> None:
        self._portfolio = portfolio
        self._inbox = inbox
        self._clock = clock
        self._said: set[str] = set()
        self._seen_at: dict[str, float] = {}

    async def run(self) -> None:
        now, seconds = self._clock.now(), self._clock.monotonic()
        self._said &= self._portfolio.approvals.keys()
        self._seen_at = {token: self._seen_at.get(token, seconds) for token in self._portfolio.approvals}
        due = [
            one
            for one in self._portfolio.approvals.values()
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


class PauseTimer:
    """Ends a pause whose time is up."""

    def __init__(self, portfolio: Portfolio, inbox: Inbox, clock: Clock) -> None:
        self._portfolio = portfolio
        self._inbox = inbox
        self._clock = clock
        self._said: datetime | None = None

    async def run(self) -> None:
        now, until = self._clock.now(), self._portfolio.trading_state.until
        if until is None or until > now or until == self._said:
            return
        try:
            await self._inbox.deliver([Message("timer", f"pause:{until.isoformat()}", CONTROLS, PauseTimedOut(until), now)])
        except LedgerUnavailable as error:
            log.warning("a pause cannot be ended yet", error=str(error))
            return
        self._said = until


class PartWatch:
    """Alerts when a part has not answered for a while, and again when it is back."""

    def __init__(
        self,
        part: str,
        ready: Callable[[], tuple[bool, str]],
        emit: Callable[[Event], None],
        clock: Clock,
        *,
        patience: float = PATIENCE_SECONDS,
        back: Callable[[], None] = lambda: None,
    ) -> None:
        """Takes `patience` in seconds; `back` is called when the part answers again after longer than that."""
        self._part = part
        self._ready = ready
        self._emit = emit
        self._clock = clock
        self._patience = patience
        self._back = back
        self._away_since: float | None = None
        self._is_reported = False

    async def run(self) -> None:
        well, word = self._ready()
        now = self._clock.monotonic()
        if well:
            if self._is_reported:
                self._back()
                self._emit(PartTroubled(self._part, recovered=True, detail=""))
            self._away_since, self._is_reported = None, False
            return
        self._away_since = now if self._away_since is None else self._away_since
        if not self._is_reported and now - self._away_since >= self._patience:
            self._emit(PartTroubled(self._part, recovered=False, detail=word))
            self._is_reported = True


class BalanceReader:
    """Refreshes the account's balances for `/balance` and `/status`."""

    def __init__(self, portfolio: Portfolio, venue: Venue, clock: Clock) -> None:
        self._portfolio = portfolio
        self._venue = venue
        self._clock = clock

    async def run(self) -> None:
        try:
            asked_at = self._clock.now()
            self._portfolio.balances = await self._venue.balances()
            self._portfolio.balances_at = asked_at
        except (ExchangeUnavailable, LedgerUnavailable) as error:
            log.warning("balances cannot be read", error=str(error))


class MarkWriter:
    """Stores the current prices of open positions in the ledger, where the dashboard finds them. Old prices are not written
    again."""

    def __init__(self, portfolio: Portfolio, market: MarketDataCache, ledger: SqlLedger) -> None:
        self._portfolio = portfolio
        self._market = market
        self._ledger = ledger
        self._written: dict[str, datetime] = {}

    async def run(self) -> None:
        quotes = [quote for one in self._portfolio.open_positions() if (quote := self._market.quote(one.symbol)) is not None]
        new = [quote for quote in quotes if self._written.get(quote.symbol) != quote.at]
        if not new:
            return
        try:
            await self._ledger.mark(new)
        except LedgerUnavailable:
            return  # the part that failed reports it
        self._written = {quote.symbol: quote.at for quote in quotes}


class RulesReader:
    """Refreshes the symbols' rules, to see trading halts and new minimums."""

    def __init__(self, market: MarketDataCache) -> None:
        self._market = market

    async def run(self) -> None:
        known = list(self._market.symbols())
        if not known:
            return
        try:
            await self._market.load_instruments(known)
        except ExchangeUnavailable as error:
            log.warning("symbol rules cannot be read", error=str(error))
