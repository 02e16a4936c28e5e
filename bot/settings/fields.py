"""Every setting, once: its name, reader, default and description, section by section. `.env.example` and docs/settings.md are
made of these classes, in this order."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, get_args

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, SecretStr
from pydantic.fields import FieldInfo

from bot.settings import parsers as read
from bot.settings.validation import DEFAULT_DLQ_TOPIC, DEFAULT_SYMBOL, DEFAULT_TOPIC, TELEGRAM_API
from core.adapters.binance.private_key import PrivateKey
from core.adapters.kafka.options import SecurityProtocol
from core.domain.access import Role
from core.domain.dca_step import DcaStep
from core.domain.exit_plan import Breakeven, Target
from core.domain.order_terms import EntryStyle
from core.domain.protection_policy import ProtectionPolicy
from core.domain.trading_state import Mode


class TradingMode(StrEnum):
    """Simulated fills, Binance's testnet, or real money."""

    PAPER = "paper"
    TESTNET = "testnet"
    LIVE = "live"


def _word(words: type[StrEnum]) -> PlainValidator:
    choose = read.one_of(*words)
    return PlainValidator(lambda text: words(choose(text)))


Amount = Annotated[Decimal, PlainValidator(read.amount)]
Percent = Annotated[Decimal, PlainValidator(read.per_cent)]
Seconds = Annotated[timedelta, PlainValidator(read.seconds)]
Port = Annotated[int, PlainValidator(read.integer(0, 65535))]
Url = Annotated[str, PlainValidator(read.url("http", "https"))]
Credential = Annotated[SecretStr, PlainValidator(read.api_credential)]
Secret = Annotated[SecretStr, PlainValidator(read.secret)]
Topic = Annotated[str, PlainValidator(read.topic)]
Name = Annotated[str, PlainValidator(read.word)]
File = Annotated[Path, PlainValidator(read.existing_file)]


class Section(BaseModel):
    """Settings that stand together. The docstring of a subclass is its heading, the text below a field its description; a field
    without a default has one that follows from other settings (`validation.defaults_that_follow`)."""

    # A section by itself reads nothing, so its reader is not built at every start.
    model_config = ConfigDict(defer_build=True)

    @classmethod
    def variables(cls) -> Mapping[str, FieldInfo]:
        """Returns the section's variables by their names in the environment."""
        return {name.upper(): field for name, field in cls.model_fields.items()}


class Needed(Section):
    """Needed by `make run` (`make demo` needs nothing)"""

    kafka_broker: Annotated[str, PlainValidator(read.brokers)] | None = None
    """Bootstrap servers of the Kafka broker, host:port, separated by commas. WEBHOOK_SECRET or SNOWFLAKE_SIGNALS_TABLE may take
    its place."""
    tg_token: Annotated[SecretStr, PlainValidator(read.bot_token)] | None = None
    """The bot's token, from @BotFather."""
    tg_chat_id: Annotated[int, PlainValidator(read.chat_id)] | None = None
    """The owner's chat, which gets the alerts; negative for a group."""


class Exchange(Section):
    """The exchange"""

    trading_mode: Annotated[TradingMode, _word(TradingMode)]
    """paper (simulated fills), testnet (Binance's, no money) or live."""
    binance_api_key: Credential | None = None
    """API key with the permission "Spot trading"; needed for testnet and live."""
    binance_api_secret: Credential | None = None
    """The secret of an HMAC key. Binance has deprecated these keys; they still work."""
    binance_private_key_path: Annotated[PrivateKey, PlainValidator(read.private_key)] | None = None
    """File with the private half of an Ed25519 key, in place of BINANCE_API_SECRET."""
    binance_api_url: Annotated[str, PlainValidator(read.url("http", "https", ending="/api"))]
    """REST base, which ends in /api (testnet: https://testnet.binance.vision/api)."""
    binance_ws_url: Annotated[str, PlainValidator(read.stream_url)]
    """WebSocket API for orders and the user data stream, by mode: orders go over a connection that is kept open (by REST while it
    is away), and fills of resting orders are heard as they happen. Set and empty: orders go by REST, and fills are asked for
    every 2 seconds."""


