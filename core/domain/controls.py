"""What the owner has set: whether trading is paused and how a signal is acted upon. Kept in the ledger, so a restart keeps it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Pause(StrEnum):
    """`ENTRIES` still lets positions be closed by signals; `ALL` trades nothing."""

    OFF = "off"
    ENTRIES = "entries"
    ALL = "all"


class Mode(StrEnum):
    """`AUTO` executes at once, `CONFIRM` asks before each trade, `OBSERVE` tells and never trades."""

    AUTO = "auto"
    CONFIRM = "confirm"
    OBSERVE = "observe"


@dataclass(frozen=True, slots=True)
class Controls:
    """The present setting and who changed it last, when."""

    pause: Pause = Pause.OFF
    mode: Mode = Mode.AUTO
    changed_by: str = ""
    changed_at: datetime | None = None
