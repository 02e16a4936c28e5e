"""The permanent copy of the executions, outside the ledger."""

from collections.abc import Sequence
from typing import Protocol

from core.domain.position import Execution


class History(Protocol):
    """The permanent store of executions, outside the ledger (Snowflake)."""

    async def keep(self, executions: Sequence[Execution]) -> bool:
        """Stores executions, each once however often it comes; an existing row is updated. Returns True if the store was empty
        before: what was stored at other times is missing there. Raises HistoryUnavailable: then some may be stored, and all must
        be sent again; also if it holds another trading mode's executions."""
        ...
