"""One process of MarketFlow on the paper exchange of the demo's market, assembled and timed like `bot.app`."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any, cast

from bot.access.roles import Roles
from bot.app import schedule
from bot.commands.actions import Actions
from bot.commands.context import CommandContext, People
from bot.commands.exchange_view import ExchangeView
from bot.commands.ledger_reads import LedgerReads
from bot.commands.program_status import ProgramStatus
from bot.factories import PAPER_BALANCES
from bot.jobs.timers import BalanceReader, MarkWriter, RulesReader
from core.adapters.ledger.analytics import LedgerAnalytics
from core.adapters.ledger.lease import take_lease
from core.adapters.ledger.paper_book import SqlPaperBook
from core.adapters.ledger.queries import LedgerQueries
from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.paper.paper_exchange import PaperExchange
from core.adapters.signals.codec import Unreadable, decode
from core.domain.access import Role
from core.domain.messages import Message, SignalReceived
from core.domain.trading_state import Mode, TradingState
from core.policy.decision_context import RiskLimits
from core.policy.strategy_settings import StrategySettings
from core.ports.market_data import MarketData
from core.state.portfolio import Portfolio
from core.trading import Trading
from demo.market import INSTRUMENTS
from tests.simulation.disk import Disk, DiskReader, DiskTransactions
from tests.simulation.loop import Process
from tests.simulation.machine import Clock
from tests.simulation.program import Untimed

OWNER = 7
SOURCE = "strategies"
LIMITS = RiskLimits(
    symbols=frozenset(INSTRUMENTS),
    trade_qty=Decimal(10),
    trade_quote=Decimal(100),
    signal_max_age=timedelta(seconds=60),
    price_band_pct=Decimal(1),
    price_sanity_pct=Decimal(50),
    max_order_notional=Decimal(1000),
    max_open_positions=15,
    daily_loss_limit=Decimal(5000),  # the loss of a day must not end it: what is tested comes after
    approval_ttl=timedelta(seconds=120),
    report_asset="USDC",
    max_entries=3,
)


@dataclass(frozen=True, slots=True)
class Machine:
    """The parts that outlive a process."""

    clock: Clock
    disk: Disk
    market: MarketData
    strategies: frozenset[str]


class Program:
    """The work of `marketflow run` in paper mode, without its chat and its web server."""

    def __init__(self, machine: Machine, process: Process) -> None:
        self._machine = machine
        self._process = process
        self._tokens = count(1)
        self.trades = asyncio.Event()
        """Set once it trades."""

    async def run(self) -> None:
        """Runs until it is killed."""
        machine, clock = self._machine, self._machine.clock
        transactions: Any = DiskTransactions(machine.disk, self._process)
        lease = await take_lease(transactions, self._process.name, clock)
        self.ledger = ledger = SqlLedger(transactions, DiskReader(machine.disk), lease, clock)
        self.venue = PaperExchange(market=machine.market, book=SqlPaperBook(ledger), clock=clock, balances=PAPER_BALANCES)
        self._left = await ledger.load(clock.now().date().isoformat())
        self.trading = self._trading()
        self.trading.inbox.start_controls(self._left.waiting)
        async with asyncio.TaskGroup() as tasks:
            for work in self._work():
                tasks.create_task(work)

    def _trading(self) -> Trading:
        clock, state = self._machine.clock, TradingState(mode=Mode.AUTO)
        today, owner = clock.now().date().isoformat(), {OWNER: Role.OWNER}
        trading = Trading(
            portfolio=Portfolio.from_ledger(self._left, state, LIMITS, today, owner),
            ledger=self.ledger,
            venue=self.venue,
            clock=clock,
            trading_mode="paper",
            timings=Untimed(),
            watched=INSTRUMENTS,
            token=lambda: f"{self._process.name}-{next(self._tokens)}",
            held_since=lambda: self.ledger.held_since,
        )
        trading.portfolio.strategy_settings = StrategySettings(names=self._machine.strategies)
        return trading

    def _work(self) -> list[Coroutine[Any, Any, None]]:
        trading, ledger, clock = self.trading, self.ledger, self._machine.clock
        portfolio, market = trading.portfolio, trading.market
        return [
            self._trade(),
            ledger.keep_lease(),
            market.run(),
            trading.comparing.run(),
            self._fail_with_a_mailbox(),
            self._every(1.0, trading.exits.run),
            self._every(1.0, trading.entries.run),
            self._every(schedule.PROTECTION_SECONDS, trading.protection.run),
            self._every(schedule.POLL_SECONDS, trading.hearing.run),
            self._every(schedule.COMPARE_SECONDS, self._compare),
            self._every(30.0, BalanceReader(portfolio, self.venue, clock).run),
            self._every(schedule.EQUITY_SECONDS, trading.equity.run),
            self._every(schedule.MARK_SECONDS, MarkWriter(portfolio, market, ledger).run),
            self._every(schedule.RULES_SECONDS, RulesReader(market).run),
        ]

    async def _trade(self) -> None:
        await self.trading.load_rules(every=False)
        self.trading.start(self._left)
        self.trades.set()

    async def hear(self, record: bytes, name: str) -> None:
        """Takes in a record as a source does that names it `name`."""
        now = self._machine.clock.now()
        read = decode(record, record_ts=now, source=SOURCE, default_id=name, default_symbol="WIFUSDC")
        if isinstance(read, Unreadable):
            raise AssertionError(read.problem)
        message = Message(SOURCE, read.signal_id, read.symbol, SignalReceived(read), now)
        await self.trading.inbox.deliver([message])

    async def _fail_with_a_mailbox(self) -> None:
        await self.trading.inbox.failure

    async def _compare(self) -> None:
        self.trading.compare()

    async def _every(self, seconds: float, job: Callable[[], Awaitable[None]]) -> None:
        while True:
            await job()
            await self._machine.clock.sleep(seconds)

    def context(self) -> CommandContext:
        """Returns the context of the chat's commands that read."""
        trading, clock, reader, nothing = self.trading, self._machine.clock, self.ledger.reader, cast("Any", None)
        return CommandContext(
            portfolio=trading.portfolio,
            exchange=ExchangeView(trading.market, trading.rates, self.venue, "paper", LIMITS.symbols),
            ledger=LedgerReads(LedgerQueries(reader), LedgerAnalytics(reader), nothing, nothing, nothing, nothing),
            people=People(Roles(trading.portfolio), nothing, nothing, None, nothing),
            actions=Actions(trading.inbox, trading.decisions, clock),
            program=ProgramStatus(
                version="0",
                started_at=clock.now(),
                bot_name=lambda: "",
                health=dict,
                alerts_waiting=lambda: 0,
                lag=None,
                clock_offset=lambda: None,
                process="process 1 on desk",
                standbys=lambda: None,
            ),
            clock=clock,
            language="en",
            zone="UTC",
            theme="dark",
            draw=nothing,
        )
