"""The outbox: committed events and each recipient's delivery cursor."""

from collections.abc import Sequence
from typing import Protocol

from core.domain.delivery import Delivery, Told
from core.domain.outbox_item import OutboxItem


class Outbox(Protocol):
    """The events in the order in which they were committed, and how far each reader was told. Raises LedgerUnavailable."""

    async def told(self, reader: str) -> Told | None:
        """How far `reader` was told; None for one that was never told anything."""
        ...

    async def newest(self) -> Told:
        """The last events there are."""
        ...

    async def waiting(self, told: Told, limit: int) -> Sequence[OutboxItem]:
        """The events after `told`: by priority, then by seq, at most `limit` of each priority."""
        ...

    async def keep_told(self, reader: str, told: Told, delivery: Delivery | None = None) -> None:
        """Remembers how far `reader` was told and, in the same commit, which message told the last of it."""
        ...

    async def question_message(self, chat_id: int, question: int) -> int | None:
        """The message of a chat that asks about the signal with the inbox seq `question`; None where there is none."""
        ...

    async def pending(self, told: Told) -> int:
        """How many events come after `told`."""
        ...

    async def news(self, seen: int) -> int:
        """Returns the number of the last news, at once where it is not `seen`, else when there is some; never polls."""
        ...
