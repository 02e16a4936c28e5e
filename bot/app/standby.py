"""Waits as the standby of another process, warm: the ledger followed, the exchange's rules read, no order sent."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry

from bot.app.chat import VERSION
from bot.app.foundation import Connections
from bot.factories import limits_of, today_of
from bot.lifecycle import first_of, stop_on_signals
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


@dataclass(frozen=True, slots=True)
class Turn:
    """This process has the ledger now: the rules of the symbols as read a moment ago, and the closing of the ports that it served
    while it waited."""

    rules: Mapping[str, Instrument]
    ports_closed: Awaitable[object]


async def wait_for_turn(settings: Settings, connections: Connections, watch: LeaseWatch) -> Turn | None:
    """Returns once this process has the ledger; None if it was asked to end before. Raises ConfigurationError where a port is
    taken."""
    warmth, stopped = Warmth(settings, connections), asyncio.Event()
    servers = await _serve(settings, watch)
    try:
        with stop_on_signals(stopped.set, _nothing_to_hand_over, "stopping: this standby waits no more"):
            await first_of(
                take_over(connections.ledger, watch, connections.clock),
                warmth.run(),
                stopped.wait(),
            )
    finally:
        closing = asyncio.gather(*(server.aclose() for server in servers))
        if stopped.is_set() or not connections.ledger.may_trade:
            await closing
    return None if stopped.is_set() else Turn(warmth.rules, closing)


def _nothing_to_hand_over() -> None:
    log.warning("this process is the standby: it has nothing to hand over")


async def _serve(settings: Settings, watch: LeaseWatch) -> Sequence[AsyncExitStack]:
    """Serves health and metrics of a process that waits, until they are closed. `/readyz` answers 503: nobody takes it for the
    active one."""

    def ledger() -> tuple[bool, str]:
        return False, watch.problem or f"standby: waits for {watch.holder}"

    names = settings.http_allowed_hosts
    apps = (
        ("HTTP_PORT", settings.http_port, create_web_app({"ledger": ledger}, VERSION, names=names)),
        ("METRICS_PORT", settings.metrics_port, create_metrics_app(count_as_standby(CollectorRegistry()), names)),
    )
    servers: list[AsyncExitStack] = []
    for variable, port, app in apps:
        if port:
            servers.append(AsyncExitStack())
            await servers[-1].enter_async_context(serve_web(app, settings.http_host, port, variable))
    return servers
