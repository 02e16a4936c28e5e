"""Executions in commit order, for the history's export."""

from collections.abc import Sequence
from typing import Protocol

from core.domain.position import Execution


class ExportFeed(Protocol):
    """The executions in commit order, and the export's position. Raises LedgerUnavailable."""

    async def position(self) -> int:
        """Returns the number of the last exported execution; 0 before the first."""
        ...

    async def after(self, position: int, limit: int) -> Sequence[tuple[int, Execution]]:
        """Returns the next executions with their numbers."""
        ...

    async def count_after(self, position: int) -> int: ...

    async def exported(self, position: int) -> None:
        """Stores that everything up to `position` is in the history."""
        ...
