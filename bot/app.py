"""The composition root: where concrete parts meet. Reads as a signal travels; decides nothing about trading."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from importlib.metadata import version

import structlog
from prometheus_client import start_http_server

from bot.clock import SystemClock
from bot.config import Settings, TradingMode
from bot.desk import Desk
from bot.jobs import ApprovalTimer, BalanceReader, Job, RulesReader, schedule
from bot.lifecycle import Lifecycle, stop_on_signals
from bot.logs import configure_logging
from bot.telegram_app import TelegramChat
from bot.telegram_link import connect
from bot.telegram_notifier import TelegramNotifier
from bot.texts import texts
from bot.web.health import create_web_app
from bot.web.server import serve_web
from core.adapters.binance_client import BinanceClient
from core.adapters.execution_logger import ExecutionLogger
from core.adapters.kafka_settings import KafkaOptions
from core.adapters.kafka_source import KafkaSource
from core.adapters.ledger.paper_book import SqlPaperBook
from core.adapters.ledger.queries import LedgerQueries
from core.adapters.ledger.sql_ledger import SqlLedger, open_ledger
from core.adapters.paper_exchange import PaperExchange
from core.book import Book
from core.deciding import Deciding
from core.domain.controls import Controls
from core.domain.errors import ConfigurationError, ExchangeUnavailable, LedgerUnavailable
from core.domain.events import Event, PartTroubled, Started
from core.inbox import Inbox
from core.market import Market
from core.order_executor import OrderExecutor
from core.placement import Placement
from core.policy.picture import Limits
from core.ports import Changes, Clock, LedgerState, MarketData, Venue
from core.reconciler import Reconciler

log = structlog.get_logger(__name__)

PAPER_BALANCES: Mapping[str, Decimal] = {
    asset: Decimal(amount)
    for asset, amount in {"USDC": 10_000, "USDT": 10_000, "FDUSD": 10_000, "BTC": 1, "ETH": 5, "BNB": 20, "EUR": 10_000}.items()
}
SETTLE_SECONDS = 25.0  # how long a clean end waits for orders in flight; Docker and systemd kill later than that
SAY_SECONDS = 3.0
RETRY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Embedded:
    """What the demo puts in the place of the outside: `market_data` instead of Binance's, and how patient a Kafka fetch is."""

    market_data: MarketData | None = None
    fetch_max_wait_ms: int = 500


def limits_of(settings: Settings) -> Limits:
    """The owner's limits, as the policy knows them."""
    return Limits(
        symbols=settings.symbols,
        trade_qty=settings.trade_qty,
        trade_quote=settings.trade_quote,
        signal_max_age=settings.signal_max_age,
        price_band_pct=settings.price_band_pct,
        max_order_notional=settings.max_order_notional,
        max_open_positions=settings.max_open_positions,
        daily_loss_limit=settings.daily_loss_limit,
        approval_ttl=settings.approval_ttl,
    )


def kafka_options(settings: Settings) -> KafkaOptions:
    """How Kafka is reached. Raises ConfigurationError when no broker is set."""
    if settings.kafka_broker is None:
        raise ConfigurationError(["KAFKA_BROKER: not set; set it to host:port of the broker"])
    return KafkaOptions(
        servers=settings.kafka_broker,
        security_protocol=settings.kafka_security_protocol,
        username=settings.kafka_username,
        password=settings.kafka_password.get_secret_value() if settings.kafka_password else None,
        ca_file=settings.kafka_ssl_cafile,
    )


def binance_client(settings: Settings) -> BinanceClient:
    """Binance with the settings' key, or only its market data where there is none."""
    return BinanceClient(
        api_url=settings.binance_api_url,
        clock=SystemClock(),
        key=settings.binance_api_key.get_secret_value() if settings.binance_api_key else "",
        secret=settings.binance_api_secret.get_secret_value() if settings.binance_api_secret else "",
    )


def today_of(clock: Clock) -> str:
    """The present UTC day, `YYYY-MM-DD`."""
    return clock.now().date().isoformat()


@asynccontextmanager
async def open_venue(
    settings: Settings, ledger: SqlLedger, market_data: MarketData | None = None
) -> AsyncIterator[tuple[Venue, BinanceClient]]:
    """Where orders go in this trading mode, and the client of Binance's REST API."""
    client = binance_client(settings)  # it reaches for nothing before it is asked
    try:
        if settings.trading_mode is TradingMode.PAPER:
            data = market_data or client
            yield PaperExchange(market=data, book=SqlPaperBook(ledger), clock=SystemClock(), balances=PAPER_BALANCES), client
        else:
            yield client, client
    finally:
        await client.close()


