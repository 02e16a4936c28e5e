"""Column types and functions that keep amounts exact to the last digit and times unambiguous, on SQLite as on PostgreSQL."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Numeric, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


class Amount(TypeDecorator[Decimal]):
    """A Decimal: NUMERIC without limits on PostgreSQL, plain digits as TEXT on SQLite, whose own numbers are floats.

    Raises ValueError for anything but a finite number.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Decimal] | TypeEngine[str]:
        return Numeric() if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | str | None:
        if value is None:
            return None
        if not value.is_finite():
            raise ValueError("an amount must be a finite number")
        return value if dialect.name == "postgresql" else format(value, "f")

    def process_result_value(self, value: Decimal | str | None, dialect: Dialect) -> Decimal | None:
        return value if value is None or isinstance(value, Decimal) else Decimal(value)


class UtcTime(TypeDecorator[datetime]):
    """An aware time: TIMESTAMP WITH TIME ZONE on PostgreSQL; on SQLite ISO 8601 in UTC with microseconds, always of equal
    length, so that text order is time order and SQLite's date functions can read it.

    Raises ValueError for a time without a zone.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime] | TypeEngine[str]:
        return DateTime(timezone=True) if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        in_utc = value.astimezone(UTC)
        return in_utc if dialect.name == "postgresql" else in_utc.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"

    def process_result_value(self, value: datetime | str | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return (value if isinstance(value, datetime) else datetime.fromisoformat(value)).astimezone(UTC)


def counting_key() -> TypeEngine[int]:
    """Returns a 64-bit key type: SQLite auto-increments only a column whose type is exactly INTEGER."""
    return BigInteger().with_variant(Integer(), "sqlite")


class exact_sum(FunctionElement[Decimal]):  # noqa: N801 - a function of SQL
    """SUM without floats: PostgreSQL's own SUM of NUMERIC; on SQLite an aggregate that `engines` registers."""

    type = Amount()
    inherit_cache = True
    name = "exact_sum"


@compiles(exact_sum)
def _on_sqlite(element: exact_sum, compiler: Any, **options: Any) -> str:
    return f"exact_sum({compiler.process(element.clauses, **options)})"


@compiles(exact_sum, "postgresql")
def _on_postgresql(element: exact_sum, compiler: Any, **options: Any) -> str:
    return f"sum({compiler.process(element.clauses, **options)})"


class exact_plus(FunctionElement[Decimal]):  # noqa: N801 - a function of SQL
    """A sum of two amounts without floats: PostgreSQL's own; on SQLite a function that `engines` registers."""

    type = Amount()
    inherit_cache = True
    name = "exact_plus"


@compiles(exact_plus)
def _plus_on_sqlite(element: exact_plus, compiler: Any, **options: Any) -> str:
    return f"exact_plus({compiler.process(element.clauses, **options)})"


@compiles(exact_plus, "postgresql")
def _plus_on_postgresql(element: exact_plus, compiler: Any, **options: Any) -> str:
    one, other = element.clauses
    return f"({compiler.process(one, **options)} + {compiler.process(other, **options)})"


class utc_day(FunctionElement[str]):  # noqa: N801 - a function of SQL
    """The UTC day of a time, `YYYY-MM-DD`."""

    type = Text()
    inherit_cache = True
    name = "utc_day"


@compiles(utc_day)
def _day_on_sqlite(element: utc_day, compiler: Any, **options: Any) -> str:
    return f"substr({compiler.process(element.clauses, **options)}, 1, 10)"


@compiles(utc_day, "postgresql")
def _day_on_postgresql(element: utc_day, compiler: Any, **options: Any) -> str:
    return f"to_char({compiler.process(element.clauses, **options)} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
