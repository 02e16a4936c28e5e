"""Signals from a Kafka topic. The ledger, not Kafka, stores the position; reading continues whatever the broker does."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError, OffsetOutOfRangeError

from core.adapters.kafka.client_lifecycle import start, stop
from core.adapters.kafka.dead_letters import DeadLetterTopic
from core.adapters.kafka.group_offsets import GroupOffsets
from core.adapters.kafka.open_transactions import OpenTransactions, ends_of
from core.adapters.kafka.options import KafkaOptions
from core.adapters.kafka.partition_positions import PartitionPositions, StoredPositions
from core.adapters.kafka.record_reader import Recorded, RecordReader, portions
from core.adapters.kafka.source_state import SourceState
from core.adapters.kafka.topic_check import TopicMissing, explain, find_partitions, why_unreachable
from core.adapters.kafka.topic_identity import find_anew, witness_of
from core.domain.errors import LedgerUnavailable, SourceUnavailable
from core.domain.retry_backoff import RetryBackoff
from core.ports.clock import Clock
from core.ports.signal_source import Deliver

log = structlog.get_logger(__name__)

_BATCH = 500  # records in one delivery, at most
_TURN_MS = 250  # a lost connection is noticed after that long
_BACKOFF = RetryBackoff(first=0.5, longest=30.0)  # between attempts to connect
_SETTLED = 5.0  # seconds that a connection must have lasted for a silent reconnect when it is lost


class _LedgerTrouble(str):
    """Nothing is read because of the ledger, not of Kafka: reported elsewhere."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCallbacks:
    """Receives a source's reports. None of them may block.

    `on_first_start` is called at the very first start, `on_gap(partition, wanted, resumed_at)` if the broker lacks a stored
    position, `on_state_change(ready, detail)` when the source goes away and when it is back; `detail` never carries a secret.
    `on_tombstones` gets the number of records without a value, with which Kafka deletes a key: neither signals nor faults.
    """

    on_first_start: Callable[[], None]
    on_state_change: Callable[[bool, str], None]
    on_gap: Callable[[int, int, int], None]
    on_tombstones: Callable[[int], None] = lambda _: None


