"""Executions in Snowflake, by the real driver over HTTP: exact, each once, whatever fails on the way."""

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.clock import SystemClock
from core.adapters.ledger.export_feed import SqlExportFeed
from core.adapters.ledger.opening import open_ledger
from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.snowflake.connection import SnowflakeConnection
from core.adapters.snowflake.history import COLUMNS, SnowflakeHistory
from core.domain.errors import HistoryUnavailable
from core.domain.position import Execution, Role
from core.history_export import HistoryExport
from core.records.commit_batch import CommitBatch
from tests.core.adapters.ledger.values import NOW, execution
from tests.ledgers import make_ledger
from tests.servers.snowflake import SnowflakeServer

DAY = (NOW - timedelta(hours=12), NOW + timedelta(hours=12))


def told(execution: Execution) -> dict[str, object]:
    return {column: getattr(execution, column) for column in COLUMNS}


def sorted_rows(rows: object) -> list[dict[str, object]]:
    return sorted(rows, key=lambda row: str(row["execution_id"]))  # type: ignore[call-overload, no-any-return]


@pytest.fixture
def history(connection: SnowflakeConnection) -> SnowflakeHistory:
    return SnowflakeHistory(connection)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    ledger = await open_ledger(make_ledger(tmp_path / "ledger.db"), SystemClock())
    yield ledger
    await ledger.close()


async def test_rows_are_the_same_to_the_last_digit(history: SnowflakeHistory, no_blocking: object) -> None:
    rows = [
        replace(execution(1), qty=Decimal("98765432109876543210.12345678"), price=Decimal("0.0000000000000001")),
        replace(execution(2, Decimal("-0.0000000000000001")), profit_pct=Decimal("-12.5")),
        replace(execution(3), executed_at=NOW + timedelta(microseconds=1)),
    ]
    await history.keep(rows)
    assert sorted_rows(await history.rows(*DAY)) == sorted_rows(map(told, rows))


@pytest.mark.parametrize("text", ["'); DROP TABLE EXECUTIONS; --", "a\\'b\\", "100 %s %(x)s", 'ж🟩\n\t"', "$$x$$ ? :1", "?"])
async def test_text_from_outside_stays_text(history: SnowflakeHistory, text: str) -> None:
    row = replace(execution(1), signal_id=text)
    await history.keep([row, execution(2)])
    assert {found["signal_id"] for found in await history.rows(*DAY)} == {text, execution(2).signal_id}


async def test_a_row_that_comes_again_is_one_row_and_the_newest(history: SnowflakeHistory) -> None:
    await history.keep([execution(1), execution(2)])
    corrected = replace(execution(2), fee=Decimal("0.03"))
    await history.keep([corrected, execution(3)])
    found = await history.rows(*DAY)
    assert sorted_rows(found) == sorted_rows(map(told, [execution(1), corrected, execution(3)]))


async def test_a_day_ends_where_the_next_begins(history: SnowflakeHistory) -> None:
    await history.keep([execution(1)])
    assert len(await history.rows(NOW, NOW + timedelta(microseconds=1))) == 1
    assert await history.rows(NOW - timedelta(seconds=1), NOW) == []


async def test_a_table_that_is_gone_is_made_again(history: SnowflakeHistory, connection: SnowflakeConnection) -> None:
    await history.keep([execution(1)])
    await connection.ask("DROP TABLE EXECUTIONS")
    await history.keep([execution(2)])
    assert [row["execution_id"] for row in await history.rows(*DAY)] == [execution(2).execution_id]


async def test_a_table_of_an_earlier_version_gets_the_columns_that_it_lacks(
    history: SnowflakeHistory, connection: SnowflakeConnection
) -> None:
    await history.keep([execution(1)])
    for column in ("strategy", "role", "plan_id", "signal_price"):
        await connection.ask(f"ALTER TABLE EXECUTIONS DROP COLUMN {column}")
    stopped = replace(execution(2, Decimal(1)), strategy="waves", role=Role.STOP, plan_id=execution(1).execution_id)
    assert [row["signal_price"] for row in await SnowflakeHistory(connection).rows(*DAY)] == [None]
    newer = SnowflakeHistory(connection)
    assert not await newer.keep([stopped])
    assert not await newer.keep([execution(1)])  # the export begins anew: see migration 0027
    assert sorted_rows(await history.rows(*DAY)) == sorted_rows(map(told, [execution(1), stopped]))


async def test_a_server_that_is_away_is_an_error_without_secrets(snowflake: SnowflakeServer, no_blocking: object) -> None:
    options = replace(snowflake.options("GONE"), port=1, password="hunter2-hunter2")
    connection = SnowflakeConnection(options)
    with pytest.raises(HistoryUnavailable) as caught:
        await SnowflakeHistory(connection).keep([execution(1)])
    await connection.close()
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_another_trading_mode_is_refused(history: SnowflakeHistory) -> None:
    assert await history.keep([execution(1)])
    assert not await history.keep([execution(2)])
    with pytest.raises(HistoryUnavailable, match="holds paper executions, these are live: set another SNOWFLAKE_SCHEMA"):
        await history.keep([replace(execution(1), trading_mode="live")])
    assert {row["trading_mode"] for row in await history.rows(*DAY)} == {"paper"}


