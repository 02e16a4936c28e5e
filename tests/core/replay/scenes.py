"""A day of trading to record: a market that wanders, signals of every kind, and people who answer some of them."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from bot.jobs.timers import ApprovalTimer
from core.domain.assets import FEE_COIN
from core.domain.events.orders import OrderExecuted
from core.domain.exit_plan import Breakeven, ExitPlan, Level, StopLoss, Target, Trailing
from core.domain.limit_entry import LimitEntry, OnTimeout
from core.domain.messages import StoredMessage, StrategyRequested
from core.domain.order import Fill, Rejected, by_trade
from core.domain.order_terms import OrderType
from core.domain.reasons import reason
from core.domain.signal import Side, Signal
from core.domain.trade_size import SizeKind, TradeSize
from core.domain.trading_state import Mode, Pause, TradingState
from core.policy.decision_context import RiskLimits
from core.ports.ledger import Ledger
from core.records.recording import RecordedMessage, RecordedOrder, Recording
from core.state.portfolio import Portfolio
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import ScriptedVenue, part_filled, refused
from tests.core.virtual_time import VirtualClock
from tests.core.world import LIMITS, World

SYMBOLS = ("WIFUSDC", "SOLUSDC", "BNBUSDC")
WITH_STOPS = replace(LIMITS, trade_quote=Decimal(50), stop_loss_pct=Decimal(2), max_open_positions=2, daily_loss_limit=Decimal(8))
_STRATEGIES = ("", "fast")
_TICK = Decimal("0.0001")
_STOP = StopLoss(Level(pct=Decimal("1.5")))
_PLANS = (
    ExitPlan(_STOP, (Target(Level(pct=Decimal(2))),)),
    ExitPlan(
        _STOP,
        (Target(Level(pct=Decimal(1)), Decimal(50)), Target(Level(pct=Decimal(3)), Decimal(50))),
        Breakeven(None),
    ),
    ExitPlan(_STOP, trailing=Trailing(Decimal(1))),
    ExitPlan(None, (Target(Level(pct=Decimal(1))),), time_limit=timedelta(minutes=4)),
)


class Day:
    """Trades on `world`; the same seed always brings the same."""

    def __init__(self, world: World, venue: ScriptedVenue, seed: int, *, is_rich: bool, is_perfect: bool) -> None:
        self._world = world
        self._venue = venue
        self._random = Random(seed)
        self._is_rich = is_rich
        self._is_perfect = is_perfect
        self.signals = 0

    async def signal(self) -> None:
        """Lets some time pass and the market move, and delivers a signal."""
        random, world = self._random, self._world
        await self._move()
        symbol = random.choice(SYMBOLS)
        market = self._venue.prices[symbol]
        off = Decimal(random.choice(("1", "1", "1", "1.002", "0.97"))) if not self._is_perfect else Decimal(1)
        kind = random.choice(("BUY_SM", "BUY_SM", "SELL_SM"))
        signal = world.signal(
            kind, symbol=symbol, close=str((market * off).quantize(_TICK)), age=random.choice((0.2, 1.5, 1.5, 90))
        )
        strategy = random.choice(_STRATEGIES)
        if strategy:
            signal = replace(signal, extra={"strategy": strategy})
        if self._is_rich and signal.side is Side.BUY:
            signal = self._richer(signal, market)
        if random.random() < 0.04 and not self._is_perfect:
            self._venue.next(random.choice((part_filled("0.5"), refused(Rejected(reason("rejected", code=-2010, message="no"))))))
        await self._say(signal)
        if random.random() < 0.03:
            await self._say(signal)  # comes again
        await self._answer(signal)

    def _richer(self, signal: Signal, market: Decimal) -> Signal:
        """Gives an entry a plan of its own, a size, or a limit at which it waits."""
        random = self._random
        limit = LimitEntry(
            OrderType.LIMIT,
            (market * Decimal("0.996")).quantize(_TICK),
            expires_in=timedelta(seconds=random.choice((30, 300))),
            on_timeout=random.choice((OnTimeout.CANCEL, OnTimeout.MARKET)),
        )
        size = TradeSize(SizeKind.QUOTE, Decimal(random.choice((30, 60))))
        return replace(
            signal,
            plan=random.choice((None, *_PLANS)),
            size=random.choice((None, size)),
            entry=limit if random.random() < 0.3 else None,
        )

    async def _say(self, signal: Signal) -> None:
        self.signals += 1
        await self._world.clock.run(self._world.inbox.ask(self._world.said(signal)))

    async def _move(self) -> None:
        await self._world.clock.forward(0.05)  # two things at the same moment would have no order
        for symbol in SYMBOLS:
            steps = Decimal(self._random.randint(-120, 119)) / 10_000
            self._venue.trade(symbol, str((self._venue.prices[symbol] * (1 + steps)).quantize(_TICK)))
        await self._world.clock.forward(self._random.choice((4, 20, 75)))

    async def _answer(self, signal: Signal) -> None:
        """Has a person answer the question about the signal, late, or not at all."""
        asked = self._world.portfolio.approval_for(signal.book)
        if asked is None or asked.signal.signal_id != signal.signal_id:
            return
        await self._world.clock.forward(self._random.choice((2, 9)))
        if (fate := self._random.random()) < 0.8:
            await self._world.tap(asked.token, approve=fate < 0.5, symbol=signal.symbol)

    async def people(self) -> None:
        """Has people pause and resume, and change the mode."""
        pause = self._random.choice((Pause.OFF, Pause.OFF, Pause.ENTRIES, Pause.ALL))
        mode = self._random.choice((Mode.AUTO, Mode.AUTO, Mode.CONFIRM, Mode.OBSERVE))
        await self._world.set(pause=pause, mode=mode)
        paused = self._random.random() < 0.3
        body = StrategyRequested("fast", paused, 7, "Ann")
        await self._world.clock.run(self._world.inbox.ask(self._world.message(body, "")))


async def open_world(ledger: Ledger, clock: VirtualClock, venue: ScriptedVenue, limits: RiskLimits) -> World:
    """Returns a first process on an empty ledger, with its timers."""
    world = World(Portfolio(TradingState(), limits, mark=7_000_000_001), clock=clock, ledger=ledger, venue=venue)
    await clock.run(world.market.load_instruments(None))
    world.inbox.start([], [])
    world.start_timer()
    return world


async def run_timers(world: World) -> None:
    """Ends unanswered questions and pauses, as `bot.app` does."""
    timer = ApprovalTimer(world.portfolio, world.inbox, world.clock)
    while True:
        await timer.run()
        await world.clock.sleep(1)


async def trade(
    world: World, venue: ScriptedVenue, signals: int, seed: int = 1, *, is_rich: bool = False, is_perfect: bool = False
) -> Day:
    """Trades until so many signals have come; if `is_rich`, also with plans, sizes and limits of their own; if `is_perfect`, all
    are at the market's price, and the exchange fills every order whole."""
    day = Day(world, venue, seed, is_rich=is_rich, is_perfect=is_perfect)
    timers = asyncio.create_task(run_timers(world))
    while day.signals < signals:
        if day.signals % 40 == 39 and not is_perfect:
            await day.people()
        await day.signal()
    await world.clock.forward(200)
    timers.cancel()
    return day


