"""The history in Snowflake: RAW.EXECUTIONS, one row for each executed order, however often it is sent."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from core.adapters.snowflake.connection import SnowflakeConnection, SnowflakeError, name
from core.adapters.snowflake.driver_protocol import NO_SUCH_OBJECT
from core.domain.errors import HistoryUnavailable
from core.domain.position import Execution

TABLE = "EXECUTIONS"

_AMOUNT, _TEXT, _TIME = "NUMBER(38, 16)", "VARCHAR", "TIMESTAMP_TZ(6)"
COLUMNS = {
    "execution_id": _TEXT,
    "symbol": _TEXT,
    "executed_at": _TIME,
    "side": _TEXT,
    "qty": _AMOUNT,
    "price": _AMOUNT,
    "profit_pct": _AMOUNT,
    "signal_type": _TEXT,
    "signal_id": _TEXT,
    "client_order_id": _TEXT,
    "order_id": _TEXT,
    "quote_qty": _AMOUNT,
    "fee": _AMOUNT,
    "fee_asset": _TEXT,
    "profit_quote": _AMOUNT,
    "trading_mode": _TEXT,
    "gross_quote": _AMOUNT,
    "base_asset": _TEXT,
    "quote_asset": _TEXT,
    "strategy": _TEXT,
    "role": _TEXT,
    "plan_id": _TEXT,
    "signal_price": _AMOUNT,
    "arrival_price": _AMOUNT,
    "asked_qty": _AMOUNT,
    "fee_quote": _AMOUNT,
}
"""The columns of an execution, with their types; the table also has `exported_at`, by Snowflake's own clock."""

_OPTIONAL = frozenset(
    {"profit_pct", "profit_quote", "gross_quote", "plan_id", "signal_price", "arrival_price", "asked_qty", "fee_quote"}
)


class SnowflakeHistory:
    """See `core.ports.History`. Creates the table if it is missing."""

    def __init__(self, connection: SnowflakeConnection) -> None:
        self._connection = connection
        self._is_complete = False
        self._table = name(connection.options.database, connection.options.schema, TABLE)

    async def keep(self, executions: Sequence[Execution]) -> bool:
        """See History: one MERGE on `execution_id`, into a table that has every column."""
        if not executions:
            return False
        mode = executions[0].trading_mode
        values = [{column: _text(getattr(execution, column)) for column in COLUMNS} for execution in executions]
        rows = json.dumps(values, ensure_ascii=False)  # a statement may be 1 MB long
        try:
            await self._add_columns()
            await self._merge(rows, mode)
        except SnowflakeError as error:
            if error.number != NO_SUCH_OBJECT:
                raise
            await self._make()
            await self._merge(rows, mode)
            return True
        return False

    async def rows(self, since: datetime, until: datetime) -> Sequence[dict[str, Any]]:
        """Returns the rows of executions at or after `since` and before `until`, by column; none if there is no table yet. Raises
        HistoryUnavailable."""
        columns = ", ".join(COLUMNS)
        question = f"SELECT {columns} FROM {self._table} WHERE executed_at >= %s AND executed_at < %s"  # noqa: S608 - names
        try:
            await self._add_columns()  # nothing may have been executed since an earlier version
            answer = await self._connection.ask(question, _text(since), _text(until))
        except SnowflakeError as error:
            if error.number != NO_SUCH_OBJECT:
                raise
            return []
        return [_row(found) for found in answer.rows]

    async def _make(self) -> None:
        columns = ", ".join(f"{column} {kind}{'' if column in _OPTIONAL else ' NOT NULL'}" for column, kind in COLUMNS.items())
        stamp = f"exported_at {_TIME} DEFAULT CURRENT_TIMESTAMP()"
        await self._connection.ask(f"CREATE TABLE IF NOT EXISTS {self._table} ({columns}, {stamp}, PRIMARY KEY (execution_id))")

    async def _add_columns(self) -> None:
        """Adds the columns that a table of an earlier version lacks. Looks once: nobody takes columns away."""
        if self._is_complete:
            return
        found = await self._connection.ask(f"SELECT * FROM {self._table} LIMIT 0")  # noqa: S608 - a name of the settings
        there = {column for column, _ in found.columns}
        for column, kind in COLUMNS.items():
            if column not in there:
                await self._connection.ask(f"ALTER TABLE {self._table} ADD COLUMN IF NOT EXISTS {column} {kind}")
        self._is_complete = True

    async def _merge(self, rows: str, mode: str) -> None:
        # The same signals produce the same ids on paper and with real money: one would replace the other.
        others = f"SELECT trading_mode FROM {self._table} WHERE trading_mode <> %s LIMIT 1"  # noqa: S608 - a name of the settings
        if found := (await self._connection.ask(others, mode)).rows:
            raise HistoryUnavailable(
                f"{self._table} holds {found[0][0]} executions, these are {mode}: set another SNOWFLAKE_SCHEMA"
            )
        # One text for all rows: a statement of thousands of values takes seconds to parse before it runs.
        source = ", ".join(f"f.value:{column}::{kind} AS {column}" for column, kind in COLUMNS.items())
        new = ", ".join(f"{column} = s.{column}" for column in COLUMNS if column != "execution_id")
        statement = (
            f"MERGE INTO {self._table} t USING (SELECT {source} FROM"  # noqa: S608
            f" (SELECT PARSE_JSON(%s) AS batch) b, LATERAL FLATTEN(INPUT => b.batch) f) s"
            f" ON t.execution_id = s.execution_id"
            f" WHEN MATCHED THEN UPDATE SET {new}, exported_at = CURRENT_TIMESTAMP()"
            f" WHEN NOT MATCHED THEN INSERT ({', '.join(COLUMNS)}, exported_at)"
            f" VALUES ({', '.join(f's.{column}' for column in COLUMNS)}, CURRENT_TIMESTAMP())"
        )
        await self._connection.ask(statement, rows)


def _text(value: object) -> str | None:
    """Returns the value as text, which Snowflake converts to its own types without a float in between."""
    match value:
        case None:
            return None
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case _:
            return str(value)


def _row(found: Sequence[Any]) -> dict[str, Any]:
    return {column: _aware(value) if isinstance(value, datetime) else value for column, value in zip(COLUMNS, found, strict=True)}


def _aware(time: datetime) -> datetime:
    """Reads a time without a zone as UTC: somebody may have created the table with TIMESTAMP_NTZ."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
