"""The executions' lasting copy outside of the ledger."""

from collections.abc import Sequence
from typing import Protocol

from core.domain.position import Execution


class History(Protocol):
    """Where executions are kept for good, outside of the ledger (Snowflake)."""

    async def keep(self, executions: Sequence[Execution]) -> bool:
        """Takes them, each once however often it comes; a row that is there already becomes what it is now. True where there was
        nothing at all before: what was brought at other times is not there. Raises HistoryUnavailable: then some may be there,
        and all must be brought again; so too where another trading mode's executions are kept there."""
        ...
