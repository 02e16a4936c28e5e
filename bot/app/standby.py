"""Waits as the standby of another process, warm: the ledger followed, the exchange's rules read, no order sent."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version

import structlog
from prometheus_client import CollectorRegistry

from bot.app.foundation import Connections
from bot.factories import limits_of, today_of
from bot.lifecycle import stop_on_signals
from bot.settings.fields import TradingMode
from bot.settings.settings import Settings
from bot.web.health import create_web_app
from bot.web.metrics import create_metrics_app
from bot.web.server import serve_web
from core.adapters.ledger.lease_watch import LeaseWatch
from core.adapters.ledger.opening import take_over
from core.adapters.metrics import count_as_standby
from core.domain.errors import ExchangeUnavailable, LedgerUnavailable
from core.domain.instrument import Instrument
from core.domain.trading_state import TradingState
from core.state.exchange_rates import ExchangeRates
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)

_FOLLOW_SECONDS = 5.0
_CLOCK_SECONDS = 60.0
_RULES_SECONDS = 300.0


class Warmth:
    """The symbols' rules as read lately; the connections and compiled queries that reading them leaves behind."""

    def __init__(self, settings: Settings, connections: Connections) -> None:
        self._settings = settings
        self._connections = connections
        self._clock = connections.clock
        self._read_at: float | None = None
        self._measured_at: float | None = None
        self._problem = ""
        self.rules: Mapping[str, Instrument] = {}

    async def run(self) -> None:
        """Keeps them fresh until cancelled, through every outage."""
        while True:
            problem, pause = "", _FOLLOW_SECONDS
            try:
                await self._follow()
            except (ExchangeUnavailable, LedgerUnavailable) as error:
                problem = str(error)
                pause = max(pause, error.retry_after if isinstance(error, ExchangeUnavailable) else 0.0)
            if problem and problem != self._problem:
                log.warning("this standby cannot follow", error=problem)
            self._problem = problem
            await self._clock.sleep(pause)

    async def _follow(self) -> None:
        now = self._clock.monotonic()
        state = await self._connections.ledger.load(today_of(self._clock))
        if self._settings.trading_mode is not TradingMode.PAPER and _is_due(self._measured_at, _CLOCK_SECONDS, now):
            await self._connections.client.measure_clock()
            self._measured_at = now
        portfolio = Portfolio.from_ledger(state, TradingState(), limits_of(self._settings), today_of(self._clock), {})
        needed = portfolio.instruments_needed(self._settings.symbols or {self._settings.symbol})
        if needed <= self.rules.keys() and not _is_due(self._read_at, _RULES_SECONDS, now):
            return
        market = MarketDataCache(self._connections.venue, self._clock, watched=lambda: ())
        await market.load_instruments(None if self._settings.symbols is None else needed)
        await ExchangeRates(portfolio, market, self._clock).load(needed)
        self.rules, self._read_at = market.instruments(), now


def _is_due(last: float | None, every: float, now: float) -> bool:
    return last is None or now - last >= every


async def wait_for_turn(settings: Settings, connections: Connections, watch: LeaseWatch) -> Mapping[str, Instrument] | None:
    """Returns the rules of the symbols once this process has the ledger; None if it was asked to end before. Raises
    ConfigurationError where a port is taken."""
    warmth, stopped = Warmth(settings, connections), asyncio.Event()
    async with _serving(settings, watch):
        with stop_on_signals(stopped.set, _nothing_to_hand_over, "stopping: this standby waits no more"):
            taking = asyncio.create_task(take_over(connections.ledger, watch, connections.clock), name="taking over")
            warming = asyncio.create_task(warmth.run(), name="warming")
            stopping = asyncio.create_task(stopped.wait(), name="stop")
            try:
                await asyncio.wait({taking, warming, stopping}, return_when=asyncio.FIRST_COMPLETED)
                for done in (taking, warming):
                    if done.done():
                        done.result()
            finally:
                await _ended(taking, warming, stopping)
    return None if stopped.is_set() else warmth.rules


async def _ended(*tasks: "asyncio.Task[object]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _nothing_to_hand_over() -> None:
    log.warning("this process is the standby: it has nothing to hand over")


@asynccontextmanager
async def _serving(settings: Settings, watch: LeaseWatch) -> AsyncIterator[None]:
    """Serves health and metrics of a process that waits; `/readyz` answers 503, so that nobody takes it for the active one."""

    def ledger() -> tuple[bool, str]:
        return False, watch.problem or f"standby: waits for {watch.holder}"

    async with AsyncExitStack() as stack:
        names = settings.http_allowed_hosts
        if settings.http_port:
            web = create_web_app({"ledger": ledger}, version("marketflow"), names=names)
            await stack.enter_async_context(serve_web(web, settings.http_host, settings.http_port))
        if settings.metrics_port:
            metrics = create_metrics_app(count_as_standby(CollectorRegistry()), names)
            await stack.enter_async_context(serve_web(metrics, settings.http_host, settings.metrics_port, "METRICS_PORT"))
        yield
