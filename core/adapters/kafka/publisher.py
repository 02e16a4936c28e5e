"""Publishes signals on the topic, for `marketflow publish` and the demo. Does not send what the source could not read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from core.adapters.kafka.client_lifecycle import stop
from core.adapters.kafka.options import KafkaOptions
from core.adapters.kafka.topic_check import explain, start_or_explain
from core.adapters.signals.codec import Unreadable, decode, encode
from core.domain.errors import SourceUnavailable


@dataclass(frozen=True, slots=True)
class Published:
    """The position of the record, acknowledged by every in-sync replica, and the `signal_id` that it carries."""

    partition: int
    offset: int
    signal_id: str


class SignalPublisher:
    """A connection to publish through: `async with SignalPublisher(options, topic) as publisher`.

    Every record carries a `signal_id`, so that a record sent twice is still one signal. This guards against duplicates instead
    of aiokafka's idempotent mode: in that mode a batch never expires, so a signal that was reported as not published could
    still go out minutes later.
    """

    def __init__(self, options: KafkaOptions, topic: str) -> None:
        self._options = options
        self._topic = topic
        self._producer: AIOKafkaProducer | None = None

    async def __aenter__(self) -> Self:
        """Connects. Raises SourceUnavailable with the cause."""
        producer = AIOKafkaProducer(acks="all", **await self._options.client_arguments())
        await start_or_explain(producer, self._options)
        self._producer = producer
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Disconnects."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await stop(producer)

    async def publish(
        self,
        signal_type: str,
        close: Decimal,
        *,
        symbol: str,
        signal_id: str | None = None,
        ts: datetime | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> Published | Unreadable:
        """Sends one signal, keyed by its symbol, and waits for the broker's acknowledgement. Returns Unreadable, and sends
        nothing, if it is no valid signal. Raises SourceUnavailable if there was no acknowledgement within `request_timeout`: it
        may or may not have been written, and publishing it again under the same `signal_id` is safe. Generates a missing
        `signal_id`; a missing `ts` is the record's time."""
        if self._producer is None:
            raise SourceUnavailable("the publisher is not connected")
        identity = signal_id or uuid4().hex
        value = encode(signal_type=signal_type, close=close, symbol=symbol, signal_id=identity, ts=ts, extra=extra)
        read = decode(value, record_ts=ts or _ANY_TIME, source="", default_id=identity, default_symbol=symbol)
        if isinstance(read, Unreadable):
            return read
        try:
            written = await self._producer.send_and_wait(self._topic, value=value, key=read.symbol.encode())
        except (KafkaError, OSError) as error:
            raise SourceUnavailable(explain(error, self._options)) from None
        return Published(written.partition, written.offset, identity)


_ANY_TIME = datetime.fromisoformat("2026-01-01T00:00:00+00:00")  # stands for the time that the broker's record will have
