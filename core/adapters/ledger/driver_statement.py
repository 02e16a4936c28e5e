"""Statements that every commit runs: SQLAlchemy compiles each once, the driver executes it. SQLAlchemy's own execution takes
several times as long as the statement itself."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from core.adapters.ledger.row import Row

_Convert = Callable[[Any], Any] | None


@dataclass(slots=True)
class _Compiled:
    """The text of a statement, and where the value of each place comes from: a row's column, or the statement itself."""

    text: str
    places: Sequence[tuple[str, _Convert, Any]]  # column (empty: a constant), conversion, the constant as converted
    answers: Sequence[TypeEngine[Any]]  # of the columns that it returns
    width: int  # columns of a row
    conversions: Sequence[_Convert] | None = None  # of what it returns: known once the driver has described that

    def values(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        """Returns the row's values as the driver takes them. Raises ValueError where a row has other columns than the first."""
        if len(row) != self.width:
            raise ValueError(f"a row has {len(row)} columns, the first one {self.width}")
        return tuple(
            [
                (constant if not name else row[name] if convert is None else convert(row[name]))
                for name, convert, constant in self.places
            ]
        )


class DriverStatement:
    """One statement whose rows all have the same columns. It and the types of its columns are SQLAlchemy's, as everywhere; only
    its execution is not. Every method raises DBAPIError, like SQLAlchemy."""

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._compiled: dict[tuple[str, ...], _Compiled] = {}  # by the name of the dialect and the columns

    def run(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Executes it for each of `rows`. Returns how many rows of the table a single one has changed."""
        if not rows:
            return 0
        compiled = self._of(connection.dialect, rows[0])
        with closing(connection.connection.cursor()) as cursor:
            try:
                if len(rows) == 1:
                    cursor.execute(compiled.text, compiled.values(rows[0]))
                else:
                    cursor.executemany(compiled.text, [compiled.values(row) for row in rows])
            except connection.dialect.loaded_dbapi.Error as error:
                raise _failed(compiled, error) from error
            return int(cursor.rowcount)

    def returned(self, connection: Connection, rows: Sequence[Row]) -> list[tuple[Any, ...]]:
        """Executes it for each of `rows`. Returns what it returns, as its columns' types say."""
        if not rows:
            return []
        if len(rows) > 1 and connection.dialect.name == "postgresql":
            # One statement of all rows: each of its own would be a round trip.
            return [tuple(row) for row in connection.execute(self._statement, rows)]
        compiled = self._of(connection.dialect, rows[0])
        found: list[tuple[Any, ...]] = []
        with closing(connection.connection.cursor()) as cursor:
            try:
                for row in rows:
                    cursor.execute(compiled.text, compiled.values(row))
                    answers = cursor.fetchall()
                    if answers:
                        found += _converted(compiled, connection.dialect, cursor.description, answers)
            except connection.dialect.loaded_dbapi.Error as error:
                raise _failed(compiled, error) from error
        return found

    def _of(self, dialect: Dialect, row: Row) -> _Compiled:
        key = (dialect.name, *row)
        found = self._compiled.get(key)
        if found is None:
            found = self._compiled[key] = _compile(self._statement, dialect, list(row))
        return found


def _compile(statement: Any, dialect: Dialect, columns: Sequence[str]) -> _Compiled:
    compiled = statement.compile(dialect=dialect, column_keys=columns)
    constants, places = compiled.params, []
    for name in compiled.positiontup:
        convert = _to_driver(compiled.binds[name].type, dialect)
        constant = constants[name]
        if name in columns:
            places.append((name, convert, None))
        else:
            places.append(("", None, constant if convert is None else convert(constant)))
    return _Compiled(str(compiled), places, [column.type for column in getattr(statement, "exported_columns", ())], len(columns))


def _to_driver(kind: TypeEngine[Any], dialect: Dialect) -> _Convert:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _converted(
    compiled: _Compiled, dialect: Dialect, described: Sequence[Sequence[Any]], rows: Sequence[Sequence[Any]]
) -> list[tuple[Any, ...]]:
    if compiled.conversions is None:
        pairs = zip(compiled.answers, described, strict=True)
        compiled.conversions = [kind.dialect_impl(dialect).result_processor(dialect, column[1]) for kind, column in pairs]
    ways = compiled.conversions
    return [tuple([value if way is None else way(value) for way, value in zip(ways, row, strict=True)]) for row in rows]


def _failed(compiled: _Compiled, error: Exception) -> DBAPIError:
    return DBAPIError(compiled.text, None, error, hide_parameters=True)
