"""The program's surroundings: a broker, an exchange and a chat on loopback, and its commands in their own processes."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from demo.broker import MemoryBroker
from local_telegram.model import Message
from tests.chat_client import LocalChat, local_chat
from tests.running import Ended, Program, run_command, running_program
from tests.venue.server import running_venue
from tests.venue.venue import Venue

TOPIC = "trading_signals"


@dataclass
class Ring:
    """The surroundings, and methods to act in them."""

    venue: Venue
    chat: LocalChat
    broker: str
    folder: Path
    producer: AIOKafkaProducer
    stack: AsyncExitStack
    programs: list[Program] = field(default_factory=list)
    commands: list[Ended] = field(default_factory=list)
    installed: bool = False
    """Set by a test whose next commands are the installed one, which loads the program anew each time."""

    def settings(self, **changes: str) -> dict[str, str]:
        """Returns an owner's settings, 20 WIF an order unless `changes` say otherwise."""
        return {
            "TRADING_MODE": "live",
            "BINANCE_API_URL": self.venue.api_url,
            "BINANCE_API_KEY": self.venue.key,
            "BINANCE_API_SECRET": self.venue.secret,
            "KAFKA_BROKER": self.broker,
            "TG_API_URL": self.chat.api_url,
            "TG_TOKEN": self.chat.token,
            "TG_CHAT_ID": str(self.chat.owner.id),
            "TRADE_QTY": "20",
        } | changes

    async def run(self, **changes: str) -> Program:
        """Runs `marketflow run`, ready, until the end of the test."""
        running = running_program(self.folder, self.settings(**changes), installed=self.installed)
        program = await self.stack.enter_async_context(running)
        self.programs.append(program)
        return program

    async def start(self, **changes: str) -> Program:
        """Runs `marketflow run`, ready but perhaps for Telegram, until the end of the test."""
        program = Program(self.folder, self.settings(**changes), ready_without=("telegram",), installed=self.installed)
        self.stack.push_async_callback(program.kill)
        await program.start()
        self.programs.append(program)
        return program

    async def command(self, *arguments: str, **changes: str) -> Ended:
        """Runs another command from start to end, on the ledger of `run`."""
        ledger = {"DATABASE_URL": f"sqlite+aiosqlite:///{self.folder / 'ledger.db'}"}
        ended = await run_command(*arguments, settings=self.settings(**ledger | changes), installed=self.installed)
        self.commands.append(ended)
        return ended

    async def publish(self, signal_type: str, close: float, **more: object) -> None:
        """Puts one record on the topic, accepted by the broker."""
        record = {"signal_type": signal_type, "close": close} | more
        await self.producer.send_and_wait(TOPIC, json.dumps(record).encode(), key=b"WIFUSDC")

    async def told(self, text: str) -> Message:
        """Waits for the owner's message that contains `text`."""
        return await self.chat.owner.wait_for(text, within=20)

    @property
    def orders(self) -> list[tuple[str, Decimal]]:
        """Returns side and filled quantity of each order that the exchange has."""
        return [(order.side, order.executed_qty) for order in self.venue.orders]

    def posts(self) -> int:
        """Returns how often the exchange was asked for an order."""
        return sum((seen.method, seen.path) == ("POST", "/api/v3/order") for seen in self.venue.requests)


@pytest.fixture
async def ring(memory_broker: MemoryBroker, tmp_path: Path) -> AsyncIterator[Ring]:
    """Yields the surroundings. At the end no log and no output may contain a secret."""
    memory_broker.create_topic(TOPIC, partitions=4)
    async with (
        running_venue() as venue,
        local_chat() as chat,
        AIOKafkaProducer(bootstrap_servers=memory_broker.address) as producer,
        AsyncExitStack() as stack,
    ):
        ring = Ring(venue, chat, memory_broker.address, tmp_path, producer, stack)
        yield ring
        secrets = (venue.key, venue.secret, chat.token.partition(":")[2])
    said = [program.log for program in ring.programs] + [ended.stdout + ended.stderr for ended in ring.commands]
    assert [secret for text in said for secret in secrets if secret in text] == []
