"""Small parts for tests of the chat: a fast clock, a ledger in memory, and values with every field filled in."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bot.access.confirmations import Confirmations
from bot.access.roles import Roles
from bot.access.typed_values import TypedValues
from bot.commands.actions import Actions
from bot.commands.context import CommandContext, People
from bot.commands.exchange_view import ExchangeView
from bot.commands.ledger_reads import LedgerReads
from bot.commands.program_status import ProgramStatus
from bot.reports.chart_process import ChartProcess
from bot.reports.charts import THEMES
from bot.reports.replay_process import ReplayProcess
from bot.subscriptions.recipients import Recipients
from bot.telegram.single_instance import SingleInstance
from core.domain.access import Role
from core.domain.approval import Approval, ApprovalState
from core.domain.arrival import Arrival
from core.domain.candle import Candle, Interval
from core.domain.day_result import DayResult
from core.domain.delivery import MAIN_READER, Delivery, DeliveryCursor
from core.domain.errors import ExchangeUnavailable, LedgerUnavailable
from core.domain.events.orders import OrderExecuted
from core.domain.events.priority import Priority
from core.domain.events.signals import SignalRefused
from core.domain.events.table import Event
from core.domain.instrument import Balance, Instrument, Quote
from core.domain.messages import (
    ApprovalAnswered,
    ControlsRequested,
    DeadLetter,
    InviteRequested,
    InvitesWithdrawn,
    InviteUsed,
    Message,
    ReaderRequested,
    RevokeRequested,
    SourcePosition,
    StoredMessage,
)
from core.domain.order import (
    EntryList,
    ExecutionReport,
    Fill,
    ListRequest,
    Order,
    OrderRequest,
    PlaceListResult,
    PlaceResult,
    RecentOrders,
    Rejected,
)
from core.domain.order_state_machine import OrderState
from core.domain.outbox_item import OutboxItem
from core.domain.position import Execution, Position, Trade
from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import TradingState
from core.engine.access_commands import AccessCommands
from core.engine.inbox import Inbox
from core.execution.decision_service import DecisionService
from core.ports.clock import Clock
from core.ports.ledger import Taken, ignored
from core.read_models import (
    NEWEST,
    Act,
    Gain,
    LetterStory,
    Page,
    Performance,
    Place,
    PrunedSignal,
    QualityReport,
    Selection,
    Settled,
    SignalStory,
    Story,
)
from core.records.commit_batch import CommitBatch
from core.records.ledger_state import LedgerState
from core.records.message_outcome import MessageOutcome
from core.records.recording import Recording
from core.state.exchange_rates import ExchangeRates
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio
from tests.core.world import LIMITS

OWNER, TRADER, VIEWER, STRANGER = 1001, 1002, 1003, 6666
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WIF = Instrument(
    "WIFUSDC", "WIF", "USDC", "TRADING", Decimal("0.001"), Decimal("0.01"), Decimal("0.01"), None, min_notional=Decimal(5)
)


class FastClock:
    """A clock that runs `speed` times as fast as real time; starts at noon, or now."""

    def __init__(self, speed: float = 1.0, start: datetime | None = None) -> None:
        self._speed = speed
        self._began = time.monotonic()
        self._start = start or datetime.now(UTC)

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (time.monotonic() - self._began) * self._speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)

    def skip(self, seconds: float) -> None:
        """Lets time pass at once."""
        self._began -= seconds / self._speed


def alone(clock: Clock) -> SingleInstance:
    """Returns a guard of a program without an account, which blocks no entry."""
    return SingleInstance(
        clock, lambda _: None, who="process 7 on desk, ledger ledger.db", has_account=False, traded_at=None, seen_at=None
    )


def signal(kind: str = "BUY_SM", symbol: str = "WIFUSDC", close: str = "0.4801", signal_id: str = "s1") -> Signal:
    return Signal("kafka:trading_signals", signal_id, kind, symbol, Decimal(close), NOON)


def executed(
    side: Side = Side.BUY, *, price: str = "0.4805", filled: str = "20", kind: str | None = None, mode: str = "live"
) -> OrderExecuted:
    """Returns 20 WIF bought, or sold again with 7.8% profit; `filled` less than 20 is a partial fill."""
    said = signal(kind or f"{side}_SM")
    qty, quote_qty = Decimal(filled), Decimal(filled) * Decimal(price)
    state = OrderState.FILLED if qty == 20 else OrderState.EXPIRED
    order = Order("mf-1", said, 1, side, Decimal(20), Decimal(price), state, mode, NOON, NOON, "77", qty, quote_qty)
    buying = side is Side.BUY
    execution = Execution(
        execution_id="mf-1", symbol=said.symbol, executed_at=NOON, side=side, qty=qty, price=Decimal(price),
        profit_pct=None if buying else Decimal("7.84"), signal_type=said.signal_type, signal_id=said.signal_id,
        client_order_id="mf-1", order_id="77", quote_qty=quote_qty, fee=Decimal("0.02") if buying else Decimal("0.0104"),
        fee_asset="WIF" if buying else "USDC", profit_quote=None if buying else Decimal("0.7534"),
        gross_quote=None if buying else Decimal("0.7734"), base_asset="WIF", quote_asset="USDC", trading_mode=mode,
    )  # fmt: skip
    held = Position(said.symbol, Decimal("19.98"), Decimal("9.61"), Decimal("9.61"), is_open=True, opened_at=NOON)
    position = held if buying else Position(said.symbol)
    return OrderExecuted(order, execution, position, fee_value=Decimal("0.00961") if buying else Decimal("0.0104"))


def refused(symbol: str = "WIFUSDC") -> SignalRefused:
    why = reason("below_min_notional", value="4.80", quote="USDC", minimum="5")
    return SignalRefused(signal(symbol=symbol), "denied", why)


def approval(token: str = "a1b2c3d4e5f6g7h8", state: ApprovalState = ApprovalState.OPEN, by: str | None = None) -> Approval:
    decided = None if state is ApprovalState.OPEN else NOON + timedelta(seconds=10)
    asked, expires = NOON, NOON + timedelta(seconds=120)
    return Approval(token, signal(), 1, Side.BUY, Decimal(20), Decimal("0.4805"), state, asked, expires, decided, by)


class MemoryLedger:
    """The parts of the ledger that the chat uses, with a switch for an outage."""

    def __init__(self) -> None:
        self.down = False
        self.write_down = False
        self.messages: dict[tuple[str, str], StoredMessage] = {}
        self.events: list[OutboxItem] = []
        self.cursors: dict[str, DeliveryCursor] = {}
        self.deliveries: list[tuple[str, Delivery]] = []
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.strangers: dict[int, str] = {}
        self.new_strangers = 0
        self.trades: list[Trade] = []
        self.results: list[DayResult] = []
        self.signals: list[SignalStory] = []
        self.number = 1
        self._came = asyncio.Event()

    def add(self, *events: Event) -> None:
        for event in events:
            self.events.append(OutboxItem(len(self.events) + 1, self.now(), event))
        self.wake()

    def wake(self) -> None:
        """Wakes those who wait for a commit."""
        self.number += 1
        self._came.set()
        self._came = asyncio.Event()

    def after(self, cursor: DeliveryCursor | None) -> list[OutboxItem]:
        """Returns what is not sent yet, the most urgent first."""
        known = cursor or {}
        left = [item for item in self.events if item.seq > known.get(item.event.priority, 0)]
        return sorted(
            (one for one in left if cursor is None or one.event.priority in cursor), key=lambda one: (one.event.priority, one.seq)
        )

    @property
    def unsent(self) -> list[OutboxItem]:
        """Returns what the owner's chat has not received yet."""
        return self.after(self.cursors.get(MAIN_READER))

    @property
    def told_in(self) -> dict[int, int]:
        """Returns the owner's message of each event."""
        return {
            item.seq: delivery.message_id
            for item in self.events
            for reader, delivery in self.deliveries
            if reader == MAIN_READER
            and item.event.priority is delivery.priority
            and delivery.first_seq <= item.seq <= delivery.last_seq
        }

    def _check(self) -> None:
        if self.down:
            raise LedgerUnavailable("the ledger is away")

    async def read(self, until: datetime, since: datetime | None = None, most_signals: int | None = None) -> Recording:
        """Returns a record of nothing."""
        self._check()
        assert most_signals
        return Recording(since, until, ())

    async def store(
        self,
        messages: Sequence[Message],
        *,
        dead: Sequence[DeadLetter] = (),
        position: SourcePosition | None = None,
        events: Sequence[Event] = (),
        taken: Taken = ignored,
    ) -> Sequence[Arrival]:
        self._check()
        stored = [self._store(message) for message in messages]
        taken(stored)
        return stored

    def _store(self, message: Message) -> StoredMessage | None:
        key = (message.source, message.source_id)
        if key in self.messages:
            return None
        self.messages[key] = StoredMessage(len(self.messages) + 1, message)
        return self.messages[key]

    def next_seq(self) -> int:
        raise LedgerUnavailable("not needed here")

    async def load(self, today: str) -> LedgerState:
        raise LedgerUnavailable("not needed here")

    async def find_orders(self, client_order_ids: Sequence[str]) -> Mapping[str, Order]:
        return {}

    async def fills_of(self, client_order_id: str) -> Sequence[Fill]:
        return []

    async def commit(self, batch: CommitBatch, *, taken: Taken = ignored) -> None:
        raise LedgerUnavailable("not needed here")

    async def cursor(self, reader: str) -> DeliveryCursor | None:
        self._check()
        return self.cursors.get(reader)

    async def newest(self) -> DeliveryCursor:
        self._check()
        return {each: max((one.seq for one in self.events if one.event.priority is each), default=0) for each in Priority}

    async def waiting(self, cursor: DeliveryCursor, limit: int) -> Sequence[OutboxItem]:
        self._check()
        return self.after(cursor)[:limit]

    async def keep_cursor(self, reader: str, cursor: DeliveryCursor, delivery: Delivery | None = None) -> None:
        if self.down or self.write_down:
            raise LedgerUnavailable("the ledger is full")
        self.cursors[reader] = dict(cursor)
        if delivery is not None:
            self.deliveries.append((reader, delivery))

    async def question_message(self, chat_id: int, question: int) -> int | None:
        self._check()
        asked = [one for _, one in self.deliveries if (one.chat_id, one.question) == (chat_id, question)]
        return asked[0].message_id if asked else None

    async def pending(self, cursor: DeliveryCursor) -> int:
        self._check()
        return len(self.after(cursor))

    async def news(self, seen: int) -> int:
        while self.number == seen:
            await self._came.wait()
        return self.number

    async def first_time_stranger(self, user_id: int, name: str) -> bool:
        self._check()
        if user_id in self.strangers:
            return False
        self.strangers[user_id] = name
        self.new_strangers += 1
        return True

    async def recent_signals(self, limit: int, *, symbol: str | None = None, page: Page = NEWEST) -> Sequence[SignalStory]:
        self._check()
        return [one for one in self.signals if symbol in {None, one.signal.symbol}][:limit]

    async def recent_trades(self, limit: int, *, symbol: str | None = None, page: Page = NEWEST) -> Sequence[tuple[int, Trade]]:
        self._check()
        return list(enumerate(self.trades))[:limit]

    async def recent_orders(self, limit: int) -> Sequence[Order]:
        self._check()
        return []

    async def recent_executions(self, limit: int) -> Sequence[Execution]:
        self._check()
        return []

    async def executions_between(
        self, since: datetime, until: datetime, limit: int, *, after: Place | None = None, symbol: str | None = None
    ) -> Sequence[tuple[int, Execution]]:
        self._check()
        return []

    async def executions_before(
        self, symbol: str, until: datetime, limit: int, *, before: Place | None = None
    ) -> Sequence[tuple[int, Execution]]:
        self._check()
        return []

    async def settled(self, client_order_ids: Sequence[str]) -> Mapping[str, Settled]:
        self._check()
        return {}

    async def symbols(self) -> Sequence[str]:
        self._check()
        return []

    async def acts(self, limit: int, *, page: Page = NEWEST) -> Sequence[Act]:
        self._check()
        return []

    async def began_at(self) -> datetime | None:
        self._check()
        return self.events[0].at if self.events else None

    async def day_results(self, since: str) -> Sequence[DayResult]:
        self._check()
        return [result for result in self.results if result.day >= since]

    async def last(self) -> Sequence[int]:
        self._check()
        return []

    async def named(self, name: str) -> Sequence[int]:
        self._check()
        return []

    async def told_by(self, chat_id: int, message_id: int) -> Sequence[int]:
        self._check()
        return []

    async def letter(self, position: str) -> LetterStory | None:
        self._check()
        return None

    async def pruned(self, seq: int) -> PrunedSignal | None:
        self._check()
        return None

    async def pruned_before(self) -> datetime | None:
        self._check()
        return None

    async def letter_told_by(self, chat_id: int, message_id: int) -> LetterStory | None:
        self._check()
        return None

    async def story(self, seq: int) -> Story | None:
        self._check()
        return None

    async def performance(self, by: str, selection: Selection) -> Sequence[Performance]:
        self._check()
        return []

    async def gains(self, selection: Selection, limit: int) -> Sequence[Gain]:
        self._check()
        return []

    async def days(self, selection: Selection) -> Sequence[Gain]:
        self._check()
        return []

    async def executions(self, selection: Selection, limit: int) -> Sequence[Execution]:
        self._check()
        return []

    async def report(self, selection: Selection, groups: Sequence[str]) -> QualityReport:
        self._check()
        return QualityReport((), {}, ())


