"""Executions in commit order, for the history's export."""

from collections.abc import Sequence
from typing import Protocol

from core.domain.position import Execution


class ExportFeed(Protocol):
    """The executions in the order in which they were committed, and how far they were exported. Raises LedgerUnavailable."""

    async def position(self) -> int:
        """The number of the last execution that was exported; 0 before the first."""
        ...

    async def after(self, position: int, limit: int) -> Sequence[tuple[int, Execution]]:
        """The next executions with their numbers."""
        ...

    async def count_after(self, position: int) -> int: ...

    async def exported(self, position: int) -> None:
        """Remembers that everything up to `position` is in the history."""
        ...
