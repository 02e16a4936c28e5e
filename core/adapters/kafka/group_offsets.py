"""Mirrors the ledger's positions to a Kafka consumer group, for tools that watch lag. Nothing reads them back; it may fail
freely."""

import asyncio
from collections.abc import Mapping

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from core.adapters.kafka.client_lifecycle import start, stop
from core.adapters.kafka.options import KafkaOptions
from core.adapters.kafka.topic_check import explain
from core.domain.errors import SourceUnavailable
from core.ports.clock import Clock

log = structlog.get_logger(__name__)

_EVERY = 5.0  # minimum seconds between two commits
_PATIENCE = 3.0  # seconds for one commit


class GroupOffsets:
    """Commits the latest positions from time to time. Uses a client of its own, so that a refused group, or an absent
    coordinator, cannot affect the reader."""

    def __init__(self, options: KafkaOptions, topic: str, group: str, clock: Clock) -> None:
        self._options = options
        self._topic = topic
        self._group = group
        self._clock = clock
        self._wanted: dict[int, int] = {}
        self._committed: dict[int, int] = {}
        self._consumer: AIOKafkaConsumer | None = None
        self._is_reported = False

    def note(self, positions: Mapping[int, int]) -> None:
        """Records the next offset of each partition, as the ledger has it."""
        self._wanted |= positions

    async def run(self) -> None:
        """Commits until cancelled, and then once more."""
        try:
            while True:
                await self._clock.sleep(_EVERY)
                await self._commit()
        finally:
            await self._commit()
            await self._disconnect()

    async def _commit(self) -> None:
        news = {number: offset for number, offset in self._wanted.items() if self._committed.get(number) != offset}
        if not news:
            return
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._commit_now(news)
        except (KafkaError, IllegalStateError, OSError, SourceUnavailable) as error:
            await self._disconnect()
            if not self._is_reported:  # once, not every few seconds
                why = str(error) if isinstance(error, SourceUnavailable) else explain(error, self._options)
                log.info("kafka_group_not_updated", group=self._group, why=why)
            self._is_reported = True
        else:
            self._committed |= news
            self._is_reported = False

    async def _commit_now(self, news: Mapping[int, int]) -> None:
        if self._consumer is None:
            self._consumer = await self._connect()
        partitions = {TopicPartition(self._topic, number) for number in self._wanted}
        if self._consumer.assignment() != partitions:
            # Assigned, because only then may it commit; paused, because it must not fetch.
            self._consumer.assign(list(partitions))
            self._consumer.pause(*partitions)
        await self._consumer.commit({TopicPartition(self._topic, number): offset for number, offset in news.items()})

    async def _connect(self) -> AIOKafkaConsumer:
        arguments = await self._options.client_arguments()
        consumer = AIOKafkaConsumer(group_id=self._group, enable_auto_commit=False, retry_backoff_ms=500, **arguments)
        try:
            await start(consumer)
        except BaseException:  # a half-started client cannot commit, not even at the end
            await stop(consumer)
            raise
        return consumer

    async def _disconnect(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await stop(consumer)
