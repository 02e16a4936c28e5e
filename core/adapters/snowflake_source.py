"""Signals from a table or view that dbt fills, read again and again: each row is one signal, however often it is seen."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import structlog

from core.adapters.signal_codec import Unreadable, decode
from core.adapters.snowflake_connection import SnowflakeConnection, name
from core.domain.errors import HistoryUnavailable, LedgerUnavailable
from core.domain.messages import DeadLetter, Message, SignalReceived, SourcePosition
from core.ports import Clock, Deliver

OVERLAP = timedelta(hours=1)
"""How much later than its `ts` a row may appear in the table and still be read."""

_PAGE = 5_000  # rows of one answer
_CHUNK = 200  # rows of one delivery
_KEPT_BYTES = 2048  # of a dead letter
_WATERMARK, _FLOOR = 0, 1  # "partitions" of the stored position
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

log = structlog.get_logger(__name__)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Read:
    """A row: its time, its identity in the table, and what it says."""

    ts: datetime
    key: str
    record: bytes


class _Unfit(Exception):
    """The table is not one of signals; the text says what it lacks."""


class SnowflakeSource:
    """See `core.ports.SignalSource`.

    Every poll reads from an hour before the newest `ts` that it has seen, because dbt may write a row later than its `ts` says;
    what was seen already is left out here, and what a former process saw is refused by the inbox. A `ts` in the future does not
    move that mark beyond the present. The first poll of all takes what is newer than the table's newest row.
    """

    def __init__(
        self,
        connection: SnowflakeConnection,
        *,
        table: str,
        poll: timedelta,
        default_symbol: str,
        deliver: Deliver,
        stored_positions: Callable[[], Awaitable[Mapping[int, SourcePosition]]],
        clock: Clock,
    ) -> None:
        """`table` may name schema and database too. `stored_positions` are those of `name`."""
        self._connection = connection
        self._table = table
        self._poll = poll.total_seconds()
        self._default_symbol = default_symbol
        self._deliver = deliver
        self._stored_positions = stored_positions
        self._clock = clock
        self._watermark: datetime | None = None
        self._floor = _EPOCH
        self._seen: dict[str, datetime] = {}
        self._problem = "not read yet"

    @property
    def name(self) -> str:
        """What its signals name as their source."""
        return f"snowflake:{self._table}"

    @property
    def ready(self) -> tuple[bool, str]:
        """Whether the last poll was answered and kept."""
        return (not self._problem, self._problem or f"{self._table} is read every {self._poll:g} s")

    async def run(self) -> None:
        """Polls until cancelled; tries again by itself, whatever happens to Snowflake or the ledger."""
        while True:
            problem = ""
            try:
                await self._read_on()
            except (HistoryUnavailable, LedgerUnavailable, _Unfit) as error:
                problem = str(error)
            if problem and problem != self._problem:
                log.warning("the table of signals cannot be read", table=self._table, error=problem)
            self._problem = problem
            await self._clock.sleep(self._poll)

    async def _read_on(self) -> None:
        if self._watermark is None:
            self._watermark = await self._begin()
        since = max(self._floor, self._watermark - OVERLAP)
        self._seen = {key: ts for key, ts in self._seen.items() if ts >= since}
        while True:
            page = await self._page(since)
            new = [row for row in page if row.key not in self._seen]
            for start in range(0, len(new), _CHUNK):
                await self._take(new[start : start + _CHUNK])
            if len(page) < _PAGE or page[-1].ts == since:
                return
            since = page[-1].ts

    async def _begin(self) -> datetime:
        """Where a former process was; at the first start of all just behind what is there."""
        stored = await self._stored_positions()
        if _WATERMARK in stored:
            self._floor = _moment(stored[_FLOOR].offset) if _FLOOR in stored else _EPOCH
            return _moment(stored[_WATERMARK].offset)
        newest = await self._newest()
        now = self._clock.now()
        self._floor = _EPOCH if newest is None else min(newest, now) + _MICROSECOND
        await self._deliver([], [], self._position(_FLOOR, self._floor))
        await self._deliver([], [], self._position(_WATERMARK, self._floor))
        return self._floor

    async def _newest(self) -> datetime | None:
        question = f"SELECT ts FROM {self._named} WHERE ts IS NOT NULL ORDER BY ts DESC LIMIT 1"  # noqa: S608 - a name of the settings
        answer = await self._connection.run(lambda cursor: cursor.execute(question).fetchone())
        return _aware(answer[0]) if answer else None

    async def _page(self, since: datetime) -> list[_Read]:
        question = f"SELECT * FROM {self._named} WHERE ts >= %s ORDER BY ts LIMIT {_PAGE}"  # noqa: S608 - a name of the settings

        def ask(cursor: Any) -> tuple[list[str], list[tuple[Any, ...]]]:
            cursor.execute(question, (since.isoformat(timespec="microseconds"),))
            return [column[0].lower() for column in cursor.description], list(cursor.fetchall())

        columns, rows = await self._connection.run(ask)
        if "signal_id" not in columns and "id" not in columns:
            raise _Unfit(f"{self._table} has neither a column signal_id nor id: a row could not be told from its repetition")
        return [self._read(dict(zip(columns, row, strict=True))) for row in rows]

    def _read(self, row: Row) -> _Read:
        said = {column: _told(value) for column, value in row.items() if value is not None and column != "id"}
        key = said.get("signal_id") or (f"{self._table}/{_told(row['id'])}" if row.get("id") is not None else "")
        record = json.dumps(said).encode()
        return _Read(_aware(row["ts"]), str(key) or record.decode(), record)

    async def _take(self, rows: Sequence[_Read]) -> None:
        now = self._clock.now()
        messages: list[Message] = []
        dead: list[DeadLetter] = []
        for row in rows:
            signal = decode(
                row.record, record_ts=row.ts, source=self.name, default_id=row.key, default_symbol=self._default_symbol
            )
            if isinstance(signal, Unreadable):
                position = f"{self._table}/{row.key}"[:_KEPT_BYTES]
                dead.append(DeadLetter(self.name, position, signal.problem, row.record[:_KEPT_BYTES], now))
            else:
                messages.append(Message(self.name, signal.signal_id, signal.symbol, SignalReceived(signal), now))
        watermark = max(self._watermark or _EPOCH, min(rows[-1].ts, now))
        await self._deliver(messages, dead, self._position(_WATERMARK, watermark))
        self._watermark = watermark
        self._seen.update({row.key: row.ts for row in rows})

    def _position(self, kind: int, at: datetime) -> SourcePosition:
        return SourcePosition(self.name, kind, (at - _EPOCH) // _MICROSECOND)

    @property
    def _named(self) -> str:
        return name(*self._table.split("."))


def _moment(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND


def _aware(value: object) -> datetime:
    """A column's time; one without a zone is UTC."""
    if not isinstance(value, datetime):
        raise _Unfit("the column ts holds no time: TIMESTAMP_TZ, TIMESTAMP_LTZ or, as UTC, TIMESTAMP_NTZ is needed")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _told(value: object) -> object:
    """A column's value as the codec reads it: numbers as text, so that none becomes a float; times with their zone."""
    match value:
        case bool() | int() | str():
            return value
        case Decimal():
            return format(value, "f")
        case datetime():
            return _aware(value).isoformat()
        case date():
            return value.isoformat()
        case _:
            return str(value)