def came(said: Signal, outcome: str | None, why: str = "", **params: str) -> SignalStory:
    """Returns a row of /signals."""
    return SignalStory(said, NOON, outcome, reason(why, **params) if why else None)


class Exchange:
    """A venue that only knows balances and one price; `down` makes it stop answering."""

    request_lifetime = 3.0

    def __init__(self, clock: FastClock) -> None:
        self._clock = clock
        self.down = False
        self.delisted = False
        self.bid = Decimal("0.5000")
        self.held = {"USDC": Balance("USDC", Decimal("990.39")), "WIF": Balance("WIF", Decimal("19.98"), Decimal(1))}

    def _check(self) -> None:
        if self.down:
            raise ExchangeUnavailable("connection refused")

    async def server_time(self) -> datetime:
        return self._clock.now()

    async def instruments(self, symbols: Collection[str] | None) -> Mapping[str, Instrument]:
        return {} if self.delisted else {"WIFUSDC": WIF}

    async def quotes(self, symbols: Collection[str]) -> Mapping[str, Quote]:
        self._check()
        return {symbol: Quote(symbol, self.bid, self.bid, self._clock.now()) for symbol in symbols}

    async def candles(self, symbol: str, interval: Interval, since: datetime, limit: int) -> Sequence[Candle]:
        self._check()
        return []

    async def balances(self) -> Mapping[str, Balance]:
        self._check()
        return self.held

    async def place(self, request: OrderRequest) -> PlaceResult:
        return Rejected(reason("market_closed", symbol=request.symbol))

    async def place_list(self, request: ListRequest) -> PlaceListResult:
        return Rejected(reason("market_closed", symbol=request.symbol))

    async def place_entry(self, request: EntryList) -> PlaceListResult:
        return Rejected(reason("market_closed", symbol=request.symbol))

    async def find_order(self, symbol: str, client_order_id: str) -> ExecutionReport | None:
        return None

    async def fills(self, symbol: str, order_id: str) -> Sequence[Fill]:
        return []

    async def recent_orders(self, symbol: str, limit: int) -> RecentOrders:
        return RecentOrders()

    async def open_orders(self, symbol: str | None = None) -> Sequence[ExecutionReport]:
        return []

    async def cancel_order(self, symbol: str, client_order_id: str) -> bool:
        return False


