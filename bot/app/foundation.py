"""The foundation: the ledger and the exchange, opened before any part is built on them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from bot.clock import SystemClock
from bot.factories import check_trading_mode, open_venue, today_of
from bot.jobs.standby_watch import StandbyWatch
from bot.notifications.event_emitter import EventEmitter
from bot.observability.loki_handler import LokiHandler
from bot.settings.settings import Settings
from core.adapters.binance.binance_client import BinanceClient
from core.adapters.execution_logger import ExecutionLogger
from core.adapters.ledger.lease_watch import LeaseWatch
from core.adapters.ledger.opening import open_as_standby, open_ledger
from core.adapters.ledger.queries import LedgerQueries
from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.paper.paper_exchange import PaperExchange
from core.domain.instrument import Instrument
from core.ports.clock import Clock
from core.ports.market_data import MarketData
from core.records.ledger_state import LedgerState
from core.trading import NONE_KNOWN


@dataclass(frozen=True, slots=True)
class Embedded:
    """The demo's replacements for the outside: `market_data` instead of Binance's, and how long a Kafka fetch waits."""

    market_data: MarketData | None = None
    fetch_max_wait_ms: int = 500


@dataclass(frozen=True, slots=True)
class Connections:
    """The ledger and the exchange. `watch` is there for a standby, whose ledger is open for reading until it takes over."""

    clock: Clock
    ledger: SqlLedger
    watch: LeaseWatch | None
    venue: BinanceClient | PaperExchange
    client: BinanceClient


@dataclass(frozen=True, slots=True)
class Foundation:
    """The ledger with its contents, the exchange, and what every part needs besides. `newest_seq` is the last message of the
    process before this one, `traded_at` when it last had an order on the exchange; `rules` are those of symbols that were read
    a moment ago, as a standby."""

    settings: Settings
    clock: Clock
    ledger: SqlLedger
    venue: BinanceClient | PaperExchange
    client: BinanceClient
    state: LedgerState
    newest_seq: int
    traded_at: datetime | None
    events: EventEmitter
    metrics: ExecutionLogger
    loki: LokiHandler | None
    rules: Mapping[str, Instrument]
    standbys: StandbyWatch


@asynccontextmanager
async def connect(settings: Settings, embedded: Embedded, *, standby: bool = False) -> AsyncIterator[Connections]:
    """Opens them, and closes them at the end. Raises ConfigurationError where the ledger belongs to another trading mode."""
    async with AsyncExitStack() as stack:
        clock, url, watch = SystemClock(), settings.database_url.get_secret_value(), None
        if standby:
            ledger, watch = await open_as_standby(url, clock)
        else:
            ledger = await open_ledger(url, clock)
        stack.push_async_callback(ledger.close)
        venue, client = await stack.enter_async_context(open_venue(settings, ledger, embedded.market_data))
        await check_trading_mode(settings, ledger)
        yield Connections(clock, ledger, watch, venue, client)


async def read_foundation(
    settings: Settings, connections: Connections, loki: LokiHandler | None, rules: Mapping[str, Instrument] = NONE_KNOWN
) -> Foundation:
    """Reads what the process before this one left in the ledger. Raises ConfigurationError as `connect` does."""
    clock, ledger = connections.clock, connections.ledger
    if connections.watch is not None:  # who held it meanwhile may have traded in another mode
        await check_trading_mode(settings, ledger)
    queries = LedgerQueries(ledger.reader)
    state = await ledger.load(today_of(clock))
    metrics = ExecutionLogger(state)
    return Foundation(
        settings=settings,
        clock=clock,
        ledger=ledger,
        venue=connections.venue,
        client=connections.client,
        state=state,
        newest_seq=await queries.newest_seq(),
        traded_at=await queries.last_on_exchange(),
        events=EventEmitter(ledger, clock),
        metrics=metrics,
        loki=loki,
        rules=rules,
        standbys=StandbyWatch(ledger.reader, metrics, is_sure=lambda: ledger.may_trade),
    )
