"""The broker: one topic of some partitions that keeps everything, and the consumer with which the real KafkaSource reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError, OffsetOutOfRangeError

from core.adapters.kafka.dead_letters import RefusedRecord
from core.adapters.kafka.options import KafkaOptions
from core.adapters.kafka.source import KafkaSource
from core.domain.errors import SourceUnavailable
from tests.simulation.machine import EPOCH, Fate

TOPIC = "signals"


@dataclass(frozen=True, slots=True)
class Record:
    """See aiokafka's ConsumerRecord: the fields in use."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Broker:
    """`away` refuses everybody. `written` are all records by partition."""

    def __init__(self, fate: Fate, partitions: int) -> None:
        self.fate = fate
        self.away = False
        self.written: list[list[Record]] = [[] for _ in range(partitions)]

    def publish(self, partition: int, value: bytes) -> Record:
        records = self.written[partition]
        millis = round((EPOCH.timestamp() + self.fate.loop.time()) * 1000)
        records.append(Record(len(records), millis, None, value))
        return records[-1]

    def cut(self, partition: int, count: int) -> None:
        """Simulates a leader that lagged and takes over: it lacks the last records."""
        del self.written[partition][-count:]

    def check(self) -> None:
        if self.away or self.fate.strikes("lost broker connection", 0.0005):
            raise KafkaConnectionError


class Consumer:
    """See AIOKafkaConsumer: the methods that KafkaSource uses."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._positions: dict[TopicPartition, int] = {}

    async def start(self) -> None:
        await self._broker.fate.pause(0.005, 0.05)
        self._broker.check()

    async def stop(self) -> None:
        return

    def assign(self, partitions: Sequence[TopicPartition]) -> None:
        self._positions = {partition: self._positions.get(partition, 0) for partition in partitions}

    def assignment(self) -> set[TopicPartition]:
        return set(self._positions)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._positions[partition] = offset

    async def position(self, partition: TopicPartition) -> int:
        return self._positions[partition]

    def partitions_for_topic(self, _topic: str) -> set[int]:
        return set(range(len(self._broker.written)))

    async def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        return await self._offsets(partitions, lambda _: 0)

    def last_stable_offset(self, partition: TopicPartition) -> int:
        return len(self._broker.written[partition.partition])

    highwater = last_stable_offset

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        return await self._offsets(partitions, lambda number: len(self._broker.written[number]))

    async def _offsets(self, partitions: Sequence[TopicPartition], of: Any) -> Mapping[TopicPartition, int]:
        await self._broker.fate.pause(0.001, 0.01)
        self._broker.check()
        return {partition: of(partition.partition) for partition in partitions}

    async def getmany(self, *, timeout_ms: int, max_records: int) -> Mapping[TopicPartition, list[Record]]:
        await self._broker.fate.pause(0.001, 0.02)
        self._broker.check()
        found = self._fetch(max_records)
        if not found:
            await self._broker.fate.pause(timeout_ms / 2000, timeout_ms / 1000)
            self._broker.check()
            found = self._fetch(max_records)
        return found

    def _fetch(self, most: int) -> dict[TopicPartition, list[Record]]:
        found: dict[TopicPartition, list[Record]] = {}
        for partition in sorted(self._positions):
            records, at = self._broker.written[partition.partition], self._positions[partition]
            if at > len(records):
                if found:  # as in aiokafka: fetched records come first
                    return found
                raise OffsetOutOfRangeError({partition: at})
            if batch := records[at : at + most]:
                found[partition] = batch
                self._positions[partition] = batch[-1].offset + 1
        return found


class SimulatedSource(KafkaSource):
    """The real source, on the simulated broker. Its dead letters and group offsets go nowhere."""

    def __init__(self, broker: Broker, **parts: Any) -> None:
        super().__init__(options=KafkaOptions("simulated:1"), topic=TOPIC, group="simulated", dlq_topic="dlq", **parts)
        self._broker = broker
        self._group = Nowhere(broker.fate)  # type: ignore[assignment]
        self.dead_letters = Nowhere(broker.fate)  # type: ignore[assignment]

    async def _find_partitions(self) -> Sequence[int]:
        if self._broker.away:
            raise SourceUnavailable("the broker is away")
        return list(range(len(self._broker.written)))

    async def _new_consumer(self) -> Any:
        return Consumer(self._broker)

    async def _why_unreachable(self) -> str:
        return "the broker is away"


class Nowhere:
    """Swallows group offsets and copies of unreadable records."""

    def __init__(self, fate: Fate) -> None:
        self._fate = fate

    def note(self, positions: Mapping[int, int]) -> None: ...

    def put(self, records: Sequence[RefusedRecord]) -> None: ...

    async def run(self) -> None:
        await self._fate.forever()
