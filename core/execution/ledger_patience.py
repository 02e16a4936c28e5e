"""Asks the ledger until it answers: what has happened in the world waits for it, and is not given up."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from core.domain.errors import LedgerUnavailable
from core.ports.clock import Clock

T = TypeVar("T")

log = structlog.get_logger(__name__)

LEDGER_PAUSE_SECONDS = 1.0


async def until_answered(ask: Callable[[], Awaitable[T]], clock: Clock, *, failed: str) -> T:
    """Returns what `ask` returns once the ledger is there; until then each failure is logged as `failed`."""
    while True:
        try:
            return await ask()
        except LedgerUnavailable as error:
            log.error("the ledger is not there; retrying", failed=failed, error=str(error))
            await clock.sleep(LEDGER_PAUSE_SECONDS)
