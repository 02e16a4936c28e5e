"""The composition root: where concrete parts meet. Reads as a signal travels; decides nothing about trading."""

import asyncio
import gc
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial
from importlib.metadata import version

import structlog
from fastapi import APIRouter

from bot.access.confirmations import Confirmations
from bot.access.roles import Roles
from bot.access.totp import OneTimeCodes
from bot.cli.daily_reconciliation import Prover
from bot.clock import SystemClock
from bot.commands.actions import Actions
from bot.commands.context import CommandContext, People
from bot.commands.exchange_view import ExchangeView
from bot.commands.ledger_reads import LedgerReads
from bot.commands.liquidation import PanicTimer
from bot.commands.program_status import ProgramStatus
from bot.factories import check_trading_mode, connect_snowflake, kafka_options, limits_of, open_venue, today_of
from bot.jobs.api_key_check import ApiKeyCheck
from bot.jobs.backlog_report import BacklogReport
from bot.jobs.daily_reconciliation_job import DailyReconciliationJob
from bot.jobs.digest_job import DigestTimer
from bot.jobs.heartbeat_ping import EVERY_SECONDS, HeartbeatPing
from bot.jobs.ledger_outage import LedgerOutageJob, end_lines
from bot.jobs.retention_job import RetentionJob
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
from bot.lifecycle import Lifecycle, stop_on_signals
from bot.notifications.dispatcher import NotificationDispatcher
from bot.notifications.emergency_alert import EmergencyAlert
from bot.notifications.event_emitter import EventEmitter
from bot.observability.logging_setup import configure_logging
from bot.observability.loki_handler import LokiHandler
from bot.process_identity import this_program
from bot.settings.fields import TradingMode
from bot.settings.settings import Settings
from bot.subscriptions.recipients import Recipients
from bot.telegram.client import connect, name_of
from bot.telegram.rate_limiter import RateLimiters
from bot.telegram.single_instance import SingleInstance
from bot.telegram.telegram_app import TelegramChat
from bot.web.health import create_web_app
from bot.web.metrics import create_metrics_app
from bot.web.server import serve_web
from bot.web.unauthenticated_requests import TurnedAway
from bot.web.undelivered_signals import TurnedBack
from bot.web.webhook import signal_routes
from core.adapters.binance.binance_client import BinanceClient
from core.adapters.execution_logger import ExecutionLogger
from core.adapters.kafka.source import KafkaSource
from core.adapters.ledger.analytics import LedgerAnalytics
from core.adapters.ledger.opening import open_ledger
from core.adapters.ledger.pruning import LedgerPruning
from core.adapters.ledger.queries import LedgerQueries
from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.ledger.stories import LedgerStories
from core.adapters.paper.paper_exchange import PaperExchange
from core.domain.access import Reader
from core.domain.errors import ConfigurationError, ExchangeUnavailable, LedgerUnavailable
from core.domain.events.intake import SignalsLost
from core.domain.events.outages import PartTroubled
from core.domain.events.process import Started
from core.domain.messages import Message, ReaderRequested, SourcePosition
from core.domain.position import Position
from core.domain.trading_state import TradingState
from core.engine.inbox import CONTROLS
from core.ports.market_data import MarketData
from core.records.ledger_state import LedgerState
from core.state.portfolio import Portfolio
from core.trading import Trading

log = structlog.get_logger(__name__)

SETTLE_SECONDS = 25.0  # how long a clean end waits for orders in flight; systemd kills later, Docker as late as it is told to
SAY_SECONDS = 3.0
RETRY_SECONDS = 2.0
SWITCH_SECONDS = 0.0005  # the ledger's thread must not hold up the event loop for Python's usual 5 ms
COMPARE_SECONDS = 300.0
MARK_SECONDS = 5.0
GAUGE_SECONDS = 10.0  # a ledger that takes longer is asked again at the next turn
PROOF_AT = time(0, 10)  # UTC; late enough for what came at the end of the day
PRUNE_AT = time(3, 40)  # UTC; long after the proof of the day before
PROOF_AFTER_START_SECONDS = 120.0
KEY_AFTER_START_SECONDS = 2.0
HISTORY_PATIENCE_SECONDS = 600.0  # nothing is lost while it is away
RULES_SECONDS = 300.0  # how old a symbol's rules may become: a new minimum or step makes orders fail


