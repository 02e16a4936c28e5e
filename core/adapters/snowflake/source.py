"""Signals from a table or view that dbt fills, polled repeatedly: each row is one signal, however often it is seen."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import structlog

from core.adapters.signals.codec import MAX_BYTES, Unreadable, decode
from core.adapters.signals.instrument import NAMES
from core.adapters.snowflake.connection import SnowflakeConnection, name
from core.domain.errors import HistoryUnavailable, LedgerUnavailable
from core.domain.messages import DeadLetter, Message, SignalReceived, SourcePosition
from core.domain.reasons import reason
from core.domain.signal import Signal
from core.ports.clock import Clock
from core.ports.signal_source import Deliver

OVERLAP = timedelta(hours=1)
"""The longest delay between a row's `ts` and its appearance in the table at which it is still read."""

_PAGE = 5_000  # rows of one answer
_AT_A_TIME = 50  # rows that are read in one turn of the event loop
_CHUNK = 200  # rows of one delivery
_KEPT_BYTES = 2048  # of a dead letter
_LONGEST_KEY = 200  # characters
_WATERMARK, _FLOOR = 0, 1  # "partitions" of the stored position
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END = "2100-01-01"  # no signal is read from then on, and the driver fails at times beyond Python's range
_TIMELESS_AT_ONCE = 100
# https://docs.snowflake.com/en/developer-guide/python-connector/python-connector-api#type-codes
_TIMES = frozenset({4, 6, 7, 8})
_MICROSECOND = timedelta(microseconds=1)

log = structlog.get_logger(__name__)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Read:
    """A row: its time (None: NULL, or far from any signal's), its identity in the table, and its content."""

    ts: datetime | None
    key: str
    record: bytes

    @property
    def letter_key(self) -> str:
        """Returns its identity and content: a corrected row counts as another, and two rows of one id count as two."""
        return f"{self.key}#{hashlib.sha256(self.record).hexdigest()[:8]}"


class _Unfit(Exception):
    """The table does not contain signals; the text says what it lacks."""


