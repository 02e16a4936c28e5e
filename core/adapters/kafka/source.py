"""Signals from a Kafka topic. The ledger, not Kafka, knows how far it was read; reading goes on whatever the broker does."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError, OffsetOutOfRangeError

from core.adapters.kafka.connection import start, stop
from core.adapters.kafka.dead_letters import DeadLetterTopic, RefusedRecord
from core.adapters.kafka.group_offsets import GroupOffsets
from core.adapters.kafka.open_transactions import OpenTransactions, ends_of
from core.adapters.kafka.options import KafkaOptions
from core.adapters.kafka.topic_check import TopicMissing, explain, find_partitions, why_unreachable
from core.adapters.kafka.topic_identity import find_anew, witness_of
from core.adapters.signals.codec import MAX_BYTES, Unreadable, decode, instant
from core.domain.errors import LedgerUnavailable, SourceUnavailable
from core.domain.messages import DeadLetter, Message, SignalReceived, SourcePosition
from core.domain.retry_backoff import RetryBackoff
from core.domain.signal import Signal
from core.ports.clock import Clock
from core.ports.signal_source import Deliver

log = structlog.get_logger(__name__)

_BATCH = 500  # records in one delivery, at most
_PORTION_BYTES = 64 * 1024  # that are read and stored in one turn of the event loop: some 400 signals, or 4 of the largest
_RAW_KEPT = 2048  # bytes of a dead letter that the ledger keeps
_NAME_SHOWN = 64  # bytes of a key or header that are looked at: an instrument's name is shorter
_TURN_MS = 250  # how soon a connection that is lost is given up
_BACKOFF = RetryBackoff(first=0.5, longest=30.0)  # between attempts to connect
_SETTLED = 5.0  # seconds that a connection must have held for its loss to be tried away before anybody is told


class _LedgerTrouble(str):
    """Why nothing is read, which is no trouble of Kafka's: others tell of it."""

    __slots__ = ()


