"""The program's surroundings, its load, its faults, and the comparison of the results."""

import asyncio
import contextlib
import json
import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from pathlib import Path
from random import Random
from types import MappingProxyType

from aiokafka import AIOKafkaProducer
from sqlalchemy import Table, and_, func, not_, select

from core.adapters.ledger.reader import LedgerReader, open_reader
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables import (
    control_tables,
    notification_tables,
    order_tables,
    plan_tables,
    result_tables,
    signal_tables,
)
from core.adapters.ledger.tables.metadata import metadata
from core.domain.errors import LedgerUnavailable
from tests.chat_client import LocalChat, local_chat
from tests.owner_deliveries import undelivered
from tests.running import Program
from tests.servers.process import ServerDidNotStartError
from tests.simulation.disk import EXPOSED, RESTS
from tests.simulation.evidence import Evidence, Published
from tests.simulation.judge import violations
from tests.venue.faults import Fault
from tests.venue.model import Balance
from tests.venue.server import running_venue
from tests.venue.venue import Venue

TOPIC = "trading_signals"
PARTITIONS = 3
START_BALANCES = {"USDC": "100000", "USDT": "100000"}
SYMBOLS = {"WIFUSDC": "0.4801", "WIFUSDT": "0.4800", "DOGEUSDT": "0.1", "SOLUSDT": "150"}
SETTLE_SECONDS = 90.0  # without any progress; how long all of it takes depends on the machine's load
AT_LENGTH = int(os.environ.get("KILLS", "3")) > 10
"""In a run of its own each start is that of the installed command."""
_EVERY = 0.2  # seconds between two looks at the ledger
LOG_LINES = 40  # of the program, in what a failed test says


