"""Queries the ledger's database on connections that cannot delay the writer. Writes nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, bindparam, func, select
from sqlalchemy.exc import SQLAlchemyError

from core.adapters.ledger.column_types import exact_sum
from core.adapters.ledger.engines import parse_url, words
from core.adapters.ledger.reading import Questions, questions_to
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables import order_tables, result_tables
from core.domain.day_result import DayResult
from core.domain.errors import LedgerUnavailable

_AT_ONCE = 500  # values in one query
_VALUES = "values"


class LedgerReader:
    """Runs read-only queries. Every method raises LedgerUnavailable."""

    def __init__(self, questions: Questions) -> None:
        self.questions = questions

    @property
    def has_sessions(self) -> bool:
        """Tells whether the database is a server, which knows who is connected to it."""
        return self.questions.engine.dialect.name == "postgresql"

    async def read(self, question: Select[Any], values: Mapping[str, Any] | None = None) -> Sequence[Row]:
        """Returns the result's rows; `values` are the query's parameters."""
        try:
            return await self.questions.run(lambda connection: _rows(connection, question, values))
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            raise LedgerUnavailable(f"the ledger cannot be read: {words(error)}") from None

    async def read_of(
        self, question: Select[Any], values: Sequence[str], given: Mapping[str, Any] | None = None
    ) -> Sequence[Row]:
        """Returns the rows that have one of these values in the column that `question` names by `among`, however many values
        there are; `given` are the query's other parameters."""
        found: list[Row] = []
        for start in range(0, len(values), _AT_ONCE):
            found += await self.read(question, {**(given or {}), _VALUES: values[start : start + _AT_ONCE]})
        return found

    async def day_results(self, since: str, until: str = "9999-12-31") -> Sequence[DayResult]:
        """Returns the results of the UTC days (`YYYY-MM-DD`) from `since` to `until`, both included, oldest first."""
        days = result_tables.day_results.c
        columns = exact_sum(days.profit).label("profit"), func.sum(days.exits).label("exits"), func.sum(days.wins).label("wins")
        question = (
            select(days.day, days.quote_asset, *columns)
            .where(days.day.between(since, until))
            .group_by(days.day, days.quote_asset)
            .order_by(days.day, days.quote_asset)
        )
        return [
            DayResult(row["day"], row["quote_asset"], row["profit"], row["exits"], row["wins"])
            for row in await self.read(question)
        ]

    async def trading_mode(self) -> str | None:
        """Returns the trading mode of this ledger's orders; None before the first."""
        found = await self.read(select(order_tables.orders.c.trading_mode).limit(1))
        return found[0]["trading_mode"] if found else None

    async def close(self) -> None:
        """Closes its connections."""
        await self.questions.close()


def _rows(connection: Connection, question: Select[Any], values: Mapping[str, Any] | None) -> Sequence[Row]:
    return [dict(row) for row in connection.execute(question, values).mappings()]


def among(column: Column[str]) -> ColumnElement[bool]:
    """Returns the condition that `column` has one of the values of `read_of`."""
    return column.in_(bindparam(_VALUES, type_=column.type, expanding=True))


def open_reader(database_url: str) -> LedgerReader:
    """Opens the ledger at `database_url` for reading beside its writer; connects at the first query."""
    return LedgerReader(questions_to(parse_url(database_url), pooled=True))  # it may be pooled, and speed does not matter here