class Trading(Section):
    """Symbols and order sizes"""

    symbol: Annotated[str, PlainValidator(read.symbol)] = DEFAULT_SYMBOL
    """The symbol of a signal that names none."""
    symbols: Annotated[frozenset[str] | None, PlainValidator(read.symbols)]
    """Symbols that may be traded, separated by commas; * for all. By default SYMBOL alone."""
    report_asset: Annotated[str, PlainValidator(read.asset)]
    """The asset that limits, totals and TRADE_QUOTE are counted in, by default the quote asset of SYMBOL; amounts in another one
    are converted at the market price. If it is not a dollar or euro coin, MAX_ORDER_NOTIONAL and DAILY_LOSS_LIMIT must be set."""
    trade_qty: Amount = Decimal(10)
    """Order size in base asset."""
    trade_quote: Amount | None = None
    """Order size in REPORT_ASSET; overrides TRADE_QTY when set."""
    trade_equity_pct: Percent | None = None
    """Order size in per cent of the account's equity (free and locked quote assets, and positions at the market), cut to
    MAX_ORDER_NOTIONAL and to what is free; overrides TRADE_QTY when set. At most one of TRADE_QUOTE, TRADE_EQUITY_PCT and
    TRADE_RISK_PCT."""
    trade_risk_pct: Percent | None = None
    """Order size so that the stop would lose this much of the equity, in per cent, fees included; entries without a stop are
    refused. Cut and overrides as TRADE_EQUITY_PCT."""
    strategies_file: File | None = None
    """TOML file with settings by strategy and by symbol (docs/strategies.md); unset: these settings are for all."""
    entry_style: Annotated[EntryStyle, _word(EntryStyle)] = EntryStyle.LIMIT_IOC
    """limit_ioc buys up to the edge of the price band (PRICE_BAND_PCT above the signal's price) and leaves the rest, so that the
    exchange itself keeps the band; market buys at any price."""


class EntryLimits(Section):
    """Limits: an entry that would break one is refused, exits are always allowed"""

    price_band_pct: Percent = Decimal("1.0")
    """Largest adverse move of the price since an entry's signal, in per cent."""
    price_sanity_pct: Percent = Decimal(50)
    """Largest distance of the signal's price from the market, in either direction, in per cent; beyond it the signal is taken
    to be about another market. An exit is refused only if the two prices differ more than tenfold; its alert has a button to
    sell."""
    max_order_notional: Amount = Decimal(1000)
    """Largest value of one entry, in REPORT_ASSET."""
    max_open_positions: Annotated[int, PlainValidator(read.integer(1, 10_000))] = 5
    """Most positions open at the same time."""
    max_entries: Annotated[int, PlainValidator(read.integer(1, 10_000))] = 1
    """Most entries that buy one position: with 1 a BUY signal is ignored while its position is open, with more it adds to it."""
    daily_loss_limit: Amount = Decimal(100)
    """Loss of one UTC day after which no entries are made, in REPORT_ASSET."""
    max_exposure_pct: Annotated[Decimal | None, PlainValidator(read.or_off(read.per_cent))] = None
    """Most of the account's equity that may be in positions, in per cent, the new entry and those under way included."""
    max_drawdown_pct: Annotated[Decimal | None, PlainValidator(read.or_off(read.per_cent))] = None
    """Fall of the account's equity from its peak, in per cent, at which no entries are made until /reset drawdown. The peak
    follows deposits and withdrawals."""
    cooldown_after_stop: Annotated[timedelta | None, PlainValidator(read.or_off(read.seconds))] = None
    """Seconds after a stop has sold, in which no entry is made in its symbol."""
    max_losing_exits: Annotated[int | None, PlainValidator(read.or_off(read.integer(1, 10_000)))] = None
    """Positions closed at a loss in a row, after which no entries are made until /reset losses."""
    signal_max_age: Seconds = timedelta(seconds=60)
    """Seconds after which a BUY signal is expired: recorded, not executed."""
    exit_max_age: Seconds = timedelta(seconds=600)
    """Seconds for which an exit is retried, through bans, outages and refusals that can be cured. After that a loud alert has a
    button to sell by hand."""