class SnowflakeSource:
    """See `core.ports.SignalSource`.

    Every poll reads from an hour before the newest `ts` seen, because dbt may write a row later than its `ts` says. Rows
    already seen are skipped here, and those that a former process saw are rejected by the inbox. A `ts` in the future does not
    move that mark beyond the present. The very first poll takes what is newer than the table's newest row. A row that cannot be
    read, including one without a `ts`, is a dead letter once, and a signal when it is corrected.
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
        stored_letters: Callable[[], Awaitable[Collection[str]]],
        clock: Clock,
    ) -> None:
        """Builds the source. `table` may include schema and database. `stored_positions` are those of `name`, `stored_letters`
        the positions of its newest dead letters."""
        self._connection = connection
        self._table = table
        self._poll = poll.total_seconds()
        self._default_symbol = default_symbol
        self._deliver = deliver
        self._stored_positions = stored_positions
        self._stored_letters = stored_letters
        self._clock = clock
        self._watermark: datetime | None = None
        self._floor = _EPOCH
        self._keys: list[str] = []
        self._letters: set[str] = set()
        self._seen: dict[str, datetime] = {}
        self._problem = "not read yet"

    @property
    def name(self) -> str:
        """Returns the source name that its signals carry."""
        return f"snowflake:{self._table}"

    @property
    def ready(self) -> tuple[bool, str]:
        """Tells whether the last poll was answered and stored."""
        return (not self._problem, self._problem or f"{self._table} is read every {self._poll:g} s")

    async def run(self) -> None:
        """Polls until cancelled; retries whatever happens to Snowflake or the ledger."""
        while True:
            problem = ""
            try:
                await self._read_on()
            except (HistoryUnavailable, LedgerUnavailable, _Unfit) as error:
                problem = str(error)
            except Exception as error:
                log.exception("the signals table contains unexpected data", table=self._table)
                problem = f"{self._table} contains unexpected data ({type(error).__name__}); see the log"
            if problem and problem != self._problem:
                log.warning("the signals table cannot be read", table=self._table, error=problem)
            if problem:
                self._keys = []  # the table may have other columns when it can be read again
            self._problem = problem
            await self._clock.sleep(self._poll)

    async def _read_on(self) -> None:
        if not self._keys:
            self._keys = await self._find_keys()
        if self._watermark is None:
            self._watermark = await self._begin()
        await self._take_timeless()
        since, skipped = max(self._floor, self._watermark - OVERLAP), 0
        self._seen = {key: ts for key, ts in self._seen.items() if ts >= since}
        while True:
            page = await self._page(since, skipped)
            new = [row for row in page if row.letter_key not in self._seen and row.letter_key not in self._letters]
            for start in range(0, len(new), _CHUNK):
                await self._take(new[start : start + _CHUNK])
            if len(page) < _PAGE:
                return
            last = page[-1].ts or since
            # dbt stamps all rows of a run alike: one time may have more rows than a page holds.
            since, skipped = (since, skipped + _PAGE) if last == since else (last, 0)

    async def _take_timeless(self) -> None:
        """Reports rows without a readable time, leaving out columns that may be just as odd."""
        keys = ", ".join(self._keys)
        odd = f"SELECT {keys}, TO_VARCHAR(ts) FROM {self._named} WHERE ts IS NULL OR ts >= '{_END}'"  # noqa: S608 - a name of the settings
        found = await self._connection.ask(f"{odd} LIMIT {_TIMELESS_AT_ONCE}")
        rows = []
        for *named, ts in found.rows:
            said = dict(zip(self._keys, named, strict=True))
            record = {**{column: _as_text(value) for column, value in said.items() if value is not None}, "ts": ts}
            rows.append(_Read(None, self._key(said, record), json.dumps(record).encode()))
        if new := [row for row in rows if row.letter_key not in self._letters]:
            await self._take(new)

    async def _begin(self) -> datetime:
        """Returns the position of the former process; at the very first start, just after the existing rows."""
        self._letters = {position.removeprefix(f"{self._table}/") for position in await self._stored_letters()}
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
        question = f"SELECT ts FROM {self._named} WHERE ts < '{_END}' ORDER BY ts DESC LIMIT 1"  # noqa: S608 - a name of the settings
        newest = (await self._connection.ask(question)).rows
        return _aware(newest[0][0]) if newest else None

    async def _find_keys(self) -> list[str]:
        """Returns the columns that distinguish one row from another."""
        question = f"SELECT * FROM {self._named} LIMIT 0"  # noqa: S608 - a name of the settings
        found = (await self._connection.ask(question)).columns
        columns = dict(found)
        if len(columns) != len(found):
            raise _Unfit(f"{self._table} has columns whose names differ only in capitals: one would hide the other")
        keys: list[str] = [column for column in ("signal_id", "id") if column in columns]
        if not keys:
            raise _Unfit(f"{self._table} has neither a column signal_id nor id: a row could not be told from its repetition")
        if columns.get("ts") not in _TIMES:
            raise _Unfit("the column ts holds no time: TIMESTAMP_TZ, TIMESTAMP_LTZ or, as UTC, TIMESTAMP_NTZ is needed")
        return keys

    async def _page(self, since: datetime, skipped: int) -> list[_Read]:
        question = (
            f"SELECT * FROM {self._named} WHERE ts >= %s AND ts < '{_END}'"  # noqa: S608 - a name of the settings
            f" ORDER BY {', '.join(['ts', *self._keys])} LIMIT {_PAGE} OFFSET {skipped}"
        )
        answer = await self._connection.ask(question, since.isoformat(timespec="microseconds"))
        page: list[_Read] = []
        for number, row in enumerate(answer.rows):
            page.append(self._read(dict(zip(answer.names, row, strict=True))))
            if number % _AT_A_TIME == _AT_A_TIME - 1:
                await asyncio.sleep(0)
        return page

    def _read(self, row: Row) -> _Read:
        said = {column: _as_text(value) for column, value in row.items() if value is not None and column != "id"}
        # A NULL is dropped, unless no column names the instrument: that differs from a table without such a column.
        is_named = any(row.get(column) is not None for column in NAMES)
        nameless = {} if is_named else {column: None for column in NAMES if column in row}
        return _Read(_aware(row["ts"]), self._key(row, said), json.dumps({**said, **nameless}).encode())

    def _key(self, row: Row, said: Mapping[str, object]) -> str:
        """Returns the row's identity as a signal: its `signal_id`, else its `id` in the table, else its whole content."""
        numbered = f"{self._table}/{_as_text(row['id'])}" if row.get("id") is not None else ""
        key = str(said.get("signal_id") or numbered or json.dumps(said))
        return key if len(key) <= _LONGEST_KEY else f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"

    async def _take(self, rows: Sequence[_Read]) -> None:
        now = self._clock.now()
        messages: list[Message] = []
        dead: list[DeadLetter] = []
        seen: dict[str, datetime] = {}
        letters: set[str] = set()
        for row in rows:
            signal = self._signal(row)
            if isinstance(signal, Unreadable):
                position = f"{self._table}/{row.letter_key}"
                raw = row.record[:_KEPT_BYTES]
                dead.append(DeadLetter(self.name, position, signal.problem, raw, now, signal.reason))
                letters.add(row.letter_key)
            else:
                messages.append(Message(self.name, signal.signal_id, signal.symbol, SignalReceived(signal), now))
                seen[row.letter_key] = row.ts or _EPOCH
        watermark = max(self._watermark or _EPOCH, min(rows[-1].ts or _EPOCH, now))
        await self._deliver(messages, dead, self._position(_WATERMARK, watermark))
        self._watermark = watermark
        self._seen.update(seen)
        self._letters |= letters

    def _signal(self, row: _Read) -> Signal | Unreadable:
        if row.ts is None:
            return Unreadable(reason("record_without_time"))
        return decode(row.record, record_ts=row.ts, source=self.name, default_id=row.key, default_symbol=self._default_symbol)

    def _position(self, kind: int, at: datetime) -> SourcePosition:
        return SourcePosition(self.name, kind, (at - _EPOCH) // _MICROSECOND)

    @property
    def _named(self) -> str:
        return name(*self._table.split("."))


def _moment(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND


def _aware(value: datetime) -> datetime:
    """Returns a column's time; one without a zone is UTC."""
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:  # at the ends of Python's range of years
        return value.replace(tzinfo=UTC)


def _as_text(value: object) -> object:
    """Returns a column's value as the codec expects it: numbers as text, so that none becomes a float; times with their zone."""
    match value:
        case str():
            return value[: MAX_BYTES + 1]  # enough to show that it is too long
        case bool() | int():
            return value
        case Decimal():
            return format(value, "f")
        case datetime():
            return _aware(value).isoformat()
        case date():
            return value.isoformat()
        case _:
            return str(value)
