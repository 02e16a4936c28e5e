"""The row of the registry: how one table is written and loaded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from sqlalchemy import Select, Table

from core.adapters.ledger.row import Row


class Writing(Enum):
    """The ways of writing rows into a table: each replaces the row of its key, is skipped if that row exists, or is appended.
    `APART` tables have statements of their own, in `transaction` or `lease`."""

    REPLACE = auto()
    ADD = auto()
    APPEND = auto()
    APART = auto()


@dataclass(frozen=True, slots=True, eq=False)
class LedgerTable:
    """A table and its registration.

    `encode` makes a row of a domain value and `decode` the value of a row. `batch` names the field of `CommitBatch` whose
    values that `picks` chooses are written here; `state` the field of `LedgerState` that is loaded with the rows of `at_start`.
    `is_single`: both fields hold one value or None. A table that trading does not use has neither.
    """

    table: Table
    writing: Writing
    encode: Callable[[Any], Row] | None = None
    decode: Callable[[Mapping[str, Any]], Any] | None = None
    batch: str = ""
    state: str = ""
    at_start: Select[Any] | None = None
    picks: Callable[[Any], bool] = lambda _: True
    is_single: bool = False

    def rows_of(self, batch: object) -> list[Row]:
        """Returns the rows of a `CommitBatch`. Raises ValueError for what no ledger can hold."""
        if self.encode is None or not self.batch:
            return []
        found = getattr(batch, self.batch)
        if self.is_single:
            found = [] if found is None else [found]
        return [self.encode(value) for value in found if self.picks(value)] if found else []

    def loaded(self, rows: Sequence[Row]) -> object:
        """Returns the value of the `LedgerState` field that `rows`, the answer to `at_start`, stand for."""
        if self.decode is None:
            raise TypeError(f"rows of {self.table.name} cannot be loaded")
        values = [self.decode(row) for row in rows]
        if self.is_single:
            return values[0] if values else None
        return values
