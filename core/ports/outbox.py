"""The outbox: committed events and each recipient's delivery cursor."""

from collections.abc import Sequence
from typing import Protocol

from core.domain.delivery import Delivery, DeliveryCursor
from core.domain.outbox_item import OutboxItem


class Outbox(Protocol):
    """The events in commit order, and each reader's delivery cursor. Raises LedgerUnavailable."""

    async def cursor(self, reader: str) -> DeliveryCursor | None:
        """Returns the delivery cursor of `reader`; None for one that has received nothing yet."""
        ...

    async def newest(self) -> DeliveryCursor:
        """Returns the cursor behind the last events."""
        ...

    async def waiting(self, cursor: DeliveryCursor, limit: int) -> Sequence[OutboxItem]:
        """Returns the events after `cursor`: by priority, then by seq, at most `limit` of each priority."""
        ...

    async def keep_cursor(self, reader: str, cursor: DeliveryCursor, delivery: Delivery | None = None) -> None:
        """Stores the delivery cursor of `reader` and, in the same commit, which message delivered the last event."""
        ...

    async def question_message(self, chat_id: int, question: int) -> int | None:
        """Returns the message of a chat that asks for approval of the signal with the inbox seq `question`; None if there is
        none."""
        ...

    async def pending(self, cursor: DeliveryCursor) -> int:
        """Counts the events after `cursor`."""
        ...

    async def news(self, seen: int) -> int:
        """Returns the number of the newest events, at once if it is not `seen`, else when there are some; never polls."""
        ...