class Trading:
    """Handles messages like the executor, as far as the chat can see: controls change, approvals close, people come and go."""

    def __init__(self, portfolio: Portfolio, clock: FastClock, wake: Callable[[], None]) -> None:
        self.portfolio = portfolio
        self.access_commands = AccessCommands(portfolio, clock)
        self.wake = wake
        self.handled: list[Message] = []
        self.hold: asyncio.Event | None = None

    async def handle(self, stored: StoredMessage) -> MessageOutcome:
        if self.hold is not None:
            await self.hold.wait()
        self.handled.append(stored.message)
        body, outcome, why = stored.message.body, "done", None
        if isinstance(body, ControlsRequested):
            before = self.portfolio.trading_state
            self.portfolio.trading_state = replace(before, pause=body.pause or before.pause, mode=body.mode or before.mode)
        if isinstance(body, ApprovalAnswered):
            known = self.portfolio.approvals.pop(body.token, None)
            outcome = "ordered" if known and body.approve else "ignored"
            why = None if outcome == "ordered" else reason("declined" if known else "approval_closed", who=body.who)
        if isinstance(body, InviteRequested | InviteUsed | InvitesWithdrawn | RevokeRequested | ReaderRequested):
            batch = self.access_commands.batch_of(body)
            if isinstance(batch, Reason):
                return MessageOutcome(stored.seq, "denied", NOON, batch)
            self.portfolio.apply(batch)
            self.wake()
        return MessageOutcome(stored.seq, outcome, NOON, why)


