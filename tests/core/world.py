"""The trading core assembled on fakes: a signal in at one end, orders at the scripted venue at the other."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from itertools import count

from core.domain.approval import Approval
from core.domain.instrument import Instrument
from core.domain.limit_entry import LimitEntry, OnTimeout
from core.domain.messages import ApprovalAnswered, ApprovalTimedOut, Body, ControlsRequested, Message, SignalReceived
from core.domain.order_terms import OrderType, TimeInForce
from core.domain.reasons import Reason
from core.domain.resting_rules import RestingRules
from core.domain.signal import Signal
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Mode, Pause, TradingState
from core.engine.inbox import CAPACITY
from core.policy.decision_context import RiskLimits
from core.ports.ledger import Ledger
from core.ports.timings import Stage
from core.records.message_outcome import MessageOutcome
from core.state.portfolio import Portfolio
from core.trading import Trading
from tests.core.scripted_venue import ScriptedVenue
from tests.core.virtual_time import VirtualClock

LIMITS = RiskLimits(
    symbols=None,
    trade_qty=Decimal(20),
    trade_quote=None,
    signal_max_age=timedelta(seconds=60),
    price_band_pct=Decimal(1),
    price_sanity_pct=Decimal(50),
    max_order_notional=Decimal(1000),
    max_open_positions=5,
    daily_loss_limit=Decimal(100),
    approval_ttl=timedelta(seconds=120),
    report_asset="USDC",
)


def instrument(base: str = "WIF", quote: str = "USDC") -> Instrument:
    """Returns WIFUSDC's rules, for any pair of names."""
    return Instrument(
        symbol=base + quote,
        base=base,
        quote=quote,
        status="TRADING",
        tick_size=Decimal("0.0001"),
        step_size=Decimal("0.01"),
        min_qty=Decimal("0.01"),
        max_qty=Decimal(9222449),
        market_max_qty=Decimal(300000),
        min_notional=Decimal(5),
        resting=RestingRules(order_types=frozenset(OrderType), oco_allowed=True, most_orders=200, most_stops=5, most_lists=20),
    )


def three_markets(clock: VirtualClock) -> ScriptedVenue:
    """Returns an exchange that trades WIF, SOL and BNB against USDC; its own clock is 7 s ahead of ours."""
    pairs = {"WIF": "0.48", "SOL": "1.5", "BNB": "600"}
    rules = {f"{base}USDC": instrument(base) for base in pairs}
    prices = {f"{base}USDC": Decimal(price) for base, price in pairs.items()}
    return ScriptedVenue(clock, rules, prices, ahead=timedelta(seconds=7))


@dataclass
class Durations:
    """See `core.ports.Timings`."""

    to_order: list[float] = field(default_factory=list)
    stages: list[tuple[Stage, float]] = field(default_factory=list)

    def signal_to_order(self, seconds: float) -> None:
        self.to_order.append(seconds)

    def stage(self, stage: Stage, seconds: float) -> None:
        self.stages.append((stage, seconds))


