"""Detects open Kafka transactions. One that some producer left open holds back every record behind its beginning, whoever wrote
it: nothing is read, and the lag to the readable end is zero, so nobody would notice otherwise."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from core.ports.clock import Clock

PATIENCE_SECONDS = 20.0
"""Transactions open for less are ignored; a producer's may be open for 60 s before the broker ends it."""


@dataclass(frozen=True, slots=True)
class Ends:
    """A partition's readable end (`stable`) and its actual end (`high`); None if unknown."""

    stable: int | None
    high: int | None

    @property
    def held_back(self) -> int:
        """Returns the number of records behind the beginning of an open transaction."""
        if self.stable is None or self.high is None or self.stable < 0:  # -1: the broker does not say
            return 0
        return max(0, self.high - self.stable)


def ends_of(consumer: AIOKafkaConsumer, topic: str, numbers: Iterable[int]) -> dict[int, Ends]:
    """Returns the ends of the partitions being read, as of the last fetch."""
    assigned = consumer.assignment()
    return {
        number: Ends(consumer.last_stable_offset(partition), consumer.highwater(partition))
        for number in numbers
        if (partition := TopicPartition(topic, number)) in assigned
    }


class OpenTransactions:
    """Checks the ends of the partitions from time to time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: dict[int, tuple[int, float]] = {}  # offset where it is held up, and since when, by partition

    def look(self, partitions: Mapping[int, Ends]) -> str:
        """Returns what has been held up for long, in plain words; empty if nothing is."""
        now = self._clock.monotonic()
        held_up = {number: ends.stable or 0 for number, ends in partitions.items() if ends.held_back}
        self._since = {
            number: self._since[number] if self._since.get(number, (-1, 0.0))[0] == stable else (stable, now)
            for number, stable in held_up.items()
        }
        long = {number: now - at for number, (_, at) in self._since.items() if now - at >= PATIENCE_SECONDS}
        if not long:
            return ""
        count = sum(partitions[number].held_back for number in long)
        named = ", ".join(map(str, sorted(long)))
        return f"{count} record(s) of partition {named} wait behind a transaction that some producer left open"