@dataclass
class Chaos:
    """A program, its surroundings, and the means to disturb both. `random` is the only source of chance."""

    random: Random
    venue: Venue
    chat: LocalChat
    producer: AIOKafkaProducer
    program: Program
    reader: LedgerReader
    published: list[Published] = field(default_factory=list)
    orders: Sequence[str] = ("POST order",)
    """The requests whose answers `trouble` spoils."""
    spoiled: list[Fault] = field(default_factory=list)
    most_waiting: int | None = None
    """The most faults of the exchange that wait for a request at a time, since none hits while the program is dead; None: any."""
    enough: bool = False
    kills: int = 0
    faults: int = 0

    # --- load and faults

    async def load(self, every: float) -> None:
        """Sends signals at a steady rate until `enough`: most of them allowed, some repeated, some unreadable."""
        for number in count():
            if self.enough:
                return
            symbol = self.random.choice(list(SYMBOLS))
            await self.publish(symbol, self.random.choice(["BUY_SM", "SELL_SM"]), number)
            self.venue.set_price(symbol, _moved(SYMBOLS[symbol], self.random))
            await asyncio.sleep(self.random.uniform(0, 2 * every))

    async def say(self, symbol: str, side: str, name: str, **fields: object) -> None:
        """Sends one signal."""
        record = {"signal_type": side, "close": SYMBOLS[symbol], "symbol": symbol, "signal_id": name, **fields}
        await self._send(symbol, json.dumps(record).encode(), name)

    async def publish(self, symbol: str, side: str, number: int) -> None:
        name = f"s{number}" if self.random.random() < 0.7 else None
        record = {"signal_type": side, "close": SYMBOLS[symbol], "symbol": symbol} | ({"signal_id": name} if name else {})
        value = b"{" if self.random.random() < 0.02 else json.dumps(record).encode()
        for _ in range(2 if self.random.random() < 0.05 else 1):
            await self._send(symbol, value, name if value != b"{" else None, readable=value != b"{")

    async def _send(self, symbol: str, value: bytes, name: str | None, *, readable: bool = True) -> None:
        partition = list(SYMBOLS).index(symbol) % PARTITIONS
        sent = await self.producer.send_and_wait(TOPIC, value, partition=partition)
        self.published.append(Published(f"{TOPIC}/{partition}/{sent.offset}", name, readable))

    async def trouble(self) -> None:
        """Causes faults of exchange and chat, one after another, until `enough`."""
        while not self.enough:
            await asyncio.sleep(self.random.expovariate(1 / 0.5))
            self.random.choice([self._trouble_exchange, self._trouble_exchange, self._trouble_chat])()
            self.faults += 1
        self.venue.faults.clear()
        self.chat.room.faults.clear()

    def _trouble_exchange(self) -> None:
        if self.most_waiting is not None and self.venue.faults.waiting >= self.most_waiting:
            return
        faults, executed, endpoint = self.venue.faults, self.random.random() < 0.5, self.random.choice(self.orders)
        choice = self.random.randrange(9)
        if choice == 0:
            fault = faults.cut(endpoint, executed=executed, times=1 if endpoint.startswith(("POST", "WS")) else 2)
        elif choice == 1:
            fault = faults.error(endpoint, -1007, executed=executed)
        elif choice == 2:
            fault = faults.bad_gateway(endpoint, executed=executed)
        elif choice == 3:
            fault = faults.unreadable(endpoint, executed=executed)
        elif choice == 4:
            fault = faults.too_many(endpoint, retry_after=1)
        elif choice == 5:
            fault = faults.error(endpoint, -1008)
        elif choice == 6:
            fault = faults.answer(endpoint, 200, executed=True, body="{", answer_delay_ms=self.random.uniform(0, 3000))
        elif choice == 7:
            fault = faults.cut("GET order", times=2)
        else:
            fault = faults.cut("GET myTrades", times=2)
            self.venue.streams.cut()  # with the orders in it
        self.spoiled.append(fault)

    def _trouble_chat(self) -> None:
        faults = self.chat.room.faults
        applied = self.random.random() < 0.5
        choice = self.random.randrange(4)
        if choice == 0:
            faults.flood("sendMessage", retry_after=1)
        elif choice == 1:
            faults.bad_gateway("sendMessage", applied=applied)
        elif choice == 2:
            faults.cut("sendMessage", applied=applied)
        else:
            faults.down_for(self.random.uniform(0.1, 2.0))

    async def kill_and_start(self, least: float, most: float, begun: Callable[[], Awaitable[object]] | None = None) -> None:
        """Starts the program, lets it live for a while, counted from when `begun` returns, and ends it like a power cut."""
        starting = asyncio.create_task(self.program.start())
        if begun is not None:
            await begun()
        await asyncio.sleep(self.random.uniform(least, most))
        await self.program.kill()
        with contextlib.suppress(ServerDidNotStartError):
            await starting
        self.kills += 1

    # --- the end

    async def settle(self) -> None:
        """Returns once nothing waits for anything any more. Raises AssertionError with the end of the program's log: at once if
        the program has ended by itself, and with what still waits once nothing of that has changed for a while."""
        before: list[str] = []
        until = 0.0
        while waiting := await self._unsettled():
            if not self.program.is_alive:
                raise AssertionError(f"it has ended by itself{self.end_of_log()}")
            if waiting != before:
                before, until = waiting, time.monotonic() + SETTLE_SECONDS
            if time.monotonic() > until:
                raise AssertionError(f"waits for ever: {waiting}{self.end_of_log()}")
            await asyncio.sleep(_EVERY)
        assert self.program.is_alive, f"it has ended by itself{self.end_of_log()}"

    def end_of_log(self) -> str:
        """Returns the program's last words, to end the message of a failed test."""
        return "\n".join(["; the end of its log:", *self.program.log.splitlines()[-LOG_LINES:]])

    async def _unsettled(self) -> list[str]:
        waiting = {
            "messages": (signal_tables.inbox, signal_tables.UNDECIDED),
            "orders": (order_tables.orders, and_(order_tables.IN_FLIGHT, not_(RESTS))),
            "positions without protection": (plan_tables.order_plans, EXPOSED),
            "wanted exits": (control_tables.wanted_exits, control_tables.IS_WANTED),
        }
        found = []
        try:
            for what, (table, condition) in waiting.items():
                (row,) = await self.reader.read(select(func.count().label("n")).select_from(table).where(condition))
                found += [f"{row['n']} {what}"] if row["n"] else []
            outbox = await self.reader.read(select(notification_tables.outbox.c.seq, notification_tables.outbox.c.priority))
            alerts = undelivered(outbox, await self.reader.read(select(notification_tables.told)))
            found += [f"{len(alerts)} alerts"] if alerts else []
            read = {
                row["partition"]: row["next_offset"] for row in await self.reader.read(select(signal_tables.source_positions))
            }
        except LedgerUnavailable as error:
            return [str(error)]
        ends = [0] * PARTITIONS
        for record in self.published:
            _, partition, offset = record.place.split("/")
            ends[int(partition)] = max(ends[int(partition)], int(offset) + 1)
        at = [(number, read.get(number, 0), end) for number, end in enumerate(ends)]
        return found + [f"partition {number} read up to {now} of {end}" for number, now, end in at if now < end]

    async def agreed(self, within: float) -> None:
        """Returns once ledger and exchange agree, except for halted symbols; after so many seconds raises AssertionError with the
        differences."""
        until = time.monotonic() + within
        while differences := await self._differences():
            if time.monotonic() > until:
                raise AssertionError(f"ledger and exchange differ: {differences}")
            await asyncio.sleep(_EVERY)

    async def _differences(self) -> list[str]:
        try:
            positions = await self.reader.read(select(result_tables.positions.c.symbol, result_tables.positions.c.qty))
            orders = await self.reader.read(select(order_tables.orders.c.order_id))
            halted = {row["symbol"] for row in await self.reader.read(select(control_tables.holds)) if row["lifted_at"] is None}
        except LedgerUnavailable as error:
            return [str(error)]
        known, held = {row["order_id"] for row in orders}, defaultdict[str, Decimal](Decimal)
        for row in positions:
            held[row["symbol"][:-4]] += row["qty"]
        found = [f"order {one.order_id} of {one.symbol}" for one in self.venue.orders if str(one.order_id) not in known]
        for symbol in SYMBOLS.keys() - halted:
            base = symbol[:-4]
            there = self.venue.balances[base] if base in self.venue.balances else Balance()
            if held[base] != there.free + there.locked:
                found.append(f"{held[base]} {base}, not {there.free + there.locked}")
        return found

    async def judged(self, accident: str = "") -> list[str]:
        """Returns every broken promise, in words; `accident` is what happened to the ledger."""
        rows = await self._rows()
        while undelivered(rows[notification_tables.outbox], rows[notification_tables.told]):
            await self.settle()  # a report came since: that of an outage comes once all is calm
            rows = await self._rows()
        told = {message.message_id: message.text for message in self.chat.owner.received}
        evidence = Evidence(
            rows=lambda table: rows[table],
            venue=self.venue,
            told=told,
            cut=(),
            published=self.published,
            symbols=list(SYMBOLS),
            start_balances=START_BALANCES,
            accident=accident,
        )
        return violations(evidence)

    async def _rows(self) -> dict[Table, Sequence[Row]]:
        """Returns every table's rows. What was told is read first and the events last: an event that counts as told has its
        delivery among the rows."""
        first, last = notification_tables.told, notification_tables.outbox
        between = [table for table in metadata.tables.values() if table not in {first, last}]
        return {table: await self.reader.read(select(table)) for table in (first, *between, last)}

    async def summary(self) -> str:
        """Summarises the run in a line; repeated alerts are those in the chat that no event names."""
        outbox = await self.reader.read(select(notification_tables.outbox.c.seq))
        named = {row["message_id"] for row in await self.reader.read(select(notification_tables.deliveries.c.message_id))}
        received = [message.message_id for message in self.chat.owner.received]
        twice = len([number for number in received if number not in named])
        outcomes = await self.reader.read(
            select(signal_tables.inbox.c.outcome, func.count().label("n"))
            .where(signal_tables.IS_SIGNAL)
            .group_by(signal_tables.inbox.c.outcome)
        )
        became = ", ".join(f"{row['n']} {row['outcome']}" for row in sorted(outcomes, key=lambda row: -row["n"]))
        told = f"{len(outbox)} events told in {len(received)} messages, {twice} of them twice"
        happened = f"{self.kills} kills, {self.faults} faults, {len(self.published)} records: {became}"
        return f"{happened}; {len(self.venue.orders)} orders on the exchange; {told}"


