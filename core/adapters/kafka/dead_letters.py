"""Copies unreadable records to the dead-letter topic, beside the stream: nothing here delays it."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from core.adapters.kafka.client_lifecycle import stop
from core.adapters.kafka.options import KafkaOptions
from core.adapters.kafka.topic_check import explain, start_or_explain
from core.domain.errors import SourceUnavailable
from core.domain.retry_backoff import RetryBackoff
from core.ports.clock import Clock

log = structlog.get_logger(__name__)

_MOST_BYTES = 64 * 1024  # of a value that are copied; the headers say where to find all of it
_MOST_WAITING = 20_000
_MOST_WAITING_BYTES = 32 * 1024 * 1024
_BATCH = 500
_TRIES = 5
_BACKOFF = RetryBackoff(first=2.0, longest=30.0)
_PATIENCE = 3.0  # seconds for one answer of the broker
_FAREWELL = 2.0  # seconds that the waiting copies get when the process ends


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """A record that is no signal: its position, its content, and its problem."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    problem: str

    @property
    def size(self) -> int:
        return len(self.copied_value or b"") + len(self.copied_key or b"")

    @property
    def copied_value(self) -> bytes | None:
        return self.value[:_MOST_BYTES] if self.value else self.value

    @property
    def copied_key(self) -> bytes | None:
        return self.key if self.key and len(self.key) <= _MOST_BYTES else None

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        """Returns the `marketflow-*` headers: the reason and the origin; `marketflow-truncated-from` is the length in bytes of a
        value that was cut."""
        fields = {"reason": self.problem, "topic": self.topic, "partition": str(self.partition), "offset": str(self.offset)}
        if self.value is not None and len(self.value) > _MOST_BYTES:
            fields["truncated-from"] = str(len(self.value))
        return [(f"marketflow-{name}", text.encode()) for name, text in fields.items()]


class DeadLetterTopic:
    """A bounded queue of copies and the task that writes them. Copies that find no room, or no broker in five attempts, are
    counted and dropped: the ledger already has each record. At least once: a copy may be written twice."""

    def __init__(self, options: KafkaOptions, topic: str, clock: Clock) -> None:
        # A client that is stopped waits this long for an absent broker; shutdown must not.
        self._options = replace(options, request_timeout=min(_PATIENCE, options.request_timeout))
        self._topic = topic
        self._clock = clock
        self._waiting: deque[RefusedRecord] = deque()
        self._bytes = 0
        self._news = asyncio.Event()
        self._producer: AIOKafkaProducer | None = None
        self.dropped = 0
        """Copies that were never written, since the process began."""

    @property
    def waiting(self) -> int:
        """Returns the number of copies still to be written."""
        return len(self._waiting)

    def put(self, records: Sequence[RefusedRecord]) -> None:
        """Queues as many copies as there is room for."""
        dropped = 0
        for record in records:
            if len(self._waiting) >= _MOST_WAITING or self._bytes + record.size > _MOST_WAITING_BYTES:
                dropped += 1
                continue
            self._waiting.append(record)
            self._bytes += record.size
            self._news.set()
        self._count_dropped(dropped, "too many are waiting")

    async def run(self) -> None:
        """Writes until cancelled, then writes the rest for a few seconds at most."""
        failures = 0
        try:
            while True:
                await self._news.wait()
                try:
                    await self._write_some()
                    failures = 0
                except SourceUnavailable as unavailable:
                    failures += 1
                    log.warning("dead_letter_topic_away", topic=self._topic, why=str(unavailable), waiting=self.waiting)
                    if failures % _TRIES == 0:
                        self._count_dropped(len(self._take()), str(unavailable))
                    await self._clock.sleep(_BACKOFF.after(failures))
        finally:
            await self._finish()

    async def _write_some(self) -> None:
        batch = [self._waiting[at] for at in range(min(_BATCH, len(self._waiting)))]
        try:
            producer = await self._connected()
            written = [
                await producer.send(self._topic, value=record.copied_value, key=record.copied_key, headers=record.headers)
                for record in batch
            ]
            await asyncio.gather(*written)
        except (KafkaError, OSError) as error:
            raise SourceUnavailable(explain(error, self._options)) from None
        self._take(len(batch))

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is not None:
            return self._producer
        # Not an idempotent producer: aiokafka's never gives up on a batch, so it could not be stopped while the broker is away.
        producer = AIOKafkaProducer(acks="all", retry_backoff_ms=200, **await self._options.client_arguments())
        await start_or_explain(producer, self._options)
        self._producer = producer
        return producer

    def _take(self, count: int = _BATCH) -> list[RefusedRecord]:
        taken = [self._waiting.popleft() for _ in range(min(count, len(self._waiting)))]
        self._bytes -= sum(record.size for record in taken)
        if not self._waiting:
            self._news.clear()
        return taken

    async def _finish(self) -> None:
        try:
            async with asyncio.timeout(_FAREWELL):
                while self._waiting:
                    await self._write_some()
        except (TimeoutError, SourceUnavailable):
            self._count_dropped(len(self._take(self.waiting)), "the process ended before")
        if self._producer is not None:
            await stop(self._producer)

    def _count_dropped(self, count: int, why: str) -> None:
        if count:
            self.dropped += count
            log.warning("dead_letter_copies_dropped", topic=self._topic, count=count, why=why)