def recording_of(ledger: MemoryLedger, until: datetime) -> Recording:
    """Returns the record of a ledger in memory, as the reader of a real one does."""
    return Recording(
        since=None,
        until=until,
        messages=tuple(_recorded(ledger, stored) for stored in ledger.messages.values()),
        orders={name: RecordedOrder(one, _fills(ledger, name)) for name, one in ledger.orders.items()},
        executions=tuple(ledger.executions.values()),
        trades=tuple(ledger.trades.values()),
        positions=tuple(ledger.positions.values()),
        approvals=tuple(ledger.approvals.values()),
        plans=tuple(ledger.plans.values()),
        fee_values={
            event.execution.client_order_id: event.fee_value
            for event in ledger.events
            if isinstance(event, OrderExecuted) and event.fee_value is not None and event.execution.fee_asset == FEE_COIN
        },
    )


def _recorded(ledger: MemoryLedger, stored: StoredMessage) -> RecordedMessage:
    outcome = ledger.outcomes.get(stored.seq)
    if outcome is None:
        return RecordedMessage(stored.seq, stored.message, None, None)
    return RecordedMessage(stored.seq, stored.message, outcome.outcome, outcome.at, outcome.reason, outcome.facts)


def _fills(ledger: MemoryLedger, client_order_id: str) -> tuple[Fill, ...]:
    return tuple(by_trade(fill for (name, _), fill in ledger.fills.items() if name == client_order_id))
