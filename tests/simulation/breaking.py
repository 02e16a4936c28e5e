"""Makes a wrong program of the right one by swapping one name."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from core.adapters.ledger.sql_ledger import SqlLedger
from core.records.ledger_state import LedgerState

Variant = Callable[[], Any]


@contextmanager
def patched(*patches: Any) -> Iterator[None]:
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in patches:
            one.stop()


def swap(owner: Any, name: str, new: Any) -> Variant:
    return lambda: patched(patch.object(owner, name, new))


def loads(change: Callable[[LedgerState], LedgerState]) -> Variant:
    """Starts with something other than the ledger's content."""
    load = SqlLedger.load

    async def wrong(self: SqlLedger, today: str) -> LedgerState:
        return change(await load(self, today))

    return swap(SqlLedger, "load", wrong)