class KafkaSource:
    """Reads every partition of `topic` by itself (no group rebalancing: one ledger, one process) and delivers in batches.

    It starts at the positions that `stored_positions` returns. Without partition 0 this is the very first start: it starts at
    the end and stores that at once. A partition that appears later is read from its beginning. A stored position that the
    broker lacks is reported as a gap, and reading resumes at the earliest record; one past the partition's end means that the
    topic was recreated, and its records get identities of a new generation, or that its end was cut off: records read again are
    recognised with `recorded` and keep their identity.

    `fetch_max_wait_ms` is how long a broker holds an idle request open. A real one answers as soon as a record arrives: 500
    costs nothing; the in-memory one waits it out, so give it 10. `watch_every` is in seconds.
    """

    def __init__(
        self,
        *,
        options: KafkaOptions,
        topic: str,
        group: str,
        dlq_topic: str,
        default_symbol: str,
        deliver: Deliver,
        stored_positions: StoredPositions,
        recorded: Recorded,
        clock: Clock,
        callbacks: SourceCallbacks,
        fetch_max_wait_ms: int = 500,
        watch_every: float = 5.0,
    ) -> None:
        self.name = f"kafka:{topic}"
        """The source of its signals, and the name its positions are stored under."""
        self.dead_letters = DeadLetterTopic(options, dlq_topic, clock)
        """The copies of refused records that are on their way to the dead-letter topic."""
        self.stored_at: datetime | None = None
        """The time when records were last stored with the position behind them."""
        self._options = options
        self._topic = topic
        self._deliver = deliver
        self._clock = clock
        self._callbacks = callbacks
        self._fetch_max_wait_ms = fetch_max_wait_ms
        self._watch_every = watch_every
        self._group = GroupOffsets(options, topic, group, clock)
        self._records = RecordReader(topic, self.name, default_symbol, recorded)
        self._positions = PartitionPositions(self.name, stored_positions, deliver)
        self._state = SourceState(callbacks.on_state_change)
        self._transactions = OpenTransactions(clock)
        self._ends: dict[int, int] | None = None
        self._reading = ""
        self._connected_at: float | None = None

    @property
    def ready(self) -> tuple[bool, str]:
        """Tells whether it is reading; and why not, in plain words without secrets."""
        return self._state.ready, self._state.detail

    @property
    def lag(self) -> int | None:
        """Returns how many records of the topic the ledger lacks, as of the last check; None before the first."""
        return None if self._ends is None else self._positions.lag(self._ends)

    async def run(self) -> None:
        """Reads until cancelled; see SignalSource."""
        sides = [asyncio.create_task(self._keep_going(side.run), name="kafka-side") for side in (self.dead_letters, self._group)]
        try:
            await self._keep_connected()
        finally:
            for side in sides:
                side.cancel()
            await asyncio.gather(*sides, return_exceptions=True)

    async def _keep_going(self, side: Callable[[], Awaitable[None]]) -> None:
        """Runs an optional task: it must not end the vital one, whatever the client library raises."""
        while True:
            try:
                await side()
            except Exception:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise  # it failed while being cancelled, and is to end all the same
                log.exception("kafka_side_task_failed", again_in_seconds=_BACKOFF.longest)
                await self._clock.sleep(_BACKOFF.longest)

    async def _keep_connected(self) -> None:
        pause = _BACKOFF.first
        while True:
            self._connected_at = None
            trouble = await self._connect_and_read()
            if self._connected_at is not None and self._clock.monotonic() - self._connected_at >= _SETTLED:
                log.info("kafka_connection_lost", why=trouble)
                pause = _BACKOFF.first
                continue
            self._state.set(ready=False, detail=trouble, notify=not isinstance(trouble, _LedgerTrouble))
            await self._clock.sleep(pause)
            pause = _BACKOFF.longer(pause)

    async def _connect_and_read(self) -> str:
        """Connects and reads until the connection ends; returns why it ended, in plain words."""
        try:
            return await self._read_until_lost()
        except TopicMissing as missing:
            return await self._await_topic(missing)
        except KafkaConnectionError:
            return await self._why_unreachable()
        except (KafkaError, OSError) as error:
            return explain(error, self._options)
        except SourceUnavailable as error:
            return str(error)
        except LedgerUnavailable as error:
            return _LedgerTrouble(error)

    async def _read_until_lost(self) -> str:
        partitions = await self._find_partitions()
        consumer = await self._new_consumer()
        try:
            await start(consumer)
            await self._take_positions(consumer, partitions)
            self._reading = f"reading {self._topic}, {len(partitions)} partition(s)"
            self._state.set(ready=True, detail=self._reading)
            self._connected_at = self._clock.monotonic()
            return await self._read(consumer)
        finally:
            await stop(consumer)

    async def _find_partitions(self) -> Collection[int]:
        return await find_partitions(self._options, self._topic)

    async def _why_unreachable(self) -> str:
        return await why_unreachable(self._options)

    async def _new_consumer(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",  # a lost position must be reported, not repaired silently
            isolation_level="read_committed",  # never trade on a signal that its sender rolled back
            fetch_max_wait_ms=self._fetch_max_wait_ms,
            max_partition_fetch_bytes=1024 * 1024,
            fetch_max_bytes=8 * 1024 * 1024,
            metadata_max_age_ms=round(self._watch_every * 1000),
            retry_backoff_ms=200,
            **await self._options.client_arguments(),
        )

    async def _take_positions(self, consumer: AIOKafkaConsumer, partitions: Collection[int]) -> None:
        if 0 not in await self._positions.load():
            await self._start_at_end(consumer, partitions)
        known = {number: self._positions.witness(number) for number in partitions}
        if anew := await find_anew(consumer, self._topic, known, self._clock):
            await self._begin_anew(consumer, anew)
        await self._assign(consumer, partitions)

    async def _begin_anew(self, consumer: AIOKafkaConsumer, anew: Collection[int]) -> None:
        """Reads the partitions of a recreated topic from their beginning: none of their records was seen yet."""
        earliest = await self._offsets(consumer.beginning_offsets, anew)
        for number in anew:
            wanted = self._positions.offsets[number]
            self._positions.begin_generation(number)
            log.warning(
                "kafka_topic_made_anew", topic=self._topic, partition=number, position=wanted, resumed_at=earliest[number]
            )
            self._callbacks.on_gap(number, wanted, earliest[number])
            await self._positions.store(number, earliest[number])

    async def _start_at_end(self, consumer: AIOKafkaConsumer, partitions: Collection[int]) -> None:
        """Stores the ends of the partitions, last that of partition 0, which every topic has: without it an interrupted start
        begins again."""
        positions = self._positions.offsets
        new = [number for number in partitions if number not in positions]
        ends = await self._offsets(consumer.end_offsets, new)
        for number in sorted(new, reverse=True):
            await self._positions.store(number, ends[number])
        log.info("kafka_first_start", topic=self._topic, positions=ends)
        self._callbacks.on_first_start()

    async def _await_topic(self, missing: TopicMissing) -> str:
        """Stores position 0 for a missing topic: one that does not exist at the first start has no past, so it is read from its
        beginning."""
        try:
            if 0 not in await self._positions.load():
                await self._positions.store(0, 0)
                self._callbacks.on_first_start()
        except LedgerUnavailable as unavailable:
            return str(unavailable)
        return str(missing)

    async def _assign(self, consumer: AIOKafkaConsumer, partitions: Collection[int]) -> None:
        positions = self._positions.offsets
        new = [number for number in partitions if number not in positions]
        positions |= await self._offsets(consumer.beginning_offsets, new)
        consumer.assign([TopicPartition(self._topic, number) for number in partitions])
        for number in partitions:
            consumer.seek(TopicPartition(self._topic, number), positions[number])
        self._group.note({number: positions[number] for number in partitions})

    async def _read(self, consumer: AIOKafkaConsumer) -> str:
        watch = asyncio.create_task(self._watch(consumer), name="kafka-watch")
        try:
            while not watch.done():
                await self._read_some(consumer)
            return await watch
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    async def _read_some(self, consumer: AIOKafkaConsumer) -> None:
        try:
            batches = await consumer.getmany(timeout_ms=_TURN_MS, max_records=_BATCH)
        except OffsetOutOfRangeError as error:
            lost: Mapping[TopicPartition, int] = error.args[0]
            await self._resume_at_earliest(consumer, {partition.partition: wanted for partition, wanted in lost.items()})
            return
        for partition, records in batches.items():
            for portion in portions(records):
                await self._deliver_batch(partition.partition, portion)
                await asyncio.sleep(0)  # where nothing had to be stored, others have waited
        await self._note_positions(consumer)
        known = consumer.partitions_for_topic(self._topic) or set()
        assigned = {partition.partition for partition in consumer.assignment()}
        if known - assigned:
            log.info("kafka_partitions_added", topic=self._topic, partitions=sorted(known - assigned))
            await self._assign(consumer, known | assigned)

    async def _deliver_batch(self, partition: int, records: Sequence[ConsumerRecord]) -> None:
        read = await self._records.read(partition, records, self._positions.generation(partition), self._clock.now())
        next_offset, witness = records[-1].offset + 1, witness_of(records[-1])
        await self._deliver(read.messages, read.dead, self._positions.after(partition, next_offset, witness))
        self._positions.delivered(partition, next_offset, witness)
        self.stored_at = self._clock.now()
        self.dead_letters.put(read.refused)
        if read.tombstones:
            self._callbacks.on_tombstones(read.tombstones)

    async def _resume_at_earliest(self, consumer: AIOKafkaConsumer, lost: Mapping[int, int]) -> None:
        earliest = await self._offsets(consumer.beginning_offsets, lost)
        ends = await self._offsets(consumer.end_offsets, lost)
        for number, wanted in lost.items():
            if wanted > ends[number]:
                self._positions.begin_generation(number)
            log.warning("kafka_position_gone", topic=self._topic, partition=number, wanted=wanted, resumed_at=earliest[number])
            self._callbacks.on_gap(number, wanted, earliest[number])
            await self._positions.store(number, earliest[number])
            consumer.seek(TopicPartition(self._topic, number), earliest[number])

    async def _note_positions(self, consumer: AIOKafkaConsumer) -> None:
        """Records the consumer's positions once everything read is delivered; they also lead past transaction markers."""
        positions = {partition.partition: await consumer.position(partition) for partition in consumer.assignment()}
        self._positions.offsets.update(positions)
        self._group.note(positions)

    async def _watch(self, consumer: AIOKafkaConsumer) -> str:
        """Checks the topic's end from time to time; returns why it no longer can: the consumer alone would retry silently."""
        while True:
            numbers = [partition.partition for partition in consumer.assignment()]
            try:
                async with asyncio.timeout(self._options.request_timeout):
                    stable = await self._offsets(consumer.end_offsets, numbers)
            except (KafkaError, OSError) as error:
                return explain(error, self._options)
            self._look_at_ends(consumer, stable)
            await self._clock.sleep(self._watch_every)

    def _look_at_ends(self, consumer: AIOKafkaConsumer, stable: Mapping[int, int]) -> None:
        """Updates the ends; `stable` is each partition's readable end; records behind an open transaction count as unread."""
        ends = ends_of(consumer, self._topic, stable)
        self._ends = {number: max(end, (ends[number].high if number in ends else None) or 0) for number, end in stable.items()}
        held_up = self._transactions.look(ends)
        if held_up:
            self._state.set(ready=False, detail=held_up)
        elif not self._state.ready:
            self._state.set(ready=True, detail=self._reading)

    async def _offsets(
        self, ask: Callable[..., Awaitable[Mapping[TopicPartition, int]]], numbers: Collection[int]
    ) -> dict[int, int]:
        answer = await ask([TopicPartition(self._topic, number) for number in numbers])
        return {partition.partition: offset for partition, offset in answer.items()}
