"""A transaction that some producer left open holds back every record behind its beginning, whoever wrote it: nothing is read, and
the lag to what may be read is none. What nobody would notice is noticed here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from core.ports import Clock

PATIENCE_SECONDS = 20.0
"""A transaction that is open for less is nobody's trouble; a producer's may be open for 60 s before the broker ends it."""


@dataclass(frozen=True, slots=True)
class Ends:
    """How far a partition may be read (`stable`), and where it ends (`high`); None where it is not known."""

    stable: int | None
    high: int | None

    @property
    def held_back(self) -> int:
        """Records behind the beginning of an open transaction."""
        if self.stable is None or self.high is None or self.stable < 0:  # -1: the broker does not say
            return 0
        return max(0, self.high - self.stable)


def ends_of(consumer: AIOKafkaConsumer, topic: str, numbers: Iterable[int]) -> dict[int, Ends]:
    """Those of the partitions that are being read, as the last fetch told them."""
    assigned = consumer.assignment()
    return {
        number: Ends(consumer.last_stable_offset(partition), consumer.highwater(partition))
        for number in numbers
        if (partition := TopicPartition(topic, number)) in assigned
    }


class OpenTransactions:
    """Looks at the ends of the partitions now and then."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: dict[int, tuple[int, float]] = {}  # where it is held up, and since when, by partition

    def look(self, partitions: Mapping[int, Ends]) -> str:
        """What is held up for long, in plain words; empty where nothing is."""
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
