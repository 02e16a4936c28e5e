"""The schedule: every timer of the program with its interval."""

from collections.abc import Callable
from contextlib import suppress
from datetime import time

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.app.building import Parts
from bot.app.gauges import ClockOffset, Gauges
from bot.cli.daily_reconciliation import Prover
from bot.commands.liquidation import PanicTimer
from bot.jobs.api_key_check import ApiKeyCheck
from bot.jobs.backlog_report import BacklogReport
from bot.jobs.daily_reconciliation_job import DailyReconciliationJob
from bot.jobs.digest_job import DigestTimer
from bot.jobs.heartbeat_ping import EVERY_SECONDS, HeartbeatPing
from bot.jobs.ledger_outage import LedgerOutageJob
from bot.jobs.retention_job import RetentionJob
from bot.jobs.standby_watch import LOOK_SECONDS
from bot.jobs.timers import (
    ApprovalTimer,
    BalanceReader,
    Job,
    MarkWriter,
    PartWatch,
    PauseTimer,
    RulesReader,
    schedule,
    schedule_daily,
    schedule_once,
)
from bot.settings.fields import TradingMode
from core.adapters.ledger.pruning import LedgerPruning
from core.adapters.ledger.queries import LedgerQueries
from core.domain.errors import LedgerUnavailable

COMPARE_SECONDS = 300.0
MARK_SECONDS = 5.0
EQUITY_SECONDS = 60.0
RULES_SECONDS = 300.0  # how old a symbol's rules may become: a new minimum or step makes orders fail
HISTORY_PATIENCE_SECONDS = 600.0  # nothing is lost while it is away
PROOF_AT = time(0, 10)  # UTC; late enough for signals at the end of the day
PRUNE_AT = time(3, 40)  # UTC; long after the proof of the day before
PROOF_AFTER_START_SECONDS = 120.0
KEY_AFTER_START_SECONDS = 2.0
PROTECTION_SECONDS = 1.0
POLL_SECONDS = 2.0  # while nothing else reports on the orders that rest on the exchange


async def build_schedule(parts: Parts) -> AsyncIOScheduler:
    """Returns the scheduler with every job; nothing runs before it is started."""
    settings, ledger, clock = parts.base.settings, parts.base.ledger, parts.base.clock
    scheduler = schedule({**_of_trading(parts), **_of_parts(parts), **_of_reports(parts)})
    symbols = settings.symbols or frozenset({settings.symbol})
    prover = Prover(ledger, parts.base.venue, parts.intake.warehouse.history, clock, symbols)
    proof = DailyReconciliationJob(prover, ledger, clock, parts.base.metrics.proof, LedgerQueries(ledger.reader).began_at)
    with suppress(LedgerUnavailable):
        await proof.recall()
    schedule_daily(scheduler, "proof", proof.run, PROOF_AT)
    if (days := settings.retention_days) is not None:
        schedule_daily(scheduler, "pruning", RetentionJob(LedgerPruning(ledger), days, clock).run, PRUNE_AT)
    if settings.trading_mode is TradingMode.LIVE:  # the testnet says nothing about a key
        check = ApiKeyCheck(parts.base.client, parts.base.events.emit, clock)
        schedule_once(scheduler, "key", check.run, KEY_AFTER_START_SECONDS)
    schedule_once(scheduler, "proof after the start", proof.run, PROOF_AFTER_START_SECONDS)
    return scheduler


def _of_trading(parts: Parts) -> dict[str, tuple[float, Job]]:
    """Returns the timers that put messages into the inbox or refresh what trading knows."""
    trading, clock = parts.trading, parts.base.clock
    portfolio, inbox = trading.portfolio, trading.inbox
    jobs: dict[str, tuple[float, Job]] = {
        "approvals": (1.0, ApprovalTimer(portfolio, inbox, clock).run),
        "exits": (1.0, trading.exits.run),
        "entries": (1.0, trading.entries.run),
        "protection": (PROTECTION_SECONDS, trading.protection.run),
        "resting orders": (POLL_SECONDS, trading.hearing.run),
        "panic": (1.0, PanicTimer(parts.chat.context).run),
        "pause": (1.0, PauseTimer(portfolio, inbox, clock).run),
        "comparison": (COMPARE_SECONDS, _awaitable(trading.compare)),
        "balances": (30.0, BalanceReader(portfolio, parts.base.venue, clock).run),
        "equity": (EQUITY_SECONDS, trading.equity.run),
        "marks": (MARK_SECONDS, MarkWriter(portfolio, trading.market, parts.base.ledger).run),
        "rules": (RULES_SECONDS, RulesReader(trading.market).run),
    }
    if parts.base.settings.trading_mode is not TradingMode.PAPER:
        jobs["clock"] = (60.0, ClockOffset(parts).run)
    return jobs


def _of_parts(parts: Parts) -> dict[str, tuple[float, Job]]:
    """Returns the timers that watch the program's parts."""
    trading, emit, clock, warehouse = parts.trading, parts.base.events.emit, parts.base.clock, parts.intake.warehouse
    exchange = PartWatch("exchange", lambda: trading.market.ready, emit, clock, back=trading.compare)
    jobs: dict[str, tuple[float, Job]] = {
        "gauges": (2.0, Gauges(parts).run),
        "standbys": (LOOK_SECONDS, parts.base.standbys.run),
        "exchange": (2.0, exchange.run),
        "ledger": (1.0, _ledger_outage(parts).run),
    }
    if (table := warehouse.table) is not None:
        jobs["signals table"] = (2.0, PartWatch("signals_table", lambda: table.ready, emit, clock).run)
    if (export := warehouse.export) is not None:
        watch = PartWatch("history", lambda: export.ready, emit, clock, patience=HISTORY_PATIENCE_SECONDS)
        jobs["history"] = (10.0, watch.run)
    if (address := parts.base.settings.heartbeat_url) is not None:
        jobs["heartbeat"] = (EVERY_SECONDS, HeartbeatPing(address, parts.health.of_required).run)
    return jobs


def _of_reports(parts: Parts) -> dict[str, tuple[float, Job]]:
    """Returns the timers that report to people."""
    ledger, context, intake = parts.base.ledger, parts.chat.context, parts.intake
    since = ledger.away_since or context.program.started_at  # the last sign of life of the process before this one
    has_shadow = parts.base.settings.shadow == "on"
    digests = DigestTimer(context, context.people.recipients, parts.trading.inbox, parts.base.clock, since, has_shadow=has_shadow)
    backlog = BacklogReport(
        LedgerQueries(ledger.reader),
        parts.base.clock,
        away_since=ledger.away_since,
        newest_seq=parts.base.newest_seq,
        is_read=intake.is_read,
        emit=parts.base.events.emit,
    )
    return {
        "digests": (20.0, digests.run),
        "catching up": (3.0, backlog.run),
        "undelivered signals": (5.0, intake.undelivered.run),
        "unauthenticated requests": (5.0, intake.unauthenticated.run),
    }


def _ledger_outage(parts: Parts) -> LedgerOutageJob:
    ledger, trading, intake = parts.base.ledger, parts.trading, parts.intake
    watch = LedgerOutageJob(
        lambda: ledger.ready,
        parts.chat.emergency.say,
        parts.base.events.emit,
        parts.base.clock,
        held=lambda: [position.symbol for position in trading.portfolio.open_positions()],
        is_read=lambda: intake.is_read() and not len(trading.inbox),
    )
    ledger.observers.append(watch)
    return watch


def _awaitable(action: Callable[[], None]) -> Job:
    async def run() -> None:
        action()

    return run
