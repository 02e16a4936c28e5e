"""Events as they stand in the outbox."""

from dataclasses import dataclass
from datetime import datetime

from core.domain.events.table import Event


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """An event waiting to be sent; `seq` orders them, `at` is when it happened."""

    seq: int
    at: datetime
    event: Event