@dataclass(frozen=True, slots=True)
class Embedded:
    """What the demo puts in the place of the outside: `market_data` instead of Binance's, and how patient a Kafka fetch is."""

    market_data: MarketData | None = None
    fetch_max_wait_ms: int = 500


async def run(settings: Settings, embedded: Embedded | None = None, on_ready: Callable[[], None] = lambda: None) -> None:
    """The whole program, until SIGTERM or Ctrl-C. Raises ConfigurationError before anything is started."""
    if missing := settings.missing_for_run():
        raise ConfigurationError(missing)
    loki = LokiHandler(settings.loki_url.get_secret_value()) if settings.loki_url is not None else None
    configure_logging(settings, loki=loki)
    sys.setswitchinterval(SWITCH_SECONDS)
    for warning in settings.warnings:
        log.warning(warning)
    if unused := settings.unused():
        log.warning("set, but not acted upon by this version", settings=", ".join(unused))
    async with AsyncExitStack() as stack:
        ledger = await open_ledger(settings.database_url.get_secret_value(), SystemClock())
        stack.push_async_callback(ledger.close)
        embedded = embedded or Embedded()
        venue, client = await stack.enter_async_context(open_venue(settings, ledger, embedded.market_data))
        await check_trading_mode(settings, ledger)
        state = await ledger.load(today_of(SystemClock()))
        program = _Program(
            settings=settings,
            embedded=embedded,
            ledger=ledger,
            venue=venue,
            client=client,
            state=state,
            newest_seq=await LedgerQueries(ledger.reader).newest_seq(),
            traded_at=await LedgerQueries(ledger.reader).last_on_exchange(),
            loki=loki,
        )
        # What is loaded by now stays: the collector need not walk through it again and again while orders wait.
        gc.collect()
        gc.freeze()
        await program.run(on_ready)


