"""A Kafka source over a real broker, with an in-memory ledger and a clock of real time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from bot.clock import SystemClock
from core.adapters.kafka.options import KafkaOptions
from core.adapters.kafka.source import KafkaSource, SourceCallbacks
from core.domain.errors import LedgerUnavailable
from core.domain.messages import DeadLetter, Message, SignalReceived, SourcePosition
from core.domain.signal import Signal
from demo.broker import MemoryBroker
from tests.servers.kafka import KafkaServer


class QuickClock(SystemClock):
    """Real time, but nobody sleeps longer than a moment; it records the requested sleeps."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        await super().sleep(min(seconds, 0.1))


@dataclass
class Ledger:
    """A ledger that records what was delivered. `broken` makes it refuse, `gate` (while cleared) makes it wait like a full
    inbox."""

    positions: dict[int, int] = field(default_factory=dict)
    generations: dict[int, int] = field(default_factory=dict)
    witnesses: dict[int, str] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    deliveries: int = 0
    broken: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def deliver(self, messages: Sequence[Message], dead: Sequence[DeadLetter], position: SourcePosition | None) -> None:
        await self.gate.wait()
        if self.broken:
            raise LedgerUnavailable("the ledger's disk is full")
        self.deliveries += 1
        self.messages += messages
        self.dead += dead
        if position is not None:
            self.positions[position.partition] = position.offset
            self.generations[position.partition] = position.generation
            self.witnesses[position.partition] = position.witness

    async def stored(self) -> Mapping[int, SourcePosition]:
        return {
            number: SourcePosition("kafka:t", number, offset, self.generations.get(number, 0), self.witnesses.get(number, ""))
            for number, offset in self.positions.items()
        }

    async def recorded(self, ids: Sequence[str]) -> Mapping[str, Signal]:
        found = {message.source_id: message.body for message in self.messages if message.source_id in ids}
        return {name: body.signal for name, body in found.items() if isinstance(body, SignalReceived)}

    @property
    def ids(self) -> list[str]:
        return [message.source_id for message in self.messages]


@dataclass
class Reports:
    """Records the source's callbacks."""

    first_starts: int = 0
    states: list[tuple[bool, str]] = field(default_factory=list)
    gaps: list[tuple[int, int, int]] = field(default_factory=list)
    tombstones: list[int] = field(default_factory=list)

    def first_start(self) -> None:
        self.first_starts += 1


async def eventually(condition: Callable[[], bool], within: float = 20.0) -> None:
    """Returns as soon as `condition` holds; raises TimeoutError after `within` seconds."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what it waits for tells nobody
            await asyncio.sleep(0.01)


@dataclass
class Bench:
    """One topic, its ledger, and a way to run a source over both, repeatedly."""

    options: KafkaOptions
    create_topic: Callable[[str, int], object]
    topic: str = field(default_factory=lambda: f"signals-{uuid4().hex}")
    group: str = field(default_factory=lambda: f"group-{uuid4().hex}")
    ledger: Ledger = field(default_factory=Ledger)
    reports: Reports = field(default_factory=Reports)
    clock: QuickClock = field(default_factory=QuickClock)

    def __post_init__(self) -> None:
        self.ledger.gate.set()

    @property
    def dlq_topic(self) -> str:
        return f"{self.topic}.dlq"

    async def make_topic(self, partitions: int = 1) -> None:
        made = self.create_topic(self.topic, partitions)
        if asyncio.iscoroutine(made):
            await made

    def source(self, options: KafkaOptions | None = None) -> KafkaSource:
        return KafkaSource(
            options=options or self.options,
            topic=self.topic,
            group=self.group,
            dlq_topic=self.dlq_topic,
            default_symbol="WIFUSDC",
            deliver=self.ledger.deliver,
            stored_positions=self.ledger.stored,
            recorded=self.ledger.recorded,
            clock=self.clock,
            callbacks=SourceCallbacks(
                on_first_start=self.reports.first_start,
                on_state_change=lambda ready, detail: self.reports.states.append((ready, detail)),
                on_gap=lambda *gap: self.reports.gaps.append(gap),
                on_tombstones=self.reports.tombstones.append,
            ),
            fetch_max_wait_ms=10,
            watch_every=0.2,
        )

    @contextlib.asynccontextmanager
    async def running(self, options: KafkaOptions | None = None) -> AsyncIterator[KafkaSource]:
        """Runs a source, connected or not, until the end of the block."""
        source = self.source(options)
        task = asyncio.create_task(source.run())
        try:
            yield source
            if task.done():
                await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[KafkaSource]:
        async with self.running() as source:
            await eventually(lambda: source.ready[0])
            yield source

    async def write(self, *values: bytes | None, partition: int = 0, key: bytes | None = None) -> None:
        async with AIOKafkaProducer(**await self.options.client_arguments()) as producer:
            sent = [await producer.send(self.topic, value, partition=partition, key=key) for value in values]
            await asyncio.gather(*sent)

    async def write_from_elsewhere(self, *values: bytes) -> None:
        """Writes as `write`, from a loop of its own, like other programs: a watched loop then has only the source's work."""
        await asyncio.to_thread(asyncio.run, self.write(*values))

    async def records(self, topic: str, count: int) -> list[ConsumerRecord]:
        """Returns the first `count` records of partition 0."""
        consumer = AIOKafkaConsumer(fetch_max_wait_ms=10, **await self.options.client_arguments())
        async with consumer:
            consumer.assign([TopicPartition(topic, 0)])
            consumer.seek(TopicPartition(topic, 0), 0)
            async with asyncio.timeout(20):
                return [await consumer.getone() for _ in range(count)]


def good(number: int) -> bytes:
    return b'{"signal_type": "BUY_SM", "close": 0.4801, "signal_id": "%d"}' % number


def memory_bench(broker: MemoryBroker) -> Bench:
    return Bench(KafkaOptions(broker.address, request_timeout=2.0), broker.create_topic)


def real_bench(kafka: KafkaServer) -> Bench:
    return Bench(KafkaOptions(kafka.plain_address, request_timeout=5.0), kafka.create_topic)


@pytest.fixture(params=["memory", "real"])
def bench(request: pytest.FixtureRequest) -> Bench:
    """Runs over the in-memory broker, and over a real Apache Kafka."""
    if request.param == "memory":
        return memory_bench(request.getfixturevalue("memory_broker"))
    return real_bench(request.getfixturevalue("real_kafka"))
