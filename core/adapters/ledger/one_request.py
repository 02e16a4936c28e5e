"""One transaction in one request: PostgreSQL executes all of its statements as the parts of a single one, which commits by
itself, where each of them alone is a way to the server and back.

https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-MODIFYING: the parts are executed with the same snapshot
and do not see each other's rows; foreign keys are checked at the end.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from core.adapters.ledger.driver_statement import DriverStatement, failed
from core.adapters.ledger.row import Row

_DIVIDED_BY_ZERO = "22012"
_SHAPES = 500  # texts that are kept: they differ by the tables that are written
_PLACE = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True)
class Part:
    """A statement and its rows. `is_counted`: each of them has to be written, or nothing is."""

    statement: DriverStatement
    rows: Sequence[Row]
    is_counted: bool = False


def commit(connection: Connection, parts: Sequence[Part]) -> bool:
    """Executes and commits `parts`, none of which is without rows; no transaction has begun on `connection`. Returns False if
    nothing was written, because a counted row was not. Raises DBAPIError, and what the network raises: then nobody knows."""
    compiled = [part.statement.compiled(connection.dialect, part.rows[0]) for part in parts]
    text = _as_one(tuple((one.text, len(one.places), part.is_counted) for one, part in zip(compiled, parts, strict=True)))
    values: list[Any] = []
    for one, part in zip(compiled, parts, strict=True):
        (parameters,) = one.parameters(part.rows)
        values += parameters
    values.append([len(part.rows) for part in parts if part.is_counted])
    try:
        connection.connection.run_async(lambda driver: driver.fetch(text, *values))
    except Exception as error:
        if getattr(error, "sqlstate", None) == _DIVIDED_BY_ZERO:
            return False
        raise failed(text, error) from error
    return True


@lru_cache(_SHAPES)
def _as_one(parts: tuple[tuple[str, int, bool], ...]) -> str:
    """Returns the statement of all parts, each given by its text, its number of places, and whether its rows are counted. It
    divides by zero where other numbers of rows were written than its last parameter says: that undoes all of it."""
    named, counts, places = [], [], 0
    for number, (text, own, is_counted) in enumerate(parts):
        moved = _moved(text, places)
        if is_counted:
            counts.append(f"(SELECT count(*) FROM p{number})")  # noqa: S608 - the name is a number of ours
            moved += "" if " RETURNING " in text else " RETURNING 1"
        named.append(f"p{number} AS ({moved})")
        places += own
    return f"WITH {', '.join(named)} SELECT 1 / (ARRAY[{', '.join(counts)}] = ${places + 1}::BIGINT[])::int"


def _moved(text: str, by: int) -> str:
    """Returns a statement whose places begin `by` later."""
    return _PLACE.sub(lambda found: f"${int(found[1]) + by}", text)