async def run(settings: Settings, embedded: Embedded | None = None, on_ready: Callable[[], None] = lambda: None) -> None:
    """The whole program, until SIGTERM or Ctrl-C. Raises ConfigurationError before anything is started."""
    if missing := settings.missing_for_run():
        raise ConfigurationError(missing)
    configure_logging(settings)
    for warning in settings.warnings:
        log.warning(warning)
    if unused := settings.unused():
        log.warning("set, but not acted upon by this version", settings=", ".join(unused))
    async with AsyncExitStack() as stack:
        ledger = await open_ledger(settings.database_url.get_secret_value(), SystemClock())
        stack.push_async_callback(ledger.close)
        embedded = embedded or Embedded()
        venue, client = await stack.enter_async_context(open_venue(settings, ledger, embedded.market_data))
        state = await ledger.load(today_of(SystemClock()))
        await _Program(settings=settings, embedded=embedded, ledger=ledger, venue=venue, client=client, state=state).run(on_ready)


class _Program:
    """The parts, connected; started and stopped in order."""

    def __init__(
        self,
        *,
        settings: Settings,
        embedded: Embedded,
        ledger: SqlLedger,
        venue: Venue,
        client: BinanceClient,
        state: LedgerState,
    ) -> None:
        self.settings = settings
        self.ledger = ledger
        self.venue = venue
        self.client = client
        self.state = state
        self.clock = clock = SystemClock()
        self.lifecycle = Lifecycle()
        self.notes: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()
        controls = Controls(mode=settings.approval)
        self.metrics = ExecutionLogger(state, controls)
        ledger.observers.append(self.metrics)
        self.book = Book.from_ledger(state, controls, today_of(clock))
        self.market = Market(venue, clock, watched=lambda: self.book.instruments_needed(settings.symbols or {settings.symbol}))
        limits = limits_of(settings)
        deciding = Deciding(self.book, self.market, limits, clock)
        self.placement = Placement(
            ledger=ledger,
            venue=venue,
            market=self.market,
            book=self.book,
            deciding=deciding,
            reconciler=Reconciler(venue, self.market, clock),
            clock=clock,
            timings=self.metrics,
        )
        executor = OrderExecutor(
            ledger=ledger,
            book=self.book,
            market=self.market,
            deciding=deciding,
            placement=self.placement,
            limits=limits,
            trading_mode=settings.trading_mode,
            clock=clock,
            timings=self.metrics,
        )
        self.inbox = Inbox(ledger, executor.handle, on_repeated=self.metrics.repeated)
        self.source = self._kafka(embedded)
        self._chat()

    def _kafka(self, embedded: Embedded) -> KafkaSource:
        settings = self.settings
        name = f"kafka:{settings.kafka_topic}"
        return KafkaSource(
            options=kafka_options(settings),
            topic=settings.kafka_topic,
            group=settings.kafka_group,
            dlq_topic=settings.kafka_dlq_topic,
            default_symbol=settings.symbol,
            deliver=self.inbox.deliver,
            stored_positions=lambda: self.ledger.source_positions(name),
            clock=self.clock,
            on_first_start=lambda: self.notes.append("from_latest"),
            on_state_change=lambda ready, detail: self._tell(PartTroubled("kafka", ready, detail)),
            on_gap=lambda partition, wanted, at: self._tell(
                PartTroubled("kafka", False, f"partition {partition}: records {wanted} to {at - 1} are gone from the broker")
            ),
            fetch_max_wait_ms=embedded.fetch_max_wait_ms,
        )

    def _chat(self) -> None:
        settings = self.settings
        if settings.tg_token is None or settings.tg_chat_id is None:
            raise ConfigurationError(settings.missing_for_run())
        token = settings.tg_token.get_secret_value()
        self.desk = Desk(
            book=self.book,
            market=self.market,
            inbox=self.inbox,
            outbox=self.ledger,
            queries=LedgerQueries(self.ledger),
            venue=self.venue,
            clock=self.clock,
            trading_mode=settings.trading_mode,
            symbols=settings.symbols,
            limits=shown_limits(settings),
            users=settings.users,
            language=settings.tg_lang,
            version=version("marketflow"),
            started_at=self.clock.now(),
            health=self.health,
        )
        self.chat = TelegramChat(connect(token, settings.tg_api_url), self.desk, self.ledger)
        self.notifier = TelegramNotifier(
            connect(token, settings.tg_api_url),
            settings.tg_chat_id,
            self.ledger,
            approval_messages=self.ledger,
            clock=self.clock,
            texts=texts(settings.tg_lang),
        )

    def health(self) -> Mapping[str, tuple[bool, str]]:
        """Each part that must be well for the process to be ready."""
        return {
            "ledger": (True, "migrated"),
            "exchange": self.market.ready,
            "instruments": self.market.instruments_ready,
            "kafka": self.source.ready,
            "telegram": self.chat.ready,
        }

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Starts everything, waits until told to stop, and ends in the order that settles what is in flight."""
        lifecycle = self.lifecycle
        jobs = schedule(self._jobs())
        metrics = (
            start_http_server(self.settings.metrics_port, registry=self.metrics.registry) if self.settings.metrics_port else None
        )
        with stop_on_signals(lifecycle):
            try:
                if self.settings.http_port:
                    web = create_web_app(self.health, self.desk.version)
                    lifecycle.start("web", serve_web(web, self.settings.http_host, self.settings.http_port))
                lifecycle.start("notifier", self.notifier.run())
                lifecycle.start("chat", self.chat.run())
                lifecycle.start("prices", self.market.run())
                lifecycle.start("trading", self._trade(on_ready))
                lifecycle.start("mailboxes", self._watch_mailboxes())
                jobs.start()
                await lifecycle.wait()
            finally:
                await lifecycle.end("trading")
                jobs.shutdown(wait=False)
                await self._settle()
                await lifecycle.end("mailboxes", "chat")
                await self._say_the_rest()
                await lifecycle.end()
                if metrics is not None:
                    server, _thread = metrics
                    server.shutdown()
                    server.server_close()

    async def _trade(self, on_ready: Callable[[], None]) -> None:
        """Start-up is crash recovery: rules, then every unsettled order, then what was left waiting, then new signals."""
        await self._load_instruments()
        await asyncio.gather(*(self.placement.recover(order) for order in list(self.state.in_flight)))
        self.inbox.take(self.state.waiting)
        await self._announce()
        on_ready()
        await self.source.run()

    async def _load_instruments(self) -> None:
        # `*` allows every symbol: all rules are read at once, prices only as they are needed.
        wanted = None if self.settings.symbols is None else self.book.instruments_needed(self.settings.symbols)
        while True:
            try:
                await self.market.load_instruments(wanted)
            except ExchangeUnavailable as error:
                log.warning("the exchange does not answer; trading begins when it does", error=str(error))
                await self.clock.sleep(max(RETRY_SECONDS, error.retry_after))
            else:
                return

    async def _announce(self) -> None:
        if not await self.ledger.source_positions(f"kafka:{self.settings.kafka_topic}"):
            self.notes.append("from_latest")
        open_positions = len(self.book.open_positions())
        started = Started(
            self.desk.version, self.settings.trading_mode, self.book.controls, open_positions, tuple(dict.fromkeys(self.notes))
        )
        await self.ledger.commit(Changes(events=[started]))

    async def _watch_mailboxes(self) -> None:
        await self.inbox.failure

    def _jobs(self) -> dict[str, tuple[float, Job]]:
        jobs: dict[str, tuple[float, Job]] = {
            "approvals": (1.0, ApprovalTimer(self.book, self.inbox, self.clock).run),
            "gauges": (2.0, self._read_gauges),
            "balances": (30.0, BalanceReader(self.book, self.venue, self.clock).run),
            "rules": (3600.0, RulesReader(self.market).run),
        }
        if self.settings.trading_mode is not TradingMode.PAPER:
            jobs["clock"] = (60.0, self._measure_clock)
        return jobs

    async def _read_gauges(self) -> None:
        if self.source.lag is not None:
            self.metrics.kafka_lag.set(self.source.lag)
        try:
            self.metrics.alerts_pending.set(await self.ledger.pending())
        except LedgerUnavailable as error:
            log.warning("alerts cannot be counted", error=str(error))

    async def _measure_clock(self) -> None:
        try:
            self.metrics.clock_offset.set(await self.client.measure_clock())
        except ExchangeUnavailable as error:
            log.warning("the exchange's clock cannot be measured", error=str(error))

    def _tell(self, event: Event) -> None:
        """Puts an event of the process itself into the outbox, without waiting."""
        task = asyncio.create_task(self._commit_event(event), name="tell")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _commit_event(self, event: Event) -> None:
        try:
            await self.ledger.commit(Changes(events=[event]))
        except LedgerUnavailable as error:
            log.warning("an event cannot be kept", error=str(error))

    async def _settle(self) -> None:
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                await self.inbox.close()
        except TimeoutError:
            log.warning("an order is still unanswered; the next start finds out about it")

    async def _say_the_rest(self) -> None:
        try:
            async with asyncio.timeout(SAY_SECONDS):
                while await self.ledger.pending():  # noqa: ASYNC110 - the outbox tells when it fills, not when it is empty
                    await asyncio.sleep(0.05)
        except (TimeoutError, LedgerUnavailable):
            log.info("some alerts are told at the next start")


def shown_limits(settings: Settings) -> Mapping[str, str]:
    """The limits by the names of their settings, as `/status` shows them."""
    names = ("price_band_pct", "max_order_notional", "max_open_positions", "daily_loss_limit")
    return {name.upper(): str(getattr(settings, name)) for name in names}
