"""Stores messages that a timer finds due at every look, each of them once."""

from collections.abc import Awaitable, Callable, Sequence

import structlog

from core.domain.errors import LedgerUnavailable
from core.domain.messages import Message

log = structlog.get_logger(__name__)

Put = Callable[[Sequence[Message]], Awaitable[object]]


class DueMessages:
    """Puts messages into the inbox, and remembers which of those still due are there already."""

    def __init__(self, put: Put) -> None:
        """Builds it. `put` stores messages, each once by its identity; it raises LedgerUnavailable."""
        self._put = put
        self._stored: set[str] = set()

    async def store(self, messages: Sequence[Message], *, failed: str) -> None:
        """Stores those of `messages`, all that are due now, that are not stored yet. Logs `failed` while the ledger is away: the
        next look tries again."""
        self._stored &= {message.source_id for message in messages}
        new = [message for message in messages if message.source_id not in self._stored]
        if not new:
            return
        try:
            await self._put(new)
        except LedgerUnavailable as error:
            log.error(failed, count=len(new), error=str(error))
        else:
            self._stored |= {message.source_id for message in new}
