"""A limit that a person set in the chat, overriding the setting of that name."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LimitSet:
    """A limit set in the chat. `name` is the setting's; `value` is written as the setting's, None restores the setting's own
    value. `asset` is the report asset at that time, if it is an amount of it (empty for others, and by an older version)."""

    name: str
    value: str | None
    changed_by: str
    changed_at: datetime
    asset: str = ""