class World:
    """One process's trading core. Its methods are the actions of people and sources; each returns when it is handled."""

    def __init__(
        self,
        portfolio: Portfolio,
        *,
        clock: VirtualClock,
        ledger: Ledger,
        venue: ScriptedVenue,
        capacity: int = CAPACITY,
        start: int = 1,
        complete_since: float | None = None,
    ) -> None:
        """Builds it; `start` counts the process starts on this ledger, so that generated names never repeat. `complete_since` is
        that of FirstSending."""
        self.start = start
        self.portfolio = portfolio
        self.clock = clock
        self.venue = venue
        self.timings = Durations()
        self.closed: Reason | None = None
        """The reason why entries are held back."""
        self._names = (f"{start}-{number}" for number in count(1))
        self.trading = Trading(
            portfolio=portfolio,
            ledger=ledger,
            venue=venue,
            clock=clock,
            trading_mode="paper",
            timings=self.timings,
            token=lambda: f"token-{next(self._names)}",
            capacity=capacity,
            gate=lambda: self.closed,
            complete_since=complete_since,
        )
        self.comparing = asyncio.create_task(self.trading.comparing.run())
        self._timer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.market, self.placement, self.inbox = self.trading.market, self.trading.execution.placement, self.trading.inbox

    def signal(self, kind: str, *, symbol: str = "WIFUSDC", close: str = "0.48", name: str = "", age: float = 0.0) -> Signal:
        """Returns a signal that is `age` seconds old, of its own identity unless `name` is given."""
        name = name or f"signal-{next(self._names)}"
        return Signal("kafka:t", name, kind, symbol, Decimal(close), self.clock.now() - timedelta(seconds=age))

    def message(self, body: Body, mailbox: str) -> Message:
        source_id = body.signal.signal_id if isinstance(body, SignalReceived) else f"message-{next(self._names)}"
        return Message("kafka:t", source_id, mailbox, body, self.clock.now())

    def said(self, signal: Signal) -> Message:
        return self.message(SignalReceived(signal), signal.symbol)

    async def say(
        self, kind: str, *, symbol: str = "WIFUSDC", close: str = "0.48", name: str = "", age: float = 0.0
    ) -> MessageOutcome | None:
        """Delivers a signal, and lets time pass until it is handled. Returns None if it was known already."""
        signal = self.signal(kind, symbol=symbol, close=close, name=name, age=age)
        return await self.clock.run(self.inbox.ask(self.said(signal)))

    async def enter(
        self,
        limit_price: str,
        *,
        kind: OrderType = OrderType.LIMIT,
        expires_in: float = 60.0,
        on_timeout: OnTimeout = OnTimeout.CANCEL,
        symbol: str = "WIFUSDC",
        name: str = "",
    ) -> MessageOutcome | None:
        """Delivers a signal that buys at a limit, and lets time pass until it is handled."""
        stays = TimeInForce.GTC if kind is OrderType.LIMIT else None
        entry = LimitEntry(kind, Decimal(limit_price), stays, timedelta(seconds=expires_in), on_timeout)
        signal = replace(self.signal("BUY_SM", symbol=symbol, name=name), entry=entry)
        return await self.clock.run(self.inbox.ask(self.said(signal)))

    def question(self, symbol: str = "WIFUSDC") -> Approval:
        """Returns the open approval of `symbol`."""
        asked = self.portfolio.approval_for(StrategyBook(symbol))
        assert asked is not None
        return asked

    async def tap(self, token: str, *, approve: bool = True, symbol: str = "WIFUSDC") -> MessageOutcome:
        return await self._ask(ApprovalAnswered(token, approve, 7, "Ann"), symbol)

    async def time_out(self, token: str, *, symbol: str = "WIFUSDC") -> MessageOutcome:
        return await self._ask(ApprovalTimedOut(token), symbol)

    async def set(self, *, pause: Pause | None = None, mode: Mode | None = None) -> MessageOutcome:
        return await self._ask(ControlsRequested(7, "Ann", pause, mode), "")

    async def _ask(self, body: Body, mailbox: str) -> MessageOutcome:
        outcome = await self.clock.run(self.inbox.ask(self.message(body, mailbox)))
        assert outcome is not None
        return outcome

    def start_timer(self) -> None:
        """Starts the timer that retries due exits, as `bot.app` does."""
        self._timer = asyncio.create_task(self._time_exits(), name="exits")

    async def _time_exits(self) -> None:
        while True:
            await self.trading.exits.run()
            await self.trading.entries.run()
            await self.trading.protection.run()
            await self.trading.hearing.run()
            await self.clock.sleep(1)

    async def crash(self) -> None:
        """Ends the process in the middle of its work."""
        self._timer.cancel()
        workers = [*self.inbox._workers.values(), self.comparing]
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    async def close(self) -> None:
        self.comparing.cancel()
        self._timer.cancel()
        await self.clock.run(self.inbox.close())


async def restarted(before: World, ledger: Ledger, complete_since: float | None = None) -> World:
    """Starts a new process on the same ledger and exchange, as `bot.app` does: rules, unsettled orders, then what waits.
    `complete_since` is that of FirstSending."""
    clock = before.clock
    today = clock.now().date().isoformat()
    state = await clock.run(ledger.load(today))
    portfolio = Portfolio.from_ledger(state, TradingState(), before.portfolio.settings, today)
    start = before.start + 1
    world = World(portfolio, clock=clock, ledger=ledger, venue=before.venue, start=start, complete_since=complete_since)
    await clock.run(world.market.load_instruments(None))
    world.inbox.start_controls(state.waiting)
    world.trading.start(state)
    world.start_timer()
    while world.portfolio.in_flight:
        await clock.forward(1)
    await clock.quiet()
    return world
