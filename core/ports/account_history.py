"""The account's past, as the exchange keeps it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from core.domain.order import ExecutionReport


class AccountHistory(Protocol):
    """The venue's own records of the past."""

    async def orders_between(self, symbol: str, since: datetime, until: datetime) -> Sequence[ExecutionReport]:
        """Returns every order of `symbol`, ours or not, last changed at or after `since` and before `until`, with its fills.
        Raises ExchangeUnavailable."""
        ...
