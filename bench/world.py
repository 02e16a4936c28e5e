"""The surroundings of all contenders: the loopback exchange, the local chat, a Kafka broker and PostgreSQL, each its own process
on 127.0.0.1."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from demo.broker import running_broker
from tests.servers.kafka import KafkaServer, KafkaUnavailableError, RealKafka, kafka_jars
from tests.servers.postgres import PostgresServer, PostgresUnavailableError, find_programs
from tests.servers.process import ServerDidNotStartError, ServerProcess

ROOT = Path(__file__).parents[1]
PRICE = "0.4801"
BASES = tuple(f"B{chr(ord('A') + number)}" for number in range(20))
SYMBOLS = tuple(f"{base}USDC" for base in BASES)
PARTITIONS = 4

# The loops sell what they bought without deducting the fee: some stock of each coin keeps that from being a -2010.
_PLENTY = "1000000"


@dataclass(frozen=True, slots=True)
class World:
    """The addresses of the servers. The exchange comes last: each measurement has its own, since MarketFlow trades no symbol
    where an account has orders with its mark that its ledger does not know."""

    chat_url: str
    token: str
    chat_id: str
    broker: str
    broker_name: str
    create_topic: Callable[[str], Awaitable[None]]
    create_database: Callable[[str], Awaitable[str]]
    api_url: str = ""
    ws_url: str = ""
    key: str = ""
    secret: str = ""

    def settings(self, topic: str) -> dict[str, str]:
        """Returns the settings of all contenders."""
        return {
            "BINANCE_API_URL": self.api_url,
            "BINANCE_API_KEY": self.key,
            "BINANCE_API_SECRET": self.secret,
            "TG_API_URL": self.chat_url,
            "TG_TOKEN": self.token,
            "TG_CHAT_ID": self.chat_id,
            "KAFKA_BROKER": self.broker,
            "KAFKA_TOPIC": topic,
            "TRADE_QTY": "20",
        }


def python(*arguments: str, name: str, log: Path, ready: Callable[[], bool], env: dict[str, str] | None = None) -> ServerProcess:
    """Starts a module of this project as a process: `python -m` with `arguments`."""
    path = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    return ServerProcess(name, [sys.executable, "-m", *arguments], log=log, ready=ready, env=path | (env or {}))


@asynccontextmanager
async def running_world(folder: Path, *, memory_broker: bool) -> AsyncIterator[World]:
    """Starts all but an exchange and stops everything at the end of the block. `memory_broker`: uses the embedded one even
    where Apache Kafka is installed."""
    async with AsyncExitStack() as stack:
        chat = await _speaking(stack, ["bench.chat"], folder / "chat.log")
        real = None if memory_broker else await _apache_kafka(stack, folder / "kafka")
        if real is not None:
            address, name, create = real.plain_address, "Apache Kafka", real.create_topic
        else:
            broker = await stack.enter_async_context(running_broker())
            address, name = (
                broker.address,
                "in-memory Kafka broker (its fetches sleep up to 500 ms: most of the single times is its own)",
            )

            async def create(name: str, partitions: int = 1) -> None:
                await asyncio.to_thread(broker.create_topic, name, partitions)

        databases: list[PostgresServer] = []

        async def create_database(name: str) -> str:
            if not databases:  # most measurements need none
                databases.append(await _postgres(stack))
            await databases[0].execute(f'CREATE DATABASE "{name}"')
            return databases[0].url(name)

        yield World(
            chat_url=chat["api_url"],
            token=chat["token"],
            chat_id=str(chat["chat_id"]),
            broker=address,
            broker_name=name,
            create_topic=lambda topic: create(topic, PARTITIONS),
            create_database=create_database,
        )


async def _postgres(stack: AsyncExitStack) -> PostgresServer:
    """Starts an empty PostgreSQL, which waits for the disk as it does by default. Raises ServerDidNotStartError where there is
    none."""
    try:
        server = PostgresServer(find_programs(), durable=True)
    except PostgresUnavailableError as lacking:
        raise ServerDidNotStartError(f"no PostgreSQL here: {lacking}") from None
    stack.push_async_callback(asyncio.to_thread, server.remove)
    await asyncio.to_thread(server.create)
    await asyncio.to_thread(server.start)
    return server


@asynccontextmanager
async def with_exchange(world: World, folder: Path) -> AsyncIterator[World]:
    """Yields `world` with an exchange on which nothing was ever traded."""
    async with AsyncExitStack() as stack:
        venue = await running_exchange(stack, folder)
        yield replace(world, api_url=venue["api_url"], ws_url=venue["ws_url"], key=venue["key"], secret=venue["secret"])


async def running_exchange(stack: AsyncExitStack, folder: Path) -> dict[str, Any]:
    """Starts an exchange without limits, whose log is in `folder`; returns its addresses and its key."""
    symbols = [option for base in BASES for option in (f"--symbol={base}=USDC", f"--balance={base}={_PLENTY}")]
    return await _speaking(stack, ["tests.venue", "--no-limits", f"--balance=USDC={_PLENTY}", *symbols], folder / "venue.log")


async def _speaking(stack: AsyncExitStack, arguments: Sequence[str], log: Path) -> dict[str, Any]:
    """Starts a server that prints its address in its first line; returns that line."""
    server = python(*arguments, name=arguments[0], log=log, ready=lambda: log.read_text().endswith("}\n"))
    stack.push_async_callback(asyncio.to_thread, server.kill)
    await asyncio.to_thread(server.start)
    said: dict[str, Any] = json.loads(await asyncio.to_thread(log.read_text))
    return said


async def _apache_kafka(stack: AsyncExitStack, folder: Path) -> RealKafka | None:
    """Returns a real broker, or None where this machine cannot run one."""
    try:
        jars = await asyncio.to_thread(kafka_jars)
    except KafkaUnavailableError as lacking:
        print(f"No Apache Kafka here ({lacking}): all use the in-memory broker.", file=sys.stderr)
        return None
    await asyncio.to_thread(folder.mkdir)
    kafka = await asyncio.to_thread(KafkaServer, jars, folder)
    stack.push_async_callback(asyncio.to_thread, kafka.kill)
    await asyncio.to_thread(kafka.format)
    await asyncio.to_thread(kafka.start)
    return kafka
