"""One process of MarketFlow between the simulated parts, assembled like `bot.app`."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any, cast

from bot.access.confirmations import Confirmations, Refusal, read_confirmation
from bot.access.roles import Roles, invite_token_in
from bot.access.typed_values import TypedValues
from bot.commands import approval_buttons as approvals
from bot.commands.actions import Actions
from bot.commands.caller import Caller
from bot.commands.context import CommandContext, People
from bot.commands.exchange_view import ExchangeView
from bot.commands.ledger_reads import LedgerReads
from bot.commands.liquidation import PanicTimer
from bot.commands.parser import parse_command
from bot.commands.program_status import ProgramStatus
from bot.commands.start import joined
from bot.jobs.timers import ApprovalTimer, RulesReader
from bot.subscriptions.recipients import Recipients
from bot.telegram.single_instance import SingleInstance
from core.adapters.binance.binance_client import BinanceClient
from core.adapters.binance.credentials import Credentials
from core.adapters.kafka.source import SourceCallbacks
from core.adapters.ledger.lease import take_lease
from core.adapters.ledger.queries import LedgerQueries
from core.adapters.ledger.sql_ledger import SqlLedger
from core.domain.access import Role
from core.domain.errors import ExchangeUnavailable, LeaseLost, LedgerInUse, LedgerUnavailable
from core.domain.events.outages import PartTroubled
from core.domain.events.process import Started
from core.domain.events.table import Event
from core.domain.exit_plan import ExitPlan
from core.domain.trading_state import Mode, TradingState
from core.policy.decision_context import RiskLimits
from core.policy.risk.limits import SETTABLE_LIMITS, shown
from core.policy.strategy_settings import StrategySettings
from core.ports.timings import Stage
from core.records.commit_batch import CommitBatch
from core.state.portfolio import Portfolio
from core.trading import Trading
from tests.owner_deliveries import owners_notifier
from tests.simulation.broker import TOPIC, Broker, SimulatedSource
from tests.simulation.chat import CHAT_ID, Chat, Update, bot_in
from tests.simulation.disk import Disk, DiskReader, DiskTransactions
from tests.simulation.exchange import SYMBOLS, Exchange, SimulatedWire
from tests.simulation.loop import Process
from tests.simulation.machine import Clock, Fate
from tests.simulation.polling import Polling

LIMITS = RiskLimits(
    symbols=frozenset(SYMBOLS),
    trade_qty=Decimal(10),
    trade_quote=Decimal(20),
    signal_max_age=timedelta(seconds=60),
    price_band_pct=Decimal(2),
    price_sanity_pct=Decimal(50),
    max_order_notional=Decimal(1000),
    max_open_positions=3,
    daily_loss_limit=Decimal(1000),
    approval_ttl=timedelta(seconds=40),
    report_asset="USDC",
)
ANN, BOB = 7, 8
NAMES = {ANN: "Ann", BOB: "Bob"}


def limits_with(plan: ExitPlan | None, protections: Mapping[str, Any]) -> RiskLimits:
    """Returns the limits of a history whose entries have `plan`, and whose account has `protections`."""
    stop = plan.stop if plan is not None else None
    trailing = plan.trailing if plan is not None else None
    return replace(
        LIMITS,
        stop_loss_pct=stop.level.pct if stop is not None else None,
        take_profit_pct=plan.targets if plan is not None else (),
        breakeven_after=plan.breakeven if plan is not None else None,
        time_limit=plan.time_limit if plan is not None else None,
        trailing_pct=trailing.pct if trailing is not None else None,
        trailing_activation_pct=trailing.activation_pct if trailing is not None else None,
        **protections,
    )


def settings_with(plan: ExitPlan | None, protections: Mapping[str, Any]) -> dict[str, str]:
    """Returns the limits of such a history, by the names of their settings."""
    return {name: shown(limits_with(plan, protections), name) for name in SETTABLE_LIMITS}


_TRADING = 0  # its index among the vital tasks


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that outlive a process."""

    fate: Fate
    clock: Clock
    disk: Disk
    exchange: Exchange
    broker: Broker
    chat: Chat
    plan: ExitPlan | None = None
    protections: Mapping[str, Any] = field(default_factory=dict)
    polling: Polling = field(default_factory=Polling)
    strategies: Sequence[str] = ()


class Untimed:
    """See `core.ports.Timings`."""

    def signal_to_order(self, seconds: float) -> None: ...

    def stage(self, stage: Stage, seconds: float) -> None: ...


