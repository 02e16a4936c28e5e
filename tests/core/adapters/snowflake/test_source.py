"""Signals from a table, by the real driver over HTTP: repeated rows are one signal, late ones are not missed, hostile ones are
reported."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.clock import SystemClock
from core.adapters.snowflake import source as snowflake_source
from core.adapters.snowflake.connection import SnowflakeConnection
from core.adapters.snowflake.source import SnowflakeSource
from core.domain.errors import LedgerUnavailable
from core.domain.messages import DeadLetter, Message, SignalReceived, SourcePosition
from core.domain.signal import Signal
from tests.servers.snowflake import SnowflakeServer

COLUMNS = "signal_id VARCHAR, signal_type VARCHAR, symbol VARCHAR, close NUMBER(20, 10), ts TIMESTAMP_TZ, note VARCHAR"


def now(seconds: float = 0) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


@dataclass
class Inbox:
    """Records what was delivered; `broken` makes it refuse."""

    messages: list[Message] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    positions: dict[int, SourcePosition] = field(default_factory=dict)
    broken: bool = False

    async def deliver(self, messages: Sequence[Message], dead: Sequence[DeadLetter], position: SourcePosition | None) -> None:
        if self.broken:
            raise LedgerUnavailable("the disk is full")
        self.messages += messages
        self.dead += dead
        if position is not None:
            self.positions[position.partition] = position

    async def stored(self) -> Mapping[int, SourcePosition]:
        return dict(self.positions)

    async def stored_letters(self) -> Sequence[str]:
        return [letter.position for letter in self.dead]

    @property
    def ids(self) -> list[str]:
        return [message.source_id for message in self.messages]

    def signal(self, number: int) -> Signal:
        body = self.messages[number].body
        assert isinstance(body, SignalReceived)
        return body.signal


class Polls(SystemClock):
    """Counts the polls that are over, each of which is followed by a pause."""

    def __init__(self) -> None:
        self.over = 0

    async def sleep(self, seconds: float) -> None:
        self.over += 1
        await super().sleep(seconds)


@dataclass
class Table:
    connection: SnowflakeConnection
    polls: Polls = field(default_factory=Polls)
    inbox: Inbox = field(default_factory=Inbox)

    async def run(self, statement: str, *values: object) -> None:
        await self.connection.ask(statement, *values)

    async def make(self, columns: str = COLUMNS) -> None:
        await self.run(f"CREATE TABLE SIGNALS ({columns})")

    async def add(self, signal_id: str, ts: datetime, signal_type: str = "BUY_DBT", close: str = "0.4801000001") -> None:
        row = (signal_id, signal_type, "wifusdc", close, ts.isoformat(), "ж")
        await self.run("INSERT INTO SIGNALS SELECT %s, %s, %s, %s, %s::TIMESTAMP_TZ, %s", *row)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[SnowflakeSource]:
        """Returns a source with a session of its own, like a process."""
        connection = SnowflakeConnection(self.connection.options)
        source = SnowflakeSource(
            connection,
            table="SIGNALS",
            poll=timedelta(seconds=0.02),
            default_symbol="ETHUSDC",
            deliver=self.inbox.deliver,
            stored_positions=self.inbox.stored,
            stored_letters=self.inbox.stored_letters,
            clock=self.polls,
        )
        task = asyncio.create_task(source.run())
        try:
            yield source
            if task.done():
                await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await connection.close()


async def until(source: SnowflakeSource, table: Table, *ids: str, well: bool = True) -> None:
    """Waits until exactly these arrived, and two whole polls more."""

    def reached() -> bool:
        is_well, words = source.ready
        return table.inbox.ids == list(ids) and is_well is well and words != "not read yet"

    async with asyncio.timeout(20):
        while not reached():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        enough = table.polls.over + 3  # one may be under way
        while table.polls.over < enough:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert table.inbox.ids == list(ids)


@pytest.fixture
def table(connection: SnowflakeConnection) -> Table:
    return Table(connection)


async def test_a_row_is_one_signal_however_often_it_is_seen(table: Table, no_blocking: object) -> None:
    await table.make()
    await table.add("old", now(-5))
    async with table.reading() as source:
        await until(source, table)
        at = now()
        await table.add("a", at)
        await until(source, table, "a")
    assert table.inbox.signal(0) == Signal(
        "snowflake:SIGNALS", "a", "BUY_DBT", "WIFUSDC", Decimal("0.4801000001"), at, {"note": "ж"}
    )


async def test_a_row_whose_symbol_is_null_is_not_traded_as_the_default(table: Table) -> None:
    await table.make()
    async with table.reading() as source:
        await until(source, table)
        await table.run("INSERT INTO SIGNALS SELECT 'a', 'BUY_DBT', NULL, 1, %s::TIMESTAMP_TZ, NULL", now().isoformat())
        await table.add("b", now())
        await until(source, table, "b")
    (letter,) = table.inbox.dead
    assert letter.problem.startswith("symbol is null")


async def test_a_null_beside_a_name_says_nothing(table: Table) -> None:
    await table.make(f"{COLUMNS}, TICKER TEXT, PAIR TEXT, INSTRUMENT TEXT, BASE_ASSET TEXT")
    columns = "(SIGNAL_ID, SIGNAL_TYPE, CLOSE, TS, SYMBOL, TICKER)"
    async with table.reading() as source:
        await until(source, table)
        for signal_id, symbol, ticker in (("a", "WIFUSDC", None), ("b", None, "WIFUSDC"), ("c", None, None)):
            row = (signal_id, now().isoformat(), symbol, ticker)
            await table.run(f"INSERT INTO SIGNALS {columns} SELECT %s, 'BUY_DBT', 1, %s::TIMESTAMP_TZ, %s, %s", *row)
        await until(source, table, "a", "b")
    assert {table.inbox.signal(number).symbol for number in (0, 1)} == {"WIFUSDC"}
    (letter,) = table.inbox.dead
    assert letter.problem.startswith("symbol is null")


async def test_a_row_that_comes_late_is_not_missed(table: Table) -> None:
    await table.make()
    async with table.reading() as source:
        await until(source, table)
        await table.add("new", now())
        await until(source, table, "new")
        await table.add("late", now(-50 * 60))
        await until(source, table, "new", "late")


async def test_after_a_restart_it_goes_on_and_knows_where_it_began(table: Table) -> None:
    await table.make()
    await table.add("before the first start", now(-5))
    async with table.reading() as source:
        await until(source, table)
        await table.add("a", now())
        await until(source, table, "a")
    await table.add("b", now())
    async with table.reading() as source:
        await until(source, table, "a", "a", "b")  # the inbox refuses the second "a"


async def test_a_time_in_the_future_does_not_hide_what_comes_next(table: Table) -> None:
    await table.make()
    await table.add("far", now(86400 * 365))
    async with table.reading() as source:
        await until(source, table, "far")
        await table.add("a", now())
        await until(source, table, "far", "a")


async def test_what_cannot_be_read_is_a_dead_letter_once(table: Table) -> None:
    await table.make()
    async with table.reading() as source:
        await until(source, table)
        await table.add("bad", now(), signal_type="HOLD")
        await table.add("worse", now(), close="-1")
        await table.add("good", now())
        await until(source, table, "good")
        await table.run(
            "INSERT INTO SIGNALS SELECT 'endless', 'BUY_DBT', 'WIFUSDC', 1, '9999-12-31 23:59:59 -0800'::TIMESTAMP_TZ, ''"
        )
        await until(source, table, "good")
    told = [(letter.position.split("#")[0], letter.problem.split(";")[0]) for letter in table.inbox.dead]
    assert told[:2] == [("SIGNALS/bad", "signal_type is 'HOLD'"), ("SIGNALS/worse", "close is '-1.0000000000'")]
    assert [position for position, _ in told[2:]] == ["SIGNALS/endless"]
    async with table.reading() as source:
        await until(source, table, "good", "good")
        assert len(table.inbox.dead) == 3
        await table.run("UPDATE SIGNALS SET signal_type = 'SELL_DBT' WHERE signal_id = 'bad'")
        await until(source, table, "good", "good", "bad")
        assert len(table.inbox.dead) == 3


async def test_a_row_without_a_time_is_a_dead_letter_once(table: Table) -> None:
    await table.make("id NUMBER, signal_type VARCHAR, close NUMBER(9, 4), ts TIMESTAMP_NTZ")
    async with table.reading() as source:
        await until(source, table)
        at = now().strftime("%Y-%m-%d %H:%M:%S")
        await table.run("INSERT INTO SIGNALS SELECT 1, 'BUY_DBT', 1, NULL")
        await table.run("INSERT INTO SIGNALS SELECT 2, 'BUY_DBT', 1, %s::TIMESTAMP_NTZ", at)
        await until(source, table, "SIGNALS/2")
        (letter,) = table.inbox.dead
        assert letter.problem.startswith("ts is NULL")
        await table.run("UPDATE SIGNALS SET ts = %s::TIMESTAMP_NTZ WHERE id = 1", at)
        await until(source, table, "SIGNALS/2", "SIGNALS/1")


async def test_a_long_or_missing_identity_is_shortened(table: Table) -> None:
    await table.make()
    async with table.reading() as source:
        await until(source, table)
        at = now().isoformat()
        await table.run("INSERT INTO SIGNALS SELECT NULL, 'BUY_DBT', 'WIFUSDC', 1, %s::TIMESTAMP_TZ, REPEAT('x', 6000)", at)
        async with asyncio.timeout(20):
            while not table.inbox.ids:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    (found,) = table.inbox.ids
    assert found.startswith("sha256:")
    assert len(found) == len("sha256:") + 64


async def test_more_rows_than_one_answer_holds(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snowflake_source, "_PAGE", 10)
    await table.make()
    async with table.reading() as source:
        await until(source, table)
        start = now()
        values = ", ".join(
            f"('{number:02}', 'SELL_DBT', 'WIFUSDC', 1, '{(start + timedelta(milliseconds=number)).isoformat()}', '')"
            for number in range(35)
        )
        await table.run(f"INSERT INTO SIGNALS VALUES {values}")
        await until(source, table, *(f"{number:02}" for number in range(35)))


async def test_more_rows_of_one_time_than_one_answer_holds(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snowflake_source, "_PAGE", 10)
    await table.make()
    async with table.reading() as source:
        await until(source, table)
        at = now().isoformat()
        values = ", ".join(f"('{number:02}', 'SELL_DBT', 'WIFUSDC', 1, '{at}', '')" for number in range(35))
        await table.run(f"INSERT INTO SIGNALS VALUES {values}")
        await table.add("later", now())
        await until(source, table, *(f"{number:02}" for number in range(35)), "later")


async def test_a_ledger_that_refuses_and_a_table_that_is_missing_are_tried_again(table: Table) -> None:
    async with table.reading() as source:
        await until(source, table, well=False)
        assert "SIGNALS" in source.ready[1]
        await table.make()
        await until(source, table)
        table.inbox.broken = True
        await table.add("a", now())
        await until(source, table, well=False)
        table.inbox.broken = False
        await until(source, table, "a")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("'BUY_DBT' AS signal_type, 1 AS close, CURRENT_TIMESTAMP() AS ts", "neither a column signal_id nor id"),
        ("1 AS id, 'BUY_DBT' AS signal_type, 1 AS close, 'today' AS ts", "holds no time"),
        ("1 AS id, 'BUY_DBT' AS signal_type, 1 AS close", "TS"),
    ],
)
async def test_a_table_that_is_none_of_signals_is_said(table: Table, row: str, problem: str) -> None:
    await table.run(f"CREATE TABLE SIGNALS AS SELECT {row}")
    async with table.reading() as source, asyncio.timeout(20):
        while problem not in source.ready[1].upper() and problem not in source.ready[1]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert not source.ready[0]
    assert table.inbox.ids == []


async def test_a_numbered_row_needs_no_signal_id_and_may_hold_floats(table: Table) -> None:
    await table.make("id NUMBER, signal_type VARCHAR, close DOUBLE, ts TIMESTAMP_NTZ, score DOUBLE, seen DATE")
    async with table.reading() as source:
        await until(source, table)
        await table.run(
            "INSERT INTO SIGNALS SELECT 7, 'BUY_DBT', 0.1, %s::TIMESTAMP_NTZ, 1e-7, '2026-01-02'",
            now().strftime("%Y-%m-%d %H:%M:%S"),
        )
        await until(source, table, "SIGNALS/7")
    said = table.inbox.signal(0)
    assert (said.close, said.symbol, said.extra) == (Decimal("0.1"), "ETHUSDC", {"score": "1e-07", "seen": "2026-01-02"})


async def test_a_server_that_comes_back_is_read_on(table: Table, snowflake: SnowflakeServer) -> None:
    await table.make()
    async with table.reading() as source:
        await until(source, table)
        await asyncio.to_thread(snowflake.stop)
        await until(source, table, well=False)
        await asyncio.to_thread(snowflake.start)
        await table.connection.close()
        await table.add("a", now())
        await until(source, table, "a")


async def test_two_rows_of_one_id_are_both_brought_and_a_repetition_is_not(table: Table) -> None:
    """Leaves the decision about the second one to the inbox: the source must not take it for the first, seen again."""
    await table.make()
    await table.add("before", now(-60))
    async with table.reading() as source:
        await until(source, table)
        await table.add("tv", now(-2))
        await until(source, table, "tv")
        await table.add("tv", now(-1), "SELL_DBT", "0.5220")
        await until(source, table, "tv", "tv")
    assert [table.inbox.signal(number).signal_type for number in (0, 1)] == ["BUY_DBT", "SELL_DBT"]
