"""The chat with real parts: the core, a ledger on SQLite, a paper exchange on simulated prices, alerts to everybody."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count, pairwise
from pathlib import Path
from typing import Protocol

from bot.access.confirmations import Confirmations
from bot.access.roles import Roles
from bot.access.totp import OneTimeCodes
from bot.access.typed_values import TypedValues
from bot.commands.actions import ASK_SECONDS, Actions
from bot.commands.context import CommandContext, People
from bot.commands.exchange_view import ExchangeView
from bot.commands.ledger_reads import LedgerReads
from bot.commands.liquidation import PanicTimer
from bot.commands.program_status import ProgramStatus
from bot.jobs.timers import ApprovalTimer, PauseTimer
from bot.notifications.dispatcher import NotificationDispatcher
from bot.notifications.event_emitter import EventEmitter
from bot.reports.chart_process import ChartProcess
from bot.reports.charts import THEMES
from bot.reports.replay_process import ReplayProcess
from bot.subscriptions.recipients import Recipients
from bot.telegram.client import connect, name_of
from bot.telegram.rate_limiter import RateLimiters
from bot.telegram.telegram_app import TelegramChat
from core.adapters.ledger.analytics import LedgerAnalytics
from core.adapters.ledger.execution_quality import LedgerQuality
from core.adapters.ledger.opening import open_ledger
from core.adapters.ledger.paper_book import SqlPaperBook
from core.adapters.ledger.queries import LedgerQueries
from core.adapters.ledger.recording_reader import RecordingReader
from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.ledger.stories import LedgerStories
from core.adapters.paper.paper_exchange import PaperExchange
from core.domain.access import Role
from core.domain.candle import Candle, Interval
from core.domain.errors import ExchangeUnavailable, SymbolUnknown
from core.domain.events.table import Event
from core.domain.instrument import Instrument, Quote
from core.domain.limit_entry import LimitEntry
from core.domain.messages import Message, SignalReceived
from core.domain.signal import Signal
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Mode, TradingState
from core.policy.decision_context import RiskLimits
from core.state.portfolio import Portfolio
from core.trading import Trading
from local_telegram.room import Room
from local_telegram.server import RunningChat
from tests.bot.conftest import PEOPLE, running, until
from tests.bot.parts import OWNER, TRADER, VIEWER, FastClock, alone
from tests.chat_client import ChatPerson
from tests.core.world import LIMITS, Durations, instrument
from tests.ledgers import make_ledger

ROLES = {OWNER: Role.OWNER, TRADER: Role.TRADER, VIEWER: Role.VIEWER}
ROOMY = replace(LIMITS, max_order_notional=Decimal(5000))
BALANCES = {"USDC": Decimal(10_000)}
PRICES = {"WIFUSDC": Decimal("0.4801"), "SOLUSDC": Decimal("150.00")}


def candle(at: datetime, opened: Decimal, closed: Decimal, swing: float = 0) -> Candle:
    """Returns a candle that goes a little beyond both prices."""
    low, high = min(opened, closed), max(opened, closed)
    wick = (high * Decimal(swing) / 9).quantize(Decimal("0.0001"))
    return Candle(at, opened, high + wick, low - wick, closed, 100 + 10_000 * (high - low))


class Timer(Protocol):
    """A job that is run every second."""

    async def run(self) -> None: ...


class Prices:
    """Two symbols at prices that the test sets; `down` makes every request fail. `swing` is how far candles of the past are from
    the present price at most, as a part of it."""

    def __init__(self, clock: FastClock) -> None:
        self._clock = clock
        self.bid = dict(PRICES)
        self.down = False
        self.swing = 0.0
        self.rules = {"WIFUSDC": instrument(), "SOLUSDC": replace(instrument("SOL"), tick_size=Decimal("0.01"))}

    async def server_time(self) -> datetime:
        return self._clock.now()

    async def instruments(self, symbols: Collection[str] | None) -> Mapping[str, Instrument]:
        self._check()
        return {name: one for name, one in self.rules.items() if symbols is None or name in symbols}

    async def quotes(self, symbols: Collection[str]) -> Mapping[str, Quote]:
        self._check()
        now = self._clock.now()
        return {name: Quote(name, self.bid[name], self.bid[name], now) for name in symbols if name in self.bid}

    async def candles(self, symbol: str, interval: Interval, since: datetime, limit: int) -> Sequence[Candle]:
        """Returns candles that come to the present price in waves, or stand still at it."""
        self._check()
        if symbol not in self.bid:
            raise SymbolUnknown("Invalid symbol.")
        first = -(-since.timestamp() // interval.length.total_seconds()) * interval.length.total_seconds()
        times = [datetime.fromtimestamp(first, UTC) + interval.length * number for number in range(limit)]
        past = [at for at in times if at <= self._clock.now()]
        path = [self._wave(symbol, len(past) - number) for number in range(len(past) + 1)]
        return [candle(at, *ends, self.swing) for at, ends in zip(past, pairwise(path), strict=True)]

    def _wave(self, symbol: str, back: int) -> Decimal:
        """Returns the price so many candles ago."""
        waves = math.sin(back / 9) + math.sin(back / 2.3) / 4 + math.sin(back * 2.1) / 9
        return (self.bid[symbol] * Decimal(1 + self.swing * waves)).quantize(Decimal("0.0001"))

    def _check(self) -> None:
        if self.down:
            raise ExchangeUnavailable("no route to host")


@dataclass
class Firm:
    """A running program behind the chat, and everybody who may write to it."""

    server: RunningChat
    ledger: SqlLedger
    trading: Trading
    context: CommandContext
    prices: Prices
    clock: FastClock
    notifiers: NotificationDispatcher
    numbers: "count[int]"
    emit: Callable[[Event], None]

    @property
    def room(self) -> Room:
        return self.server.room

    @property
    def portfolio(self) -> Portfolio:
        return self.trading.portfolio

    def person(self, user_id: int) -> ChatPerson:
        return next(ChatPerson(self.room, person) for person in PEOPLE if person.user_id == user_id)

    @property
    def owner(self) -> ChatPerson:
        return self.person(OWNER)

    @property
    def trader(self) -> ChatPerson:
        return self.person(TRADER)

    async def signal(
        self,
        kind: str = "BUY_SM",
        symbol: str = "WIFUSDC",
        close: str | None = None,
        entry: LimitEntry | None = None,
    ) -> str:
        """Sends a signal at the current price, or another; returns its id."""
        name = f"n{next(self.numbers)}"
        price = Decimal(close) if close is not None else self.prices.bid[symbol]
        said = Signal("kafka:signals", name, kind, symbol, price, self.clock.now(), entry=entry)
        message = Message(said.source, name, symbol, SignalReceived(said), self.clock.now())
        await self.trading.inbox.deliver([message])
        return name

    async def held(self, symbol: str = "WIFUSDC") -> None:
        """Buys it by a signal and waits for the owner's alert."""
        await self.signal("BUY_SM", symbol)
        await until(lambda: self.portfolio.position(StrategyBook(symbol)).is_open)
        await self.settled()

    async def settled(self) -> None:
        """Returns when no message waits and the owner has received everything."""
        await until(lambda: not len(self.trading.inbox) and not self.portfolio.in_flight)
        while await self.notifiers.pending():  # noqa: ASYNC110 - the outbox tells when it fills, not when it is empty
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def firm_on(
    server: RunningChat,
    path: Path,
    *,
    speed: float = 8,
    mode: Mode = Mode.AUTO,
    limits: RiskLimits = ROOMY,
    main: int = OWNER,
    topic: int | None = None,
    secret: str = "",
    start: datetime | None = None,
    clock: FastClock | None = None,
    balances: Mapping[str, Decimal] = BALANCES,
    people: Mapping[int, Role] = ROLES,
) -> AsyncIterator[Firm]:
    """Runs the program on the ledger in `path`, as `bot.app` builds it; started again on the same path it continues."""
    clock = clock or FastClock(speed, start)
    ledger = await open_ledger(make_ledger(path / "ledger.db"), clock)
    prices = Prices(clock)
    venue = PaperExchange(market=prices, book=SqlPaperBook(ledger), clock=clock, balances=balances)
    today = clock.now().date().isoformat()
    state = await ledger.load(today)
    portfolio = Portfolio.from_ledger(state, TradingState(mode=mode), limits, today, people)
    trading = Trading(
        portfolio=portfolio,
        ledger=ledger,
        venue=venue,
        clock=clock,
        trading_mode="paper",
        timings=Durations(),
        watched=list(PRICES),
    )
    answers, alerts = connect(server.token, server.api_url), connect(server.token, server.api_url)
    recipients = Recipients(main, topic, "en", "UTC", Roles(portfolio), portfolio, lambda: name_of(answers))

    async def blocked(user_id: int) -> None:
        raise AssertionError(f"{user_id} has blocked nobody")

    codes = OneTimeCodes(secret, portfolio.authenticators, clock) if secret else None
    rate_limiters, charts = RateLimiters(clock), ChartProcess()
    notifiers = NotificationDispatcher(
        alerts,
        recipients,
        ledger,
        clock,
        blocked=blocked,
        quote=trading.market.quote,
        rate_limiters=rate_limiters,
        draw=charts.draw,
    )
    reader = ledger.reader
    context = CommandContext(
        portfolio=portfolio,
        exchange=ExchangeView(trading.market, trading.rates, venue, "paper", None),
        ledger=LedgerReads(
            *(LedgerQueries(reader), LedgerAnalytics(reader), LedgerStories(reader)),
            *(LedgerQuality(reader), RecordingReader(reader), ReplayProcess()),
        ),
        people=People(recipients.people, recipients, Confirmations(clock), codes, TypedValues(clock)),
        # A machine that is busy for a moment is not a slow ledger, however fast the clock.
        actions=Actions(trading.inbox, trading.decisions, clock, patience=ASK_SECONDS * speed),
        program=ProgramStatus(
            version="0.1.0",
            started_at=clock.now() - timedelta(hours=1),
            bot_name=recipients.bot_name,
            health=lambda: {"exchange": trading.market.ready},
            alerts_waiting=lambda: notifiers.waiting,
            lag=None,
            clock_offset=lambda: None,
            process="process 1 on desk",
            standbys=lambda: None,
        ),
        clock=clock,
        language="en",
        zone="UTC",
        theme=THEMES[0],
        draw=charts.draw,
    )
    chat = TelegramChat(answers, context, ledger, rate_limiters, alone(clock))
    timers = (
        ApprovalTimer(portfolio, trading.inbox, clock),
        PauseTimer(portfolio, trading.inbox, clock),
        trading.exits,
        PanicTimer(context),
        trading.entries,
        trading.protection,
        trading.hearing,
    )
    await trading.market.load_instruments(None)
    trading.inbox.start_controls(state.waiting)
    trading.start(state)
    async with (
        _closing(trading, ledger, charts),
        running(chat.run()),
        running(notifiers.run()),
        running(trading.market.run()),
        running(_every(clock, timers)),
    ):
        await until(lambda: chat.ready[0])
        yield Firm(server, ledger, trading, context, prices, clock, notifiers, count(1), EventEmitter(ledger, clock).emit)


@contextlib.asynccontextmanager
async def _closing(trading: Trading, ledger: SqlLedger, charts: ChartProcess) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await charts.close()
        await trading.inbox.close()
        await ledger.close()


async def _every(clock: FastClock, timers: Sequence[Timer]) -> None:
    while True:
        for timer in timers:
            await timer.run()
        await clock.sleep(1)
