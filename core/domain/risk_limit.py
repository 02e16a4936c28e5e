"""A limit that a person set in the chat, in place of the setting of that name."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LimitSet:
    """`name` is the setting's; `value` is written as the setting's, None where the setting's own value is in force again. `asset`
    is the report asset that it was said in, where it is an amount of it (empty for others, and by an older version)."""

    name: str
    value: str | None
    changed_by: str
    changed_at: datetime
    asset: str = ""
