"""Builds limits, connections and the venue from settings, for several commands. Starts nothing."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from decimal import Decimal

from bot.clock import SystemClock
from bot.settings.fields import TradingMode
from bot.settings.settings import Settings
from core.adapters.binance.binance_client import BinanceClient
from core.adapters.binance.credentials import Credentials
from core.adapters.binance.user_stream import StreamListener, UserStream
from core.adapters.kafka.options import KafkaOptions
from core.adapters.ledger.export_feed import SqlExportFeed
from core.adapters.ledger.paper_book import SqlPaperBook
from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.paper.paper_exchange import PaperExchange
from core.adapters.snowflake.connection import SnowflakeConnection
from core.adapters.snowflake.driver_protocol import SnowflakeOptions
from core.adapters.snowflake.history import SnowflakeHistory
from core.adapters.snowflake.source import SnowflakeSource
from core.domain.errors import ConfigurationError
from core.engine.inbox import Inbox
from core.history_export import HistoryExport
from core.policy.decision_context import RiskLimits
from core.ports.clock import Clock
from core.ports.market_data import MarketData

PAPER_BALANCES: Mapping[str, Decimal] = {
    asset: Decimal(amount)
    for asset, amount in {"USDC": 10_000, "USDT": 10_000, "FDUSD": 10_000, "BTC": 1, "ETH": 5, "BNB": 20, "EUR": 10_000}.items()
}


def limits_of(settings: Settings) -> RiskLimits:
    """Returns the owner's limits in the form of the risk policy: the settings of the same names."""
    return RiskLimits(**{field.name: getattr(settings, field.name) for field in fields(RiskLimits)})


def kafka_options(settings: Settings) -> KafkaOptions:
    """Returns how to reach Kafka. Raises ConfigurationError when no broker is set."""
    if settings.kafka_broker is None:
        raise ConfigurationError(["KAFKA_BROKER: not set; set it to host:port of the broker"])
    return KafkaOptions(
        servers=settings.kafka_broker,
        security_protocol=settings.kafka_security_protocol,
        username=settings.kafka_username,
        password=settings.kafka_password.get_secret_value() if settings.kafka_password else None,
        ca_file=settings.kafka_ssl_cafile,
    )


def snowflake_options(settings: Settings) -> SnowflakeOptions | None:
    """Returns how to reach Snowflake; None where it is not configured. Settings that belong together were validated before."""
    account, user, warehouse = settings.snowflake_account, settings.snowflake_user, settings.snowflake_warehouse
    if account is None or user is None or warehouse is None or settings.snowflake_database is None:
        return None
    return SnowflakeOptions(
        account=account,
        user=user,
        database=settings.snowflake_database,
        schema=settings.snowflake_schema,
        warehouse=warehouse,
        role=settings.snowflake_role,
        password=settings.snowflake_password.get_secret_value() if settings.snowflake_password else None,
        private_key_file=settings.snowflake_private_key_path,
        host=settings.snowflake_host,
        port=settings.snowflake_port,
        protocol=settings.snowflake_protocol,
    )


@dataclass(frozen=True, slots=True)
class Warehouse:
    """The configured parts of Snowflake: the history, its exporter, and the signals table."""

    history: tuple[SnowflakeHistory, SqlExportFeed] | None = None
    export: HistoryExport | None = None
    table: SnowflakeSource | None = None
    sessions: tuple[SnowflakeConnection, ...] = ()

    async def close(self) -> None:
        """Ends the sessions."""
        for session in self.sessions:
            await session.close()


def connect_snowflake(settings: Settings, ledger: SqlLedger, inbox: Inbox, clock: Clock) -> Warehouse:
    """Builds the parts, each with its own session, so that neither waits for the other. Connects to nothing yet."""
    options = snowflake_options(settings)
    if options is None:
        return Warehouse()
    for_history, for_signals = SnowflakeConnection(options), SnowflakeConnection(options)
    history = SnowflakeHistory(for_history)
    feed = export_feed(ledger, options)
    table = None
    if settings.snowflake_signals_table is not None:
        name = f"snowflake:{settings.snowflake_signals_table}"
        table = SnowflakeSource(
            for_signals,
            table=settings.snowflake_signals_table,
            poll=settings.snowflake_signals_poll,
            default_symbol=settings.symbol,
            deliver=inbox.deliver,
            stored_positions=lambda: ledger.source_positions(name),
            stored_letters=lambda: ledger.letter_positions(name),
            clock=clock,
        )
    return Warehouse((history, feed), HistoryExport(feed, history, clock), table, (for_history, for_signals))


def export_feed(ledger: SqlLedger, options: SnowflakeOptions) -> SqlExportFeed:
    """Returns the feed that knows how far the ledger was exported to this account's table."""
    return SqlExportFeed(ledger, f"snowflake:{options.account}.{options.database}.{options.schema}.EXECUTIONS")


def binance_client(settings: Settings, may_send: Callable[[], bool] = lambda: False) -> BinanceClient:
    """Returns Binance with the settings' key, or only its market data where there is none. Without `may_send` it places no
    order."""
    return BinanceClient(
        api_url=settings.binance_api_url,
        clock=SystemClock(),
        credentials=credentials_of(settings),
        may_send=may_send,
        ws_url=settings.binance_ws_url,
    )


def has_order_connection(settings: Settings) -> bool:
    """Tells whether orders go over the WebSocket API while its connection is open. Paper orders go nowhere."""
    return bool(settings.binance_ws_url) and settings.trading_mode is not TradingMode.PAPER


def credentials_of(settings: Settings) -> Credentials:
    """Returns what requests to Binance are signed with."""
    key, secret, own = settings.binance_api_key, settings.binance_api_secret, settings.binance_private_key_path
    return Credentials(
        key=key.get_secret_value() if key is not None else "",
        secret=secret.get_secret_value() if secret is not None else "",
        private_key=own.pem if own is not None else "",
    )


async def check_trading_mode(settings: Settings, ledger: SqlLedger) -> None:
    """Keeps paper positions from ever being sold for money: raises ConfigurationError where the ledger is of another mode."""
    kept = await ledger.trading_mode()
    if kept is not None and kept != settings.trading_mode:
        problem = f"TRADING_MODE: found {settings.trading_mode}; the ledger of DATABASE_URL holds {kept} orders"
        raise ConfigurationError([f"{problem}; accepted: {kept}, or another DATABASE_URL"])


def today_of(clock: Clock) -> str:
    """Returns the current UTC day, `YYYY-MM-DD`."""
    return clock.now().date().isoformat()


@asynccontextmanager
async def open_venue(
    settings: Settings, ledger: SqlLedger, market_data: MarketData | None = None
) -> AsyncIterator[tuple[BinanceClient | PaperExchange, BinanceClient]]:
    """Yields the venue of this trading mode, and the client of Binance's REST API."""
    client = binance_client(settings, lambda: ledger.may_trade)  # connects to nothing before the first call
    try:
        if settings.trading_mode is TradingMode.PAPER:
            data = market_data or client
            yield PaperExchange(market=data, book=SqlPaperBook(ledger), clock=SystemClock(), balances=PAPER_BALANCES), client
        else:
            yield client, client
    finally:
        await client.close()


def user_stream(settings: Settings, client: BinanceClient, listener: StreamListener) -> UserStream:
    """Returns the stream that tells `listener` what becomes of the account's orders; BINANCE_WS_URL must be set."""
    return UserStream(
        url=settings.binance_ws_url,
        credentials=credentials_of(settings),
        clock=SystemClock(),
        offset=client.measure_clock,
        listener=listener,
    )