def _moved(price: str, random: Random) -> Decimal:
    places = Decimal(1).scaleb(-2 if Decimal(price) > 1 else -4)
    return (Decimal(price) * Decimal(f"{random.uniform(0.995, 1.005):.4f}")).quantize(places)


def settings(venue: Venue, chat: LocalChat, broker: str) -> dict[str, str]:
    """Returns an owner's settings: four symbols, 20 USD an order."""
    return {
        "TRADING_MODE": "live",
        "BINANCE_API_URL": venue.api_url,
        "BINANCE_API_KEY": venue.key,
        "BINANCE_API_SECRET": venue.secret,
        "KAFKA_BROKER": broker,
        "TG_API_URL": chat.api_url,
        "TG_TOKEN": chat.token,
        "TG_CHAT_ID": str(chat.owner.id),
        "SYMBOLS": ",".join(SYMBOLS),
        "TRADE_QUOTE": "20",
        "DAILY_LOSS_LIMIT": "10000",
        "PRICE_BAND_PCT": "5",
    }


@asynccontextmanager
async def chaos(
    folder: Path,
    broker: str,
    *,
    seed: int,
    database_url: str = "",
    changes: Mapping[str, str] = MappingProxyType({}),
    streams: bool = False,
    installed: bool = False,
) -> AsyncIterator[Chaos]:
    """Builds the surroundings and creates the topic; does not start the program. Without `database_url` the ledger is SQLite.
    `changes` override the settings; `streams`: there is the WebSocket API; `installed` is that of Program."""
    async with AsyncExitStack() as stack:
        venue = await stack.enter_async_context(running_venue(balances=START_BALANCES, prices={**SYMBOLS, "USDCUSDT": "1"}))
        venue.lift_limits()
        venue.limits.strikes = 10**9
        chat = await stack.enter_async_context(local_chat())
        producer = await stack.enter_async_context(AIOKafkaProducer(bootstrap_servers=broker))
        url = database_url or f"sqlite+aiosqlite:///{folder / 'ledger.db'}"
        own = (
            settings(venue, chat, broker)
            | {"DATABASE_URL": url, "BINANCE_WS_URL": venue.ws_url if streams else ""}
            | dict(changes)
        )
        # Telegram fails now and then, and delays nothing else.
        program = Program(folder, own, ready_without={"telegram"}, installed=installed or AT_LENGTH)
        stack.push_async_callback(program.kill)
        world = Chaos(Random(seed), venue, chat, producer, program, open_reader(url))
        try:
            yield world
        finally:
            await world.reader.close()  # it may be another one by now