class ExitPlans(Section):
    """Exit plans: a stop and targets that are placed on the exchange after an entry"""

    stop_loss_pct: Annotated[Decimal | None, PlainValidator(read.stop_distance)] = None
    """Distance of the stop below the entry, in per cent, for entries whose signal brings no plan of its own."""
    take_profit_pct: Annotated[tuple[Target, ...], PlainValidator(read.profit_targets)] = ()
    """Distance of the target above the entry, in per cent, for the same entries; or several, each with the share of the position
    that it sells, in per cent. What they leave keeps its stop."""
    breakeven_after: Annotated[Breakeven | None, PlainValidator(read.breakeven_after)] = None
    """When the stop of such an entry moves to what the position has cost, fees included: target (after the first target) or per
    cent above the entry."""
    time_limit: Annotated[timedelta | None, PlainValidator(read.time_limit)] = None
    """Seconds after the entry when such a position is sold at any price."""
    trailing_pct: Annotated[Decimal | None, PlainValidator(read.stop_distance)] = None
    """Distance of the trailing stop of such an entry below the market, in per cent."""
    trailing_activation_pct: Annotated[Decimal | None, PlainValidator(read.activation_distance)] = None
    """How far above the entry the market has to be for the trailing stop to start, in per cent; unset: from the start."""
    dca_steps: Annotated[tuple[DcaStep, ...], PlainValidator(read.dca_steps)] = ()
    """Steps of an entry whose signal brings none: how far below it more is bought, in per cent, each with the multiple of what
    the first entry has bought. They wait on the exchange while the position is open; each counts for MAX_ENTRIES."""
    protection: Annotated[ProtectionPolicy, _word(ProtectionPolicy)] = ProtectionPolicy.BEST_EFFORT
    """A plan that the exchange cannot hold: best_effort buys all the same and watches the market while MarketFlow runs, required
    refuses the entry."""


class Approvals(Section):
    """Approval"""

    approval: Annotated[Mode, _word(Mode)] = Mode.AUTO
    """Mode at the first start: auto (execute at once), confirm (ask first) or observe (report, never trade). Later /mode changes
    it."""
    approval_ttl: Seconds = timedelta(seconds=120)
    """Seconds until an unanswered approval expires."""


class Kafka(Section):
    """Kafka"""

    kafka_username: str | None = None
    """SASL PLAIN user name (for Azure Event Hubs: $ConnectionString)."""
    kafka_password: Secret | None = None
    """Its password; for Azure Event Hubs the connection string."""
    kafka_security_protocol: Annotated[SecurityProtocol, PlainValidator(read.one_of(*get_args(SecurityProtocol)))]
    """PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL; SASL_SSL by default once there is a user name."""
    kafka_ssl_cafile: File | None = None
    """Certificate file (PEM) of a private certificate authority."""
    kafka_topic: Topic = DEFAULT_TOPIC
    """The topic that signals are read from."""
    kafka_group: Annotated[str, PlainValidator(read.group)] = "marketflow"
    """The consumer group."""
    kafka_dlq_topic: Topic = DEFAULT_DLQ_TOPIC
    """The topic for records that cannot be read as signals."""


class Telegram(Section):
    """Telegram"""

    tg_users: Annotated[Mapping[int, Role], PlainValidator(read.users), Field(default_factory=lambda: MappingProxyType({}))]
    """Others who may use the bot: id:role, separated by commas; roles viewer, trader, owner."""
    tg_topic_id: Annotated[int, PlainValidator(read.integer(1, 2**31 - 1))] | None = None
    """If TG_CHAT_ID is a group with topics: the number of the topic for alerts."""
    tg_totp_secret: Annotated[SecretStr, PlainValidator(read.totp_secret)] | None = None
    """Turns on one-time codes: each person needs a code of their own authenticator app (set up with /code) before what raises
    risk or gives a right, never before what lowers it. This is the key that all secrets are derived from, at least 23 letters of
    base32, e.g. from `head -c 20 /dev/urandom | base32`. With another key everybody sets up their authenticator again."""
    tg_api_url: Url = TELEGRAM_API
    """Address of a self-hosted Bot API server."""
    tg_lang: Annotated[str, PlainValidator(read.one_of("en", "ru"))] = "en"
    """en or ru."""
    web_app_url: Annotated[str, PlainValidator(read.url("https", ending="/app"))] | None = None
    """Address of the Mini App (docs/web-app.md), which leads to HTTP_PORT through a proxy with TLS; unset: there is none."""
    shadow: Annotated[str, PlainValidator(read.one_of("on", "off"))] = "off"
    """on: the evening digest shows what the signals of the last 7 days would have brought on paper, filled at once at their own
    price, and where the difference comes from (delay, execution, fees, partial fills)."""