class KafkaSource:
    """Reads every partition of `topic` by itself (no group rebalancing: one ledger, one process) and delivers in batches.

    Where it starts: `stored_positions` gives how far each partition was read, as the ledger has it. Without partition 0 this is
    the first start of all: it starts at the end, stores that at once and calls `on_first_start`. A partition that is not stored
    later starts at its beginning. A stored position that the broker does not have any more is told by `on_gap(partition, wanted,
    resumed_at)` and resumes at the earliest record there is; one past the partition's end means that the topic was made anew, and
    its records get identities of a new generation, or that its end was cut off: what is then read again is known by `recorded`,
    which gives those of these identities that the ledger has, and keeps the identity it had. `on_state_change(ready, detail)` is
    called as it goes away and as it is back; `detail` never carries a secret. `on_tombstones` is told how many records
    without a value came, by which Kafka forgets a key: no signals, and nothing is wrong with them. The callbacks must not block.

    `fetch_max_wait_ms` is how long a broker holds an idle request open. A real one answers as soon as a record comes: 500 costs
    nothing; the in-memory one sleeps it out, so give it 10.
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
        stored_positions: Callable[[], Awaitable[Mapping[int, SourcePosition]]],
        recorded: Callable[[Sequence[str]], Awaitable[Mapping[str, Signal]]],
        clock: Clock,
        on_first_start: Callable[[], None],
        on_state_change: Callable[[bool, str], None],
        on_gap: Callable[[int, int, int], None],
        on_tombstones: Callable[[int], None] = lambda _: None,
        fetch_max_wait_ms: int = 500,
        watch_every: float = 5.0,
    ) -> None:
        self._options = options
        self._topic = topic
        self._default_symbol = default_symbol
        self._deliver = deliver
        self._stored_positions = stored_positions
        self._recorded = recorded
        self._clock = clock
        self._on_first_start = on_first_start
        self._on_state_change = on_state_change
        self._on_gap = on_gap
        self._on_tombstones = on_tombstones
        self._fetch_max_wait_ms = fetch_max_wait_ms
        self._watch_every = watch_every
        self.name = f"kafka:{topic}"
        """The source of its signals, and the name its positions are stored under."""
        self.dead_letters = DeadLetterTopic(options, dlq_topic, clock)
        """The copies of refused records that are on their way to the dead-letter topic."""
        self._group = GroupOffsets(options, topic, group, clock)
        self._positions: dict[int, int] | None = None  # the next offset of each partition: what came before is delivered
        self._generations: dict[int, int] = {}
        self._witnesses: dict[int, str] = {}  # what the last record taken of each partition is known by again
        self._ends: dict[int, int] | None = None
        self._transactions = OpenTransactions(clock)
        self._reading = ""
        self._ready, self._detail = False, "connecting"
        self._told_away = False
        self._connected_at: float | None = None
        self.stored_at: datetime | None = None
        """When records were last stored with the position behind them."""

    @property
    def ready(self) -> tuple[bool, str]:
        """Whether it is reading; and why not, in plain words without secrets."""
        return self._ready, self._detail

    @property
    def lag(self) -> int | None:
        """Records that are in the topic and not in the ledger, as of the latest look; None before the first."""
        if self._ends is None or self._positions is None:
            return None
        return sum(max(0, end - self._positions.get(number, end)) for number, end in self._ends.items())

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
        """What is only convenient must not end what is vital, whatever the client library raises."""
        while True:
            try:
                await side()
            except Exception:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise  # it failed at its last steps, and is to end all the same
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
            self._set_state(ready=False, detail=trouble, tell=not isinstance(trouble, _LedgerTrouble))
            await self._clock.sleep(pause)
            pause = _BACKOFF.longer(pause)

    async def _connect_and_read(self) -> str:
        """One connection from its first attempt to its end; returns why it ended, in plain words."""
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
            self._set_state(ready=True, detail=self._reading)
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
            auto_offset_reset="none",  # a position that is gone must be told, not mended in silence
            isolation_level="read_committed",  # nobody trades on a signal that its sender took back
            fetch_max_wait_ms=self._fetch_max_wait_ms,
            max_partition_fetch_bytes=1024 * 1024,
            fetch_max_bytes=8 * 1024 * 1024,
            metadata_max_age_ms=round(self._watch_every * 1000),
            retry_backoff_ms=200,
            **await self._options.client_arguments(),
        )

    async def _take_positions(self, consumer: AIOKafkaConsumer, partitions: Collection[int]) -> None:
        if 0 not in await self._load_positions():
            await self._start_at_end(consumer, partitions)
        known = {number: self._witnesses.get(number, "") for number in partitions}
        if anew := await find_anew(consumer, self._topic, known, self._clock):
            await self._begin_anew(consumer, anew)
        await self._assign(consumer, partitions)

    async def _begin_anew(self, consumer: AIOKafkaConsumer, anew: Collection[int]) -> None:
        """Partitions of a topic that was made anew are read from their beginning: none of their records was seen yet."""
        earliest = await self._offsets(consumer.beginning_offsets, anew)
        for number in anew:
            wanted = self._known_positions()[number]
            self._generations[number] = self._generations.get(number, 0) + 1
            log.warning(
                "kafka_topic_made_anew", topic=self._topic, partition=number, position=wanted, resumed_at=earliest[number]
            )
            self._on_gap(number, wanted, earliest[number])
            await self._store_position(number, earliest[number])

    async def _start_at_end(self, consumer: AIOKafkaConsumer, partitions: Collection[int]) -> None:
        """Partition 0, which every topic has, is stored last: while it is not, a start that was cut short begins again."""
        positions = self._known_positions()
        new = [number for number in partitions if number not in positions]
        ends = await self._offsets(consumer.end_offsets, new)
        for number in sorted(new, reverse=True):
            await self._store_position(number, ends[number])
        log.info("kafka_first_start", topic=self._topic, positions=ends)
        self._on_first_start()

    async def _await_topic(self, missing: TopicMissing) -> str:
        """A topic that does not exist at the first start has no past: whatever comes into it later is read from its beginning."""
        try:
            if 0 not in await self._load_positions():
                await self._store_position(0, 0)
                self._on_first_start()
        except LedgerUnavailable as unavailable:
            return str(unavailable)
        return str(missing)

    async def _load_positions(self) -> Mapping[int, int]:
        if self._positions is None:
            stored = await self._stored_positions()
            self._positions = {number: position.offset for number, position in stored.items()}
            self._generations = {number: position.generation for number, position in stored.items()}
            self._witnesses = {number: position.witness for number, position in stored.items()}
        return self._positions

    async def _assign(self, consumer: AIOKafkaConsumer, partitions: Collection[int]) -> None:
        positions = self._known_positions()
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
        await self._note_positions(consumer)
        known = consumer.partitions_for_topic(self._topic) or set()
        assigned = {partition.partition for partition in consumer.assignment()}
        if known - assigned:
            log.info("kafka_partitions_added", topic=self._topic, partitions=sorted(known - assigned))
            await self._assign(consumer, known | assigned)

    async def _deliver_batch(self, partition: int, records: Sequence[ConsumerRecord]) -> None:
        messages: list[Message] = []
        dead: list[DeadLetter] = []
        refused: list[RefusedRecord] = []
        now = self._clock.now()
        generation = self._generations.get(partition, 0)
        known = await self._known_before(partition, records, generation)
        for record in records:
            if record.value is None:
                continue
            place = f"{self._topic}/{partition}/{record.offset}"
            read = known.get(record.offset) or self._decode(record, _identity(place, generation))
            if isinstance(read, Unreadable):
                raw = (record.value or b"")[:_RAW_KEPT]
                dead.append(DeadLetter(self.name, place, read.problem, raw, now, read.reason))
                refused.append(RefusedRecord(self._topic, partition, record.offset, record.key, record.value, read.problem))
            else:
                messages.append(Message(self.name, read.signal_id, read.symbol, SignalReceived(read), now))
        next_offset, witness = records[-1].offset + 1, witness_of(records[-1])
        await self._deliver(messages, dead, SourcePosition(self.name, partition, next_offset, generation, witness))
        self._known_positions()[partition], self._witnesses[partition] = next_offset, witness
        self.stored_at = self._clock.now()
        self.dead_letters.put(refused)
        if tombstones := sum(record.value is None for record in records):
            self._on_tombstones(tombstones)

    def _decode(self, record: ConsumerRecord, default_id: str) -> Signal | Unreadable:
        return decode(
            record.value,
            record_ts=instant(Decimal(record.timestamp)) if record.timestamp is not None else None,
            source=self.name,
            default_id=default_id,
            default_symbol=self._default_symbol,
            beside=_beside(record),
        )

    async def _known_before(self, partition: int, records: Sequence[ConsumerRecord], generation: int) -> Mapping[int, Signal]:
        """Those of the records, by offset, that were delivered in a former generation just as they are: the log was cut."""
        if not generation:
            return {}
        former = {
            _identity(f"{self._topic}/{partition}/{record.offset}", number): record
            for record in records
            if record.value is not None
            for number in range(generation)
        }
        recorded = await self._recorded(list(former))
        again = {name: self._decode(record, name) for name, record in former.items() if name in recorded}
        return {former[name].offset: read for name, read in again.items() if isinstance(read, Signal) and read == recorded[name]}

    async def _resume_at_earliest(self, consumer: AIOKafkaConsumer, lost: Mapping[int, int]) -> None:
        earliest = await self._offsets(consumer.beginning_offsets, lost)
        ends = await self._offsets(consumer.end_offsets, lost)
        for number, wanted in lost.items():
            if wanted > ends[number]:
                self._generations[number] = self._generations.get(number, 0) + 1
            log.warning("kafka_position_gone", topic=self._topic, partition=number, wanted=wanted, resumed_at=earliest[number])
            self._on_gap(number, wanted, earliest[number])
            await self._store_position(number, earliest[number])
            consumer.seek(TopicPartition(self._topic, number), earliest[number])

    async def _store_position(self, partition: int, offset: int) -> None:
        await self._deliver([], [], SourcePosition(self.name, partition, offset, self._generations.get(partition, 0)))
        self._known_positions()[partition], self._witnesses[partition] = offset, ""

    async def _note_positions(self, consumer: AIOKafkaConsumer) -> None:
        """Everything read is delivered now, so the consumer's positions are ours; they also lead past transaction markers."""
        positions = {partition.partition: await consumer.position(partition) for partition in consumer.assignment()}
        self._known_positions().update(positions)
        self._group.note(positions)

    async def _watch(self, consumer: AIOKafkaConsumer) -> str:
        """Looks at the topic's end now and then; returns why it cannot any more: a consumer alone would try on in silence."""
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
        """`stable` is how far each partition may be read; what stands behind an open transaction counts as not read."""
        ends = ends_of(consumer, self._topic, stable)
        self._ends = {number: max(end, (ends[number].high if number in ends else None) or 0) for number, end in stable.items()}
        held_up = self._transactions.look(ends)
        if held_up:
            self._set_state(ready=False, detail=held_up)
        elif not self._ready:
            self._set_state(ready=True, detail=self._reading)

    async def _offsets(
        self, ask: Callable[..., Awaitable[Mapping[TopicPartition, int]]], numbers: Collection[int]
    ) -> dict[int, int]:
        answer = await ask([TopicPartition(self._topic, number) for number in numbers])
        return {partition.partition: offset for partition, offset in answer.items()}

    def _known_positions(self) -> dict[int, int]:
        if self._positions is None:
            self._positions = {}
        return self._positions

    def _set_state(self, *, ready: bool, detail: str, tell: bool = True) -> None:
        changed = (ready, detail) != (self._ready, self._detail)
        self._ready, self._detail = ready, detail
        if changed:
            log.log(20 if ready else 30, "kafka_state", ready=ready, detail=detail)
        if tell and ready == self._told_away:  # once when it goes, once when it is back
            self._told_away = not ready
            self._on_state_change(ready, detail)


def _identity(place: str, generation: int) -> str:
    """Of a record that names none: where it stands, and in the how-manieth topic of this name."""
    return f"{place}@{generation}" if generation else place


def portions(records: Sequence[ConsumerRecord]) -> Iterator[Sequence[ConsumerRecord]]:
    """Yields the records in their order, in parts that take little time to read. What is too long to be read takes none."""
    start = size = 0
    for number, record in enumerate(records):
        length = len(record.value or b"")
        size += length if length <= MAX_BYTES else 0
        if size > _PORTION_BYTES and number > start:
            yield records[start:number]
            start, size = number, length
    yield records[start:]


def _beside(record: ConsumerRecord) -> Mapping[str, str]:
    """What may name an instrument without being in the record: its key and its headers."""
    given = (("the record's key", record.key), *record.headers)
    return {name: value[:_NAME_SHOWN].decode(errors="replace") for name, value in given if value}