class Program:
    """The work of `marketflow run`, without its web server and its commands."""

    def __init__(self, parts: Parts, process: Process) -> None:
        self.parts = parts
        self.process = process
        self.clock = parts.clock
        self._tokens = count(1)
        self.asked_to_stop = asyncio.Event()
        self._telling: set[asyncio.Task[None]] = set()

    async def run(self) -> str:
        """Runs until a vital part ends; returns an expected end, raises anything else."""
        try:
            await self._run()
        except (LeaseLost, LedgerInUse, LedgerUnavailable) as error:
            return f"{type(error).__name__}: {error}"
        return "ended"

    async def _run(self) -> None:
        parts, clock = self.parts, self.clock
        transactions: Any = DiskTransactions(parts.disk, self.process)
        try:
            lease = await take_lease(transactions, self.process.name, clock)
        except OSError as error:
            raise LedgerUnavailable(str(error)) from None
        self.ledger = ledger = SqlLedger(transactions, DiskReader(parts.disk), lease, clock)
        client = BinanceClient(
            api_url="simulated",
            clock=clock,
            credentials=Credentials("key", "secret"),
            may_send=lambda: ledger.may_trade,
            wire=lambda: SimulatedWire(parts.exchange, clock, lambda: ledger.may_trade),
        )
        today = clock.now().date().isoformat()
        self.left = await ledger.load(today)
        self.alone = await self._polls()
        self.trading = Trading(
            portfolio=Portfolio.from_ledger(
                self.left,
                TradingState(mode=Mode.AUTO),
                limits_with(parts.plan, parts.protections),
                today,
                {ANN: Role.OWNER},
            ),
            ledger=ledger,
            venue=client,
            clock=clock,
            trading_mode="live",
            timings=Untimed(),
            watched=SYMBOLS,
            token=lambda: f"{self.process.name}-{next(self._tokens)}",
            capacity=50,
            held_since=lambda: ledger.held_since,
            gate=self.alone.closed if self.alone is not None else lambda: None,
        )
        self.trading.portfolio.strategy_settings = StrategySettings(names=frozenset(parts.strategies))
        self.inbox = self.trading.inbox
        self.context = self._context(client)
        self.source = SimulatedSource(
            parts.broker,
            default_symbol="WIFUSDC",
            deliver=self.inbox.deliver,
            stored_positions=lambda: ledger.source_positions(f"kafka:{TOPIC}"),
            recorded=lambda ids: ledger.find_signals(f"kafka:{TOPIC}", ids),
            clock=clock,
            callbacks=SourceCallbacks(
                on_first_start=lambda: None,
                on_state_change=lambda ready, detail: self._tell(PartTroubled("kafka", ready, detail)),
                on_gap=lambda *gap: self._tell(PartTroubled("kafka", False, str(gap))),
            ),
        )
        notifier = owners_notifier(bot_in(parts.chat), CHAT_ID, ledger, clock)
        self.inbox.start_controls(self.left.waiting)
        vital: list[Coroutine[Any, Any, None]] = [
            self._trade(),
            ledger.keep_lease(),
            notifier.run(),
            self._listen() if self.alone is None else parts.polling.listen(self.alone, clock),
            self.trading.market.run(),
            self.trading.comparing.run(),
            self._watch_mailboxes(),
            self._every(1.0, self.trading.exits.run),
            self._every(1.0, self.trading.entries.run),
            self._every(1.0, self.trading.protection.run),
            self._every(2.0, self.trading.hearing.run),
            self._every(1.0, PanicTimer(self.context).run),
            self._every(1.0, ApprovalTimer(self.trading.portfolio, self.inbox, clock).run),
            self._every(45.0, self._compare),
            self._every(60.0, self.trading.equity.run),
            self._every(300.0, RulesReader(self.trading.market).run),
            self._every(60.0, self._measure(client)),
        ]
        tasks = [asyncio.create_task(work) for work in vital]
        stopping = asyncio.create_task(self.asked_to_stop.wait())
        done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stopping}:
            task.result()
        await self._stop(tasks)

    async def _polls(self) -> SingleInstance | None:
        """Returns the check that this program is alone; None if nobody polls."""
        if self.parts.polling.queue is None:
            return None
        traded_at = await LedgerQueries(self.ledger.reader).last_on_exchange()
        seen_at = self.ledger.away_since
        return SingleInstance(
            self.clock, self._tell, who=self.process.name, has_account=True, traded_at=traded_at, seen_at=seen_at
        )

    def _context(self, client: BinanceClient) -> CommandContext:
        """Builds the context of the commands. Read-only commands are not used here, so their parts are missing."""
        trading, nothing = self.trading, cast("Any", None)
        people = Roles(trading.portfolio)
        recipients = Recipients(CHAT_ID, None, "en", "UTC", people, trading.portfolio)
        confirmations = Confirmations(self.clock, lambda: f"{self.process.name}-{next(self._tokens):016}")
        return CommandContext(
            portfolio=trading.portfolio,
            exchange=ExchangeView(trading.market, trading.rates, client, "live", LIMITS.symbols),
            ledger=LedgerReads(nothing, nothing, nothing, nothing, nothing, nothing),
            people=People(people, recipients, confirmations, None, TypedValues(self.clock)),
            actions=Actions(trading.inbox, trading.decisions, self.clock),
            program=ProgramStatus(
                version="0",
                started_at=self.clock.now(),
                bot_name=lambda: "",
                health=dict,
                alerts_waiting=lambda: 0,
                lag=None,
                clock_offset=lambda: None,
                process="process 1 on desk",
                standbys=lambda: None,
            ),
            clock=self.clock,
            language="en",
            zone="UTC",
            theme="dark",
            draw=nothing,
        )

    async def _stop(self, tasks: list["asyncio.Task[None]"]) -> None:
        """Handles SIGTERM: settles what is in flight and leaves the rest to the next start."""
        trading = tasks.pop(_TRADING)
        trading.cancel()
        await asyncio.gather(trading, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(25):
                await self.inbox.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.ledger.close()

    async def _trade(self) -> None:
        while True:
            try:
                await self.trading.market.load_instruments(SYMBOLS)
            except ExchangeUnavailable as error:
                await self.clock.sleep(max(2.0, error.retry_after))
            else:
                break
        self.trading.start(self.left)
        portfolio = self.trading.portfolio
        started = Started("0", "live", portfolio.trading_state, len(portfolio.open_positions()))
        await self._commit_event(started)
        await self.source.run()

    async def _compare(self) -> None:
        self.trading.compare()

    async def _watch_mailboxes(self) -> None:
        await self.inbox.failure

    async def _listen(self) -> None:
        """Handles commands and taps concurrently, as `bot.telegram.telegram_app` does."""
        offset: int | None = None
        while True:
            for update in await self.parts.chat.updates_from(offset):
                offset = update.number + 1
                asyncio.create_task(self._heard(update))  # noqa: RUF006 - the loop keeps it
            await self.clock.sleep(0.2)

    async def _heard(self, update: Update) -> None:
        person, data, context = update.person, update.data, self.context
        role, source_id = context.people.roles.role(person), f"update:{update.number}"
        if role is None:
            word = invite_token_in(data)
            if word is not None and context.people.roles.lets_in(word, self.clock.now()):
                await joined(context, word, person, NAMES[person], source_id)
            return
        caller = Caller(person, NAMES[person], role, source_id, person)
        asked = parse_command(data, "")
        if asked is not None and asked.command is not None:
            if asked.allowed(role):
                await self.parts.chat.reply(person, data, await asked.command.run(context, asked.args, caller))
        elif (confirmed := read_confirmation(data)) is not None:
            await self._confirmed(caller, *confirmed)
        elif role >= approvals.ROLE:
            await approvals.answer(context, data, caller)

    async def _confirmed(self, caller: Caller, token: str, yes: bool) -> None:
        pending = self.context.people.confirmations.take(token, caller.user_id, caller.chat_id)
        if yes and not isinstance(pending, Refusal) and caller.role >= pending.role:
            await pending.act(pending.source_id)

    async def _every(self, seconds: float, job: Callable[[], Awaitable[None]]) -> None:
        while True:
            await job()
            await self.clock.sleep(seconds)

    def _measure(self, client: BinanceClient) -> Callable[[], Awaitable[None]]:
        async def measure() -> None:
            try:
                await client.measure_clock()
            except ExchangeUnavailable:
                return

        return measure

    def _tell(self, event: Event) -> None:
        task = asyncio.create_task(self._commit_event(event))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _commit_event(self, event: Event) -> None:
        try:
            await self.ledger.commit(CommitBatch(events=[event]))
        except LedgerUnavailable:
            self.parts.fate.tell("an event could not be kept")