async def test_a_session_at_its_end_is_made_anew(
    history: SnowflakeHistory, connection: SnowflakeConnection, snowflake: SnowflakeServer
) -> None:
    await history.keep([execution(1)])
    # the token has expired; the session no longer exists; it could be renewed, and is not
    for number in (390114, 390111, 390112):
        logins = snowflake.logins()
        snowflake.answer_once(number)
        with pytest.raises(HistoryUnavailable):
            await connection.ask("SELECT 1")
        assert len(await history.rows(*DAY)) == 1
        assert snowflake.logins() == logins + 1


async def test_the_driver_loads_nothing_that_it_does_not_need(history: SnowflakeHistory, connection: SnowflakeConnection) -> None:
    await history.keep([execution(1)])
    assert connection._process is not None
    loaded = Path(f"/proc/{connection._process.pid}/maps").read_text()  # noqa: ASYNC240 - no disk
    assert "snowflake" in loaded
    assert [package for package in ("numpy", "pandas", "pyarrow", "sqlalchemy") if f"/{package}/" in loaded] == []


async def test_a_driver_that_crashes_takes_nothing_with_it(history: SnowflakeHistory, connection: SnowflakeConnection) -> None:
    await history.keep([execution(1)])
    assert connection._process is not None
    connection._process.send_signal(signal.SIGSEGV)
    with pytest.raises(HistoryUnavailable, match="the process of its driver ended"):
        await history.keep([execution(2)])
    await history.keep([execution(2)])
    assert len(await history.rows(*DAY)) == 2


async def test_a_question_given_up_leaves_no_answer_for_the_next(
    history: SnowflakeHistory, connection: SnowflakeConnection
) -> None:
    await history.keep([execution(1)])
    asking = asyncio.create_task(connection.ask("SELECT 17"))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await connection.ask("SELECT 18")).rows == [(18,)]


async def commit(ledger: SqlLedger, numbers: range) -> None:
    await ledger.commit(CommitBatch(executions=[execution(number) for number in numbers]))


async def test_two_thousand_executions_while_the_server_comes_and_goes(
    snowflake: SnowflakeServer, history: SnowflakeHistory, ledger: SqlLedger
) -> None:
    export = HistoryExport(SqlExportFeed(ledger, "snowflake:test"), history, SystemClock())
    ledger.observers.append(export)
    exporting = asyncio.create_task(export.run())
    for part in range(10):  # three parts are more than one batch
        if part in {3, 6}:
            await asyncio.to_thread(snowflake.stop)
        await commit(ledger, range(part * 200, (part + 1) * 200))
        if part in {3, 6}:
            async with asyncio.timeout(30):
                while export.ready[0]:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        if part in {4, 8}:
            await asyncio.to_thread(snowflake.start)
    async with asyncio.timeout(60):
        while await export.pending():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    exporting.cancel()
    await asyncio.gather(exporting, return_exceptions=True)
    assert export.ready[0]
    assert sorted_rows(await history.rows(*DAY)) == sorted_rows(told(execution(number)) for number in range(2_000))


async def test_a_restart_goes_on_where_the_export_was(history: SnowflakeHistory, ledger: SqlLedger) -> None:
    for numbers in (range(3), range(3, 5)):
        export = HistoryExport(SqlExportFeed(ledger, "snowflake:test"), history, SystemClock())
        await commit(ledger, numbers)
        running = asyncio.create_task(export.run())
        async with asyncio.timeout(30):
            while await export.pending():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert len(await history.rows(*DAY)) == 5
    assert await SqlExportFeed(ledger, "snowflake:test").count_after(0) == 5


async def test_a_history_that_was_lost_is_brought_anew(
    history: SnowflakeHistory, ledger: SqlLedger, connection: SnowflakeConnection
) -> None:
    export = HistoryExport(SqlExportFeed(ledger, "snowflake:test"), history, SystemClock())
    ledger.observers.append(export)
    running = asyncio.create_task(export.run())
    for numbers in (range(3), range(3, 5)):
        await commit(ledger, numbers)
        async with asyncio.timeout(30):
            while await export.pending():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert len(await history.rows(*DAY)) == numbers.stop
        await connection.ask("DROP TABLE EXECUTIONS")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_private_key_opens_it_too(snowflake: SnowflakeServer, tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    file = tmp_path / "key.p8"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    options = replace(snowflake.options(f"TEST_{uuid4().hex.upper()}"), password=None, private_key_file=file)
    connection = SnowflakeConnection(options)
    history = SnowflakeHistory(connection)
    await history.keep([execution(1)])
    assert len(await history.rows(*DAY)) == 1
    await connection.close()
