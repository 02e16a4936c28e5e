"""Statements that every commit runs: SQLAlchemy compiles each once, the driver executes it. SQLAlchemy's own execution takes
several times as long as the statement itself."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from core.adapters.ledger.row import Row

_Convert = Callable[[Any], Any] | None

Build = Callable[[Sequence[str]], Any]
"""Makes a statement for rows of the columns named."""


@dataclass(slots=True)
class Compiled:
    """The text of a statement, and where the value of each place comes from: a row's column, or the statement itself."""

    text: str
    places: Sequence[tuple[str, _Convert, Any]]  # column (empty: a constant), conversion, the constant as converted
    answers: Sequence[TypeEngine[Any]]  # of the columns that it returns
    width: int  # columns of a row
    takes_arrays: bool  # each place takes the values of all rows
    conversions: Sequence[_Convert] | None = None  # of what it returns: known once the driver has described that

    def parameters(self, rows: Sequence[Row]) -> list[tuple[Any, ...]]:
        """Returns the parameters of each execution, as the driver takes them. Raises ValueError where a row has other columns
        than the first."""
        for row in rows:
            if len(row) != self.width:
                raise ValueError(f"a row has {len(row)} columns, the first one {self.width}")
        if not self.takes_arrays:
            return [self._values(row) for row in rows]
        return [tuple([constant if not name else _column(rows, name, convert) for name, convert, constant in self.places])]

    def _values(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(
            [
                (constant if not name else row[name] if convert is None else convert(row[name]))
                for name, convert, constant in self.places
            ]
        )


class DriverStatement:
    """One statement whose rows all have the same columns. It and the types of its columns are SQLAlchemy's, as everywhere; only
    its execution is not. Every method raises DBAPIError, like SQLAlchemy."""

    def __init__(self, statement: Any, in_arrays: Build | None = None) -> None:
        """Builds it. On PostgreSQL that of `in_arrays` is executed instead, once for all rows: each of its own would be a round
        trip, and its text would depend on their number."""
        self._statement = statement
        self._in_arrays = in_arrays
        self._compiled: dict[tuple[str, ...], Compiled] = {}  # by the name of the dialect and the columns

    def run(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Executes it for each of `rows`. Returns how many rows of the table a single one has changed."""
        if not rows:
            return 0
        compiled = self.compiled(connection.dialect, rows[0])
        with closing(connection.connection.cursor()) as cursor:
            try:
                parameters = compiled.parameters(rows)
                if len(parameters) == 1:
                    cursor.execute(compiled.text, parameters[0])
                else:
                    cursor.executemany(compiled.text, parameters)
            except connection.dialect.loaded_dbapi.Error as error:
                raise failed(compiled.text, error) from error
            return int(cursor.rowcount)

    def returned(self, connection: Connection, rows: Sequence[Row]) -> list[tuple[Any, ...]]:
        """Executes it for each of `rows`. Returns what it returns, as its columns' types say."""
        if not rows:
            return []
        compiled = self.compiled(connection.dialect, rows[0])
        found: list[tuple[Any, ...]] = []
        with closing(connection.connection.cursor()) as cursor:
            try:
                for parameters in compiled.parameters(rows):
                    cursor.execute(compiled.text, parameters)
                    answers = cursor.fetchall()
                    if answers:
                        found += _converted(compiled, connection.dialect, cursor.description, answers)
            except connection.dialect.loaded_dbapi.Error as error:
                raise failed(compiled.text, error) from error
        return found

    def compiled(self, dialect: Dialect, row: Row) -> Compiled:
        """Returns it as the driver executes it for rows of these columns."""
        key = (dialect.name, *row)
        found = self._compiled.get(key)
        if found is None:
            found = self._compiled[key] = self._compile(dialect, list(row))
        return found

    def _compile(self, dialect: Dialect, columns: Sequence[str]) -> Compiled:
        if self._in_arrays is not None and dialect.name == "postgresql":
            return _compile(self._in_arrays(columns), dialect, columns, takes_arrays=True)
        return _compile(self._statement, dialect, columns, takes_arrays=False)


def _compile(statement: Any, dialect: Dialect, columns: Sequence[str], *, takes_arrays: bool) -> Compiled:
    compiled = statement.compile(dialect=dialect, column_keys=None if takes_arrays else columns)
    constants, places = compiled.params, []
    for name in compiled.positiontup:
        convert = _to_driver(compiled.binds[name].type, dialect)
        constant = constants[name]
        if name in columns:
            places.append((name, convert, None))
        else:
            places.append(("", None, constant if convert is None else convert(constant)))
    answers = [column.type for column in getattr(statement, "exported_columns", ())]
    return Compiled(str(compiled), places, answers, len(columns), takes_arrays)


def _to_driver(kind: TypeEngine[Any], dialect: Dialect) -> _Convert:
    """Returns the conversion of a value; of an array's, that of each of its items."""
    if isinstance(kind, ARRAY):
        kind = kind.item_type
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _column(rows: Sequence[Row], name: str, convert: _Convert) -> list[Any]:
    return [row[name] for row in rows] if convert is None else [convert(row[name]) for row in rows]


def _converted(
    compiled: Compiled, dialect: Dialect, described: Sequence[Sequence[Any]], rows: Sequence[Sequence[Any]]
) -> list[tuple[Any, ...]]:
    if compiled.conversions is None:
        pairs = zip(compiled.answers, described, strict=True)
        compiled.conversions = [kind.dialect_impl(dialect).result_processor(dialect, column[1]) for kind, column in pairs]
    ways = compiled.conversions
    return [tuple([value if way is None else way(value) for way, value in zip(ways, row, strict=True)]) for row in rows]


def failed(statement: str, error: Exception) -> DBAPIError:
    """Returns the driver's error as SQLAlchemy's, without the statement's values."""
    return DBAPIError(statement, None, error, hide_parameters=True)
