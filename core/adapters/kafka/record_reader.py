"""Reads records as signals or dead letters. Recognises records that a log delivers again after its end was cut off."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from aiokafka import ConsumerRecord

from core.adapters.kafka.dead_letters import RefusedRecord
from core.adapters.signals.codec import MAX_BYTES, Unreadable, decode, instant
from core.domain.messages import DeadLetter, Message, SignalReceived
from core.domain.signal import Signal

_PORTION_BYTES = 64 * 1024  # read and stored in one turn of the event loop: 4 of the largest
_PORTION_RECORDS = 250  # or so many signals: each takes about the same time, however short it is
_RAW_KEPT = 2048  # bytes of a dead letter that the ledger keeps
_NAME_SHOWN = 64  # bytes of a key or header that are examined: an instrument's name is shorter

Recorded = Callable[[Sequence[str]], Awaitable[Mapping[str, Signal]]]
"""Returns those of these signal ids that the ledger has, with their signals."""


@dataclass(slots=True)
class ReadRecords:
    """Records of one partition, read. `tombstones` counts those without a value."""

    messages: list[Message] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    refused: list[RefusedRecord] = field(default_factory=list)
    tombstones: int = 0


class RecordReader:
    """Reads the records of `topic` into messages of the source `name`."""

    def __init__(self, topic: str, name: str, default_symbol: str, recorded: Recorded) -> None:
        self._topic = topic
        self._name = name
        self._default_symbol = default_symbol
        self._recorded = recorded

    async def read(self, partition: int, records: Sequence[ConsumerRecord], generation: int, now: datetime) -> ReadRecords:
        """Reads records of one partition, received `now`; `generation` is how often the topic was recreated or cut."""
        found = ReadRecords(tombstones=sum(record.value is None for record in records))
        known = await self._known_before(partition, records, generation)
        for record in records:
            if record.value is None:
                continue
            place = f"{self._topic}/{partition}/{record.offset}"
            read = known.get(record.offset) or self._decode(record, _identity(place, generation))
            if isinstance(read, Unreadable):
                raw = (record.value or b"")[:_RAW_KEPT]
                found.dead.append(DeadLetter(self._name, place, read.problem, raw, now, read.reason))
                refused = RefusedRecord(self._topic, partition, record.offset, record.key, record.value, read.problem)
                found.refused.append(refused)
            else:
                found.messages.append(Message(self._name, read.signal_id, read.symbol, SignalReceived(read), now))
        return found

    def _decode(self, record: ConsumerRecord, default_id: str) -> Signal | Unreadable:
        return decode(
            record.value,
            record_ts=instant(Decimal(record.timestamp)) if record.timestamp is not None else None,
            source=self._name,
            default_id=default_id,
            default_symbol=self._default_symbol,
            beside=_beside(record),
        )

    async def _known_before(self, partition: int, records: Sequence[ConsumerRecord], generation: int) -> Mapping[int, Signal]:
        """Returns, by offset, the records that were delivered unchanged in an earlier generation: the log was cut."""
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


def portions(records: Sequence[ConsumerRecord]) -> Iterator[Sequence[ConsumerRecord]]:
    """Yields the records in order, in parts that take little time to read. A record too long to be read takes none."""
    start = size = 0
    for number, record in enumerate(records):
        length = len(record.value or b"")
        counted = length if length <= MAX_BYTES else 0
        size += counted
        if number > start and (size > _PORTION_BYTES or number - start == _PORTION_RECORDS):
            yield records[start:number]
            start, size = number, counted
    yield records[start:]


def _identity(place: str, generation: int) -> str:
    """Returns the id of a record that names none: its position, and the generation of the topic."""
    return f"{place}@{generation}" if generation else place


def _beside(record: ConsumerRecord) -> Mapping[str, str]:
    """Returns the values that may name an instrument beside the record's value: its key and its headers."""
    given = (("the record's key", record.key), *record.headers)
    return {name: value[:_NAME_SHOWN].decode(errors="replace") for name, value in given if value}