class Office:
    """A command context and its parts."""

    def __init__(self, clock: FastClock, language: str = "en") -> None:
        self.ledger = MemoryLedger()
        self.exchange = Exchange(clock)
        self.portfolio = Portfolio(TradingState(), LIMITS, fixed={OWNER: Role.OWNER, TRADER: Role.TRADER, VIEWER: Role.VIEWER})
        self.people = Roles(self.portfolio)
        self.recipients = Recipients(OWNER, None, language, "UTC", self.people, self.portfolio)
        self.trading = Trading(self.portfolio, clock, self.ledger.wake)
        self.inbox = Inbox(self.ledger, self.trading.handle, clock)
        self.inbox.start([], [])
        self.market = MarketDataCache(self.exchange, clock, list)
        self.lag: int | None = None
        self.standbys: Sequence[str] | None = None
        self.clock_offset: float | None = None
        self.health: Callable[[], Mapping[str, tuple[bool, str]]] = lambda: {
            "kafka": (True, "reading"),
            "exchange": (False, "no <answer>"),
        }
        self.charts = ChartProcess()
        rates = ExchangeRates(self.portfolio, self.market, clock)
        decisions = DecisionService(
            portfolio=self.portfolio, market=self.market, rates=rates, balances=self.exchange.balances, clock=clock
        )
        self.context = CommandContext(
            portfolio=self.portfolio,
            exchange=ExchangeView(self.market, rates, self.exchange, "paper", frozenset({"WIFUSDC"})),
            ledger=LedgerReads(self.ledger, self.ledger, self.ledger, self.ledger, self.ledger, ReplayProcess()),
            people=People(self.people, self.recipients, Confirmations(clock), None, TypedValues(clock)),
            actions=Actions(self.inbox, decisions, clock),
            program=ProgramStatus(
                version="0.1.0",
                started_at=clock.now() - timedelta(hours=3, minutes=12),
                bot_name=lambda: "marketflow_local_bot",
                health=self._health,
                alerts_waiting=lambda: len(self.ledger.unsent),
                lag=lambda: self.lag,
                clock_offset=lambda: self.clock_offset,
                process="process 1 on desk",
                standbys=lambda: self.standbys,
            ),
            clock=clock,
            language=language,
            zone="UTC",
            theme=THEMES[0],
            draw=self.charts.draw,
        )

    def _health(self) -> Mapping[str, tuple[bool, str]]:
        return self.health()

    async def with_position(self) -> "Office":
        """Adds 19.98 WIF bought two hours ago, the market at 0.5."""
        opened = self.context.clock.now() - timedelta(hours=2)
        self.portfolio.positions[StrategyBook("WIFUSDC")] = Position(
            "WIFUSDC", Decimal("19.98"), Decimal("9.61"), Decimal("9.6"), is_open=True, opened_at=opened
        )
        await self.market.load_instruments(["WIFUSDC"])
        await self.market.fresh_quote("WIFUSDC")
        return self
