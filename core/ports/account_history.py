"""The account's past, as the exchange keeps it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from core.domain.order import ExecutionReport


class AccountHistory(Protocol):
    """What the venue itself keeps of a time past."""

    async def orders_between(self, symbol: str, since: datetime, until: datetime) -> Sequence[ExecutionReport]:
        """Every order of `symbol`, ours or not, that was last changed from `since` on and before `until`, with its fills. Raises
        ExchangeUnavailable."""
        ...