class Ledger(Section):
    """The ledger"""

    database_url: Annotated[SecretStr, PlainValidator(read.database_url)] = SecretStr("sqlite+aiosqlite:///marketflow.db")
    """Address of the ledger (sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER:PASSWORD@HOST/DATABASE)."""
    retention_days: Annotated[int, PlainValidator(read.integer(30, 36_500))] | None = None
    """Days after which signals that led to nothing are removed from the ledger, once a day; unset: never. Executions, their
    orders and what people did always stay."""


class Web(Section):
    """Health, metrics, logs"""

    metrics_port: Port = 8001
    """Prometheus; 0: off."""
    http_host: Annotated[str, PlainValidator(read.host)] = "127.0.0.1"
    """The address that health and metrics listen on; 0.0.0.0 to be reached from other machines."""
    http_port: Port = 8080
    """Health, POST /signals if WEBHOOK_SECRET is set, and the Mini App if WEB_APP_URL is; 0: off."""
    http_allowed_hosts: Annotated[frozenset[str], PlainValidator(read.host_names)] = frozenset()
    """Host names, separated by commas, that /readyz, /docs, /metrics and the dashboard answer to, besides IP addresses and names
    without a dot."""
    dashboard_password: Secret | None = None
    """The password that the dashboard asks for, at least 12 characters; unset: none, and whoever reaches its port reads the
    ledger."""
    log_format: Annotated[str, PlainValidator(read.one_of("console", "json"))] = "console"
    """console, or json for one JSON object per line."""
    log_level: Annotated[str, PlainValidator(read.one_of("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"))] = "INFO"
    """DEBUG, INFO, WARNING, ERROR or CRITICAL."""


class Connections(Section):
    """Other sources of signals, history and logs; each off until it is set"""

    webhook_secret: Secret | None = None
    """Signals over HTTP: at least 16 characters, as whoever knows it can order trades."""
    heartbeat_url: Annotated[SecretStr, PlainValidator(read.secret_url)] | None = None
    """Address of an external watchdog (such as healthchecks.io), pinged every minute while all is well. It alerts you when
    Telegram, or this machine, is gone."""
    loki_url: Annotated[SecretStr, PlainValidator(read.secret_url)] | None = None
    """Loki's push address."""
    snowflake_account: Name | None = None
    """Export of the history to Snowflake; all of SNOWFLAKE_ unset: off."""
    snowflake_user: Name | None = None
    """The user name."""
    snowflake_password: Secret | None = None
    """Either a password ..."""
    snowflake_private_key_path: File | None = None
    """... or the file of a private key."""
    snowflake_role: Name | None = None
    """The role to take."""
    snowflake_warehouse: Name | None = None
    """The warehouse that runs the export."""
    snowflake_database: Name | None = None
    """The database of the history."""
    snowflake_schema: Name = "RAW"
    """The schema of the history."""
    snowflake_host: Annotated[str, PlainValidator(read.host)] | None = None
    """Another host than the account's own."""
    snowflake_port: Annotated[int, PlainValidator(read.integer(1, 65535))] | None = None
    """Another port than 443."""
    snowflake_protocol: Annotated[str, PlainValidator(read.one_of("https", "http"))] | None = None
    """https or http."""
    snowflake_signals_table: Annotated[str, PlainValidator(read.table)] | None = None
    """A table or view that dbt fills with signals."""
    snowflake_signals_poll: Seconds = timedelta(seconds=30)
    """Seconds between two queries of that table."""
