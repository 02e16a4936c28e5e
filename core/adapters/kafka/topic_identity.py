"""Checks that a topic is still the one that was read: the last record taken must still be at its offset.

A topic that was deleted and recreated unnoticed has new records under the same offsets. If there are fewer than before, the
broker reports that a position is gone; if there are as many or more, nothing reports it, and the first new records would be
skipped.
"""

import hashlib
from collections.abc import Collection, Mapping

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from core.ports.clock import Clock

log = structlog.get_logger(__name__)

_TURN_MS = 250
_PATIENCE_SECONDS = 5.0


def witness_of(record: ConsumerRecord) -> str:
    """Returns a fingerprint of a record: its offset and its content."""
    parts = (str(record.timestamp).encode(), record.key or b"", record.value or b"")
    digest = hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts))
    return f"{record.offset}:{digest.hexdigest()[:16]}"


async def find_anew(consumer: AIOKafkaConsumer, topic: str, witnesses: Mapping[int, str], clock: Clock) -> Collection[int]:
    """Returns the partitions whose last taken record has been replaced by another. One that is gone, by age or compaction, proves
    nothing. Leaves the consumer with no assignment that its caller may rely on."""
    offsets = {number: int(witness.partition(":")[0]) for number, witness in witnesses.items() if witness}
    partitions = [TopicPartition(topic, number) for number in offsets]
    if not partitions:
        return ()
    first, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
    left = {each for each in partitions if first[each] <= offsets[each.partition] < ends[each]}
    consumer.assign(list(left))
    for each in left:
        consumer.seek(each, offsets[each.partition])
    anew: set[int] = set()
    until = clock.monotonic() + _PATIENCE_SECONDS
    while left and clock.monotonic() < until:
        try:
            batches = await consumer.getmany(timeout_ms=_TURN_MS, max_records=len(left))
        except OffsetOutOfRangeError:
            break  # it is checked again when it is read
        for each, records in batches.items():
            if each in left:
                left.discard(each)
                found = records[0]
                if found.offset == offsets[each.partition] and witness_of(found) != witnesses[each.partition]:
                    anew.add(each.partition)
    if left:
        log.warning("kafka_witness_not_found", topic=topic, partitions=sorted(each.partition for each in left))
    return anew
