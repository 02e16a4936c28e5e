"""One process of MarketFlow between the simulated parts, put together as `bot.app` does it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from bot.jobs import ApprovalTimer, RulesReader
from core.adapters.binance_client import BinanceClient
from core.adapters.ledger.lease import take_lease
from core.adapters.ledger.sql_ledger import SqlLedger
from core.book import Book
from core.domain.controls import Controls, Mode
from core.domain.errors import ExchangeUnavailable, LeaseLost, LedgerInUse, LedgerUnavailable
from core.domain.events import Event, PartTroubled, Started
from core.domain.messages import ApprovalAnswered, Message
from core.policy.picture import Limits
from core.ports import Changes
from core.trading import Trading
from tests.simulation.broker import TOPIC, Broker, SimulatedSource
from tests.simulation.chat import CHAT_ID, Chat, bot_in
from tests.simulation.disk import Disk, DiskReader, DiskTransactions
from tests.simulation.exchange import SYMBOLS, Exchange, SimulatedWire
from tests.simulation.loop import Process
from tests.simulation.machine import Clock, Fate
from tests.tellings import owners_notifier

LIMITS = Limits(
    symbols=frozenset(SYMBOLS),
    trade_qty=Decimal(10),
    trade_quote=Decimal(20),
    signal_max_age=timedelta(seconds=60),
    price_band_pct=Decimal(2),
    max_order_notional=Decimal(1000),
    max_open_positions=3,
    daily_loss_limit=Decimal(1000),
    approval_ttl=timedelta(seconds=40),
)
_TRADING = 0  # its place among the vital tasks


@dataclass(frozen=True, slots=True)
class Parts:
    """What outlives a process."""

    fate: Fate
    clock: Clock
    disk: Disk
    exchange: Exchange
    broker: Broker
    chat: Chat


class Untimed:
    """See `core.ports.Timings`."""

    def signal_to_order(self, seconds: float) -> None: ...

    def order_ack(self, seconds: float) -> None: ...


class Program:
    """What `marketflow run` does, without its web server and its commands."""

    def __init__(self, parts: Parts, process: Process) -> None:
        self.parts = parts
        self.process = process
        self.clock = parts.clock
        self._tokens = count(1)
        self._notes: list[str] = []
        self.asked_to_stop = asyncio.Event()
        self._telling: set[asyncio.Task[None]] = set()

    async def run(self) -> str:
        """Until a vital part ends; how it ended, for what may happen. Anything else is raised."""
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
            key="key",
            secret="secret",
            may_send=lambda: ledger.may_trade,
            wire=lambda: SimulatedWire(parts.exchange, clock, lambda: ledger.may_trade),
        )
        today = clock.now().date().isoformat()
        self.left = await ledger.load(today)
        self.trading = Trading(
            book=Book.from_ledger(self.left, Controls(mode=Mode.AUTO), LIMITS, today),
            ledger=ledger,
            venue=client,
            clock=clock,
            trading_mode="live",
            timings=Untimed(),
            watched=SYMBOLS,
            token=lambda: f"{self.process.name}-{next(self._tokens)}",
            capacity=50,
        )
        self.inbox = self.trading.inbox
        self.source = SimulatedSource(
            parts.broker,
            default_symbol="WIFUSDC",
            deliver=self.inbox.deliver,
            stored_positions=lambda: ledger.source_positions(f"kafka:{TOPIC}"),
            recorded=lambda ids: ledger.find_signals(f"kafka:{TOPIC}", ids),
            clock=clock,
            on_first_start=lambda: None,
            on_state_change=lambda ready, detail: self._tell(PartTroubled("kafka", ready, detail)),
            on_gap=lambda *gap: self._tell(PartTroubled("kafka", False, str(gap))),
        )
        notifier = owners_notifier(bot_in(parts.chat), CHAT_ID, ledger, clock)
        self.inbox.start_controls(self.left.waiting)
        vital: list[Coroutine[Any, Any, None]] = [
            self._trade(),
            ledger.keep_lease(),
            notifier.run(),
            self._listen(),
            self.trading.market.run(),
            self._watch_mailboxes(),
            self._every(1.0, ApprovalTimer(self.trading.book, self.inbox, clock).run),
            self._every(45.0, self._compare),
            self._every(300.0, RulesReader(self.trading.market).run),
            self._every(60.0, self._measure(client)),
        ]
        tasks = [asyncio.create_task(work) for work in vital]
        stopping = asyncio.create_task(self.asked_to_stop.wait())
        done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stopping}:
            task.result()
        await self._stop(tasks)

    async def _stop(self, tasks: list["asyncio.Task[None]"]) -> None:
        """SIGTERM: what is in flight is settled, the rest waits for the next start."""
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
        book = self.trading.book
        started = Started("0", "live", book.controls, len(book.open_positions()))
        await self._commit_event(started)
        await self.source.run()

    async def _compare(self) -> None:
        self.trading.compare()

    async def _watch_mailboxes(self) -> None:
        await self.inbox.failure

    async def _listen(self) -> None:
        """Commands and taps, as `bot.telegram_app` and `bot.desk` put them into the inbox."""
        offset = 1
        while True:
            for update in await self.parts.chat.updates_from(offset):
                offset = update.number + 1
                asyncio.create_task(self._put(update.number, update.mailbox, update.body))  # noqa: RUF006 - the loop keeps it
            await self.clock.sleep(0.2)

    async def _put(self, number: int, mailbox: str, body: Any) -> None:
        if isinstance(body, ApprovalAnswered) and body.token not in self.trading.book.approvals:
            return
        message = Message("telegram", f"callback:{number}", mailbox, body, self.clock.now())
        try:
            await self.inbox.ask(message)
        except LedgerUnavailable:
            self.parts.fate.tell(f"update {number} could not be kept")

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
            await self.ledger.commit(Changes(events=[event]))
        except LedgerUnavailable:
            self.parts.fate.tell("an event could not be kept")