class _Program:
    """The parts, connected; started and stopped in order."""

    def __init__(
        self,
        *,
        settings: Settings,
        embedded: Embedded,
        ledger: SqlLedger,
        venue: BinanceClient | PaperExchange,
        client: BinanceClient,
        state: LedgerState,
        newest_seq: int,
        traded_at: datetime | None,
        loki: LokiHandler | None,
    ) -> None:
        self.loki = loki
        self.settings = settings
        self.ledger = ledger
        self.venue = venue
        self.client = client
        self.state = state
        self.newest_seq = newest_seq
        self.clock = clock = SystemClock()
        self.lifecycle = Lifecycle()
        self.notes: list[str] = []
        self.events = EventEmitter(ledger, clock)
        self.alone = SingleInstance(
            clock,
            self.events.tell,
            who=this_program(settings.database_url.get_secret_value()),
            has_account=settings.trading_mode is not TradingMode.PAPER,
            traded_at=traded_at,
            seen_at=ledger.away_since,
        )
        self.turned_away = TurnedAway(self.events.tell, clock)
        self.turned_back = TurnedBack(self.events.tell, clock, self._position)
        ledger.observers.append(self.turned_back)
        controls = TradingState(mode=settings.approval)
        self.metrics = ExecutionLogger(state)
        ledger.observers.append(self.metrics)
        self.trading = Trading(
            portfolio=Portfolio.from_ledger(state, controls, limits_of(settings), today_of(clock), settings.users),
            ledger=ledger,
            venue=venue,
            clock=clock,
            trading_mode=settings.trading_mode,
            timings=self.metrics,
            watched=settings.symbols or {settings.symbol},
            held_since=lambda: ledger.held_since,
            gate=self.alone.closed,
        )
        self.portfolio, self.market, self.inbox = self.trading.portfolio, self.trading.market, self.trading.inbox
        self.source = self._kafka(embedded)
        self.warehouse = connect_snowflake(settings, ledger, self.inbox, clock)
        if self.warehouse.export is not None:
            ledger.observers.append(self.warehouse.export)
        self._chat()

    def _position(self, symbol: str) -> Position:
        return self.portfolio.position(symbol)

    def _kafka(self, embedded: Embedded) -> KafkaSource | None:
        settings = self.settings
        if settings.kafka_broker is None:
            return None
        name = f"kafka:{settings.kafka_topic}"
        return KafkaSource(
            options=kafka_options(settings),
            topic=settings.kafka_topic,
            group=settings.kafka_group,
            dlq_topic=settings.kafka_dlq_topic,
            default_symbol=settings.symbol,
            deliver=self.inbox.deliver,
            stored_positions=lambda: self.ledger.source_positions(name),
            recorded=lambda ids: self.ledger.find_signals(name, ids),
            clock=self.clock,
            on_first_start=lambda: self.notes.append("from_latest"),
            on_state_change=lambda ready, detail: self.events.tell(PartTroubled("kafka", ready, detail)),
            on_gap=lambda partition, wanted, at: self.events.tell(SignalsLost(settings.kafka_topic, partition, wanted, at)),
            on_tombstones=self.metrics.tombstones,
            fetch_max_wait_ms=embedded.fetch_max_wait_ms,
        )

    def _chat(self) -> None:
        settings = self.settings
        if settings.tg_token is None or settings.tg_chat_id is None:
            raise ConfigurationError(settings.missing_for_run())
        token = settings.tg_token.get_secret_value()
        people = Roles(self.portfolio)
        alerts, answers = connect(token, settings.tg_api_url), connect(token, settings.tg_api_url)
        place = settings.tg_chat_id, settings.tg_topic_id
        recipients = Recipients(*place, settings.tg_lang, "UTC", people, self.portfolio, lambda: name_of(answers))
        paces, source = RateLimiters(self.clock), self.source
        self.direct = EmergencyAlert(connect(token, settings.tg_api_url), recipients, paces, self.clock)
        self.notifiers = NotificationDispatcher(
            alerts, recipients, self.ledger, self.clock, blocked=self._forget, quote=self.market.quote, paces=paces
        )
        reader = self.ledger.reader
        self.context = CommandContext(
            portfolio=self.portfolio,
            exchange=ExchangeView(self.market, self.trading.rates, self.venue, settings.trading_mode, settings.symbols),
            ledger=LedgerReads(LedgerQueries(reader), LedgerAnalytics(reader), LedgerStories(reader)),
            people=People(people, recipients, Confirmations(self.clock), self._codes()),
            actions=Actions(self.inbox, self.trading.decisions, self.clock),
            program=ProgramStatus(
                version=version("marketflow"),
                started_at=self.clock.now(),
                bot_name=recipients.bot_name,
                health=lambda: {name: ask() for name, ask in {**self.parts, **self._besides}.items()},
                alerts_waiting=lambda: self.notifiers.waiting,
                lag=(lambda: source.lag) if source is not None else None,
                clock_offset=lambda: self.client.clock_offset_seconds,
            ),
            clock=self.clock,
            language=settings.tg_lang,
            zone="UTC",
        )
        self.chat = TelegramChat(answers, self.context, self.ledger, paces, self.alone)

    def _codes(self) -> OneTimeCodes | None:
        key = self.settings.tg_totp_secret
        return OneTimeCodes(key.get_secret_value(), self.portfolio.authenticators, self.clock) if key is not None else None

    async def _forget(self, user_id: int) -> None:
        """A person who has blocked the bot is told no more, until the next /start."""
        now = self.clock.now()
        wish = ReaderRequested(Reader(user_id, active=False), user_id, "", ("active",))
        message = Message("telegram", f"blocked:{user_id}:{now.isoformat()}", CONTROLS, wish, now)
        try:
            await self.inbox.submit(message)
        except LedgerUnavailable as error:
            log.warning("that a person has blocked the bot is found out again at the next start", error=str(error))

    @property
    def parts(self) -> Mapping[str, Callable[[], tuple[bool, str]]]:
        """Each part that must be well for the process to be ready."""
        source, table = self.source, self.warehouse.table
        return {
            "ledger": lambda: self.ledger.ready,
            "exchange": lambda: self.market.ready,
            "instruments": lambda: self.market.instruments_ready,
            **({"kafka": lambda: source.ready} if source is not None else {}),
            **({"signals_table": lambda: table.ready} if table is not None else {}),
            "telegram": lambda: self.chat.ready if not self.chat.ready[0] else self.notifiers.ready,
            "alone": lambda: self.alone.ready,
        }

    @property
    def _besides(self) -> Mapping[str, Callable[[], tuple[bool, str]]]:
        """What trading does not need: it may be away for a day."""
        export = self.warehouse.export
        history = {"history": lambda: export.ready} if export is not None else {}
        return {"account": lambda: self.trading.comparing.ready, **history}

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Starts everything, waits until told to stop, and ends in the order that settles what is in flight."""
        self._catching_up = BacklogReport(
            LedgerQueries(self.ledger.reader),
            self.clock,
            away_since=self.ledger.away_since,
            newest_seq=self.newest_seq,
            is_read=self._is_read,
            tell=self.events.tell,
        )
        jobs = schedule(self._jobs())
        proof = DailyReconciliationJob(self._prover(), self.ledger, self.clock, self.metrics.proof)
        with suppress(LedgerUnavailable):
            await proof.recall()
        schedule_daily(jobs, "proof", proof.run, PROOF_AT)
        if (days := self.settings.retention_days) is not None:
            schedule_daily(jobs, "pruning", RetentionJob(LedgerPruning(self.ledger), days, self.clock).run, PRUNE_AT)
        if self.settings.trading_mode is TradingMode.LIVE:  # the testnet tells nothing about a key
            schedule_once(jobs, "key", ApiKeyCheck(self.client, self.events.tell, self.clock).run, KEY_AFTER_START_SECONDS)
        schedule_once(jobs, "proof after the start", proof.run, PROOF_AFTER_START_SECONDS)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.warehouse.close)
            stack.push_async_callback(self.direct.close)
            await self._serve(stack)
            stack.enter_context(stop_on_signals(self.lifecycle))
            self.inbox.start_controls(self.state.waiting)
            try:
                self.lifecycle.start("lease", self.ledger.keep_lease())
                self.lifecycle.start("notifiers", self.notifiers.run())
                self.lifecycle.start("chat", self.chat.run())
                self.lifecycle.start("prices", self.market.run())
                self.lifecycle.start("comparing", self.trading.comparing.run())
                self.lifecycle.start("trading", self._trade(on_ready))
                self.lifecycle.start("mailboxes", self._watch_mailboxes())
                if self.warehouse.export is not None:
                    self.lifecycle.start("history", self.warehouse.export.run())
                jobs.start()
                await self.lifecycle.wait()
            except Exception as error:
                await self.direct.say_last(partial(end_lines, error, self.alone.who))
                raise
            finally:
                await self.lifecycle.end("trading")
                jobs.shutdown(wait=False)
                if not self.ledger.lost:
                    await self._settle()
                await self.lifecycle.end("mailboxes", "chat")
                if not self.ledger.lost:
                    await self._say_the_rest()
                await self.lifecycle.end()

    @property
    def _since(self) -> datetime:
        """The last sign of life of the process before this one, else the start of this one."""
        return self.ledger.away_since or self.context.program.started_at

    def _is_read(self) -> bool:
        """Whether nothing is left to be read from where signals come from."""
        return self.source is None or self.source.lag == 0

    async def _serve(self, stack: AsyncExitStack) -> None:
        """Health and metrics, from before anything else until after everything."""
        settings = self.settings
        if settings.http_port:
            web = create_web_app(self.parts, self.context.program.version, *self._routes(), names=settings.http_allowed_hosts)
            await stack.enter_async_context(serve_web(web, settings.http_host, settings.http_port))
        if settings.metrics_port:
            metrics = create_metrics_app(self.metrics.registry, settings.http_allowed_hosts)
            await stack.enter_async_context(serve_web(metrics, settings.http_host, settings.metrics_port, "METRICS_PORT"))

    def _routes(self) -> list[APIRouter]:
        settings = self.settings
        if settings.webhook_secret is None:
            return []
        return [
            signal_routes(
                settings.webhook_secret.get_secret_value(),
                self.inbox.submit,
                self.ledger.find_signals,
                lambda letter: self.inbox.deliver([], [letter]),
                self.clock,
                note=self._note_refused,
                turned_back=self.turned_back.note,
                default_symbol=settings.symbol,
                window=settings.signal_max_age,
            )
        ]

    def _note_refused(self, why: str, unproved: bool) -> None:
        self.metrics.http_refused(why)
        if unproved:
            self.turned_away.note(why)

    async def _trade(self, on_ready: Callable[[], None]) -> None:
        """Start-up is crash recovery: rules, then for each symbol its unsettled order, what was left waiting, new signals."""
        await self._load_instruments()
        self.trading.start(self.state)
        await self._announce()
        on_ready()
        await asyncio.gather(*(source.run() for source in (self.source, self.warehouse.table) if source is not None))

    async def _load_instruments(self) -> None:
        # `*` allows every symbol: all rules are read at once, prices only as they are needed.
        while True:
            try:
                await self.trading.load_rules(every=self.settings.symbols is None)
            except ExchangeUnavailable as error:
                log.warning("the exchange does not answer; trading begins when it does", error=str(error))
                await self.clock.sleep(max(RETRY_SECONDS, error.retry_after))
            else:
                return

    async def _announce(self) -> None:
        if not self.portfolio.is_of(self.settings.report_asset):
            self.notes.append("other_asset")
        for source in (self.source, self.warehouse.table):
            if source is not None and not await self._positions(source.name):
                self.notes.append("from_latest")
        if (note := self.alone.note) is not None:
            self.notes.append(note)
        open_positions, away = len(self.portfolio.open_positions()), self.ledger.away_since
        notes = tuple(dict.fromkeys(self.notes))
        state = self.settings.trading_mode, self.portfolio.controls, open_positions
        await self.events.keep(Started(self.context.program.version, *state, notes, away))

    async def _positions(self, source: str) -> Mapping[int, SourcePosition]:
        while True:
            try:
                return await self.ledger.source_positions(source)
            except LedgerUnavailable as error:
                log.warning("the ledger does not answer; signals are read when it does", error=str(error))
                await self.clock.sleep(RETRY_SECONDS)

    async def _watch_mailboxes(self) -> None:
        await self.inbox.failure

    def _jobs(self) -> dict[str, tuple[float, Job]]:
        jobs: dict[str, tuple[float, Job]] = {
            "approvals": (1.0, ApprovalTimer(self.portfolio, self.inbox, self.clock).run),
            "digests": (20.0, DigestTimer(self.context, self.context.people.recipients, self.inbox, self.clock, self._since).run),
            "catching up": (3.0, self._catching_up.run),
            "exits": (1.0, self.trading.exits.run),
            "panic": (1.0, PanicTimer(self.context).run),
            "pause": (1.0, PauseTimer(self.portfolio, self.inbox, self.clock).run),
            "gauges": (2.0, self._read_gauges),
            "exchange": (
                2.0,
                PartWatch("exchange", lambda: self.market.ready, self.events.tell, self.clock, back=self.trading.compare).run,
            ),
            "ledger": (1.0, self._watch_ledger().run),
            "turned back": (5.0, self.turned_back.run),
            "comparison": (COMPARE_SECONDS, self._compare),
            "balances": (30.0, BalanceReader(self.portfolio, self.venue, self.clock).run),
            "marks": (MARK_SECONDS, MarkWriter(self.portfolio, self.market, self.ledger).run),
            "turned away": (5.0, self.turned_away.run),
            "rules": (RULES_SECONDS, RulesReader(self.market).run),
        }
        if (table := self.warehouse.table) is not None:
            jobs["signals table"] = (2.0, PartWatch("signals_table", lambda: table.ready, self.events.tell, self.clock).run)
        if (history := self.warehouse.export) is not None:
            patience = HISTORY_PATIENCE_SECONDS
            watch = PartWatch("history", lambda: history.ready, self.events.tell, self.clock, patience=patience)
            jobs["history"] = (10.0, watch.run)
        if (address := self.settings.heartbeat_url) is not None:
            ping = HeartbeatPing(address, lambda: {name: ask() for name, ask in self.parts.items()})
            jobs["heartbeat"] = (EVERY_SECONDS, ping.run)
        if self.settings.trading_mode is not TradingMode.PAPER:
            jobs["clock"] = (60.0, self._measure_clock)
        return jobs

    def _watch_ledger(self) -> LedgerOutageJob:
        watch = LedgerOutageJob(
            lambda: self.ledger.ready,
            self.direct.say,
            self.events.tell,
            self.clock,
            held=lambda: [position.symbol for position in self.portfolio.open_positions()],
            is_read=lambda: self._is_read() and not len(self.inbox),
        )
        self.ledger.observers.append(watch)
        return watch

    def _prover(self) -> Prover:
        symbols = self.settings.symbols or frozenset({self.settings.symbol})
        return Prover(self.ledger, self.venue, self.warehouse.history, self.clock, symbols)

    async def _compare(self) -> None:
        self.trading.compare()

    async def _read_gauges(self) -> None:
        parts = {name: ask()[0] for name, ask in {**self.parts, **self._besides}.items()}
        self.metrics.parts(parts, lease_held=self.ledger.may_trade)
        self.metrics.log_lines_dropped(self.loki.dropped if self.loki is not None else 0)
        if self.source is not None and self.source.lag is not None:
            self.metrics.kafka(self.source.lag, self.source.stored_at)
        try:
            async with asyncio.timeout(GAUGE_SECONDS):
                self.metrics.alerts_pending(await self.notifiers.pending())
                if self.warehouse.export is not None:
                    self.metrics.history_pending(await self.warehouse.export.pending())
        except (LedgerUnavailable, TimeoutError) as error:
            log.warning("alerts cannot be counted", error=str(error))

    async def _measure_clock(self) -> None:
        try:
            offset = await self.client.measure_clock()
        except ExchangeUnavailable as error:
            log.warning("the exchange's clock cannot be measured", error=str(error))
        else:
            self.portfolio.clock_offset = timedelta(seconds=offset)
            self.metrics.clock_offset(offset)

    async def _settle(self) -> None:
        self.trading.decisions.patient = False
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                await self.inbox.close()
        except TimeoutError:
            log.warning("an order is still unanswered; the next start finds out about it")

    async def _say_the_rest(self) -> None:
        try:
            async with asyncio.timeout(SAY_SECONDS):
                while await self.notifiers.pending():  # noqa: ASYNC110 - the outbox tells when it fills, not when it is empty
                    await asyncio.sleep(0.05)
        except (TimeoutError, LedgerUnavailable):
            log.info("some alerts are told at the next start")
