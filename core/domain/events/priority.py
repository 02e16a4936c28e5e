"""The urgency of an event."""

from enum import IntEnum


class Priority(IntEnum):
    """Urgent events are sent before everything else, chatty ones silently; gathered ones when no more of them come; signals
    that a pause held up are sent folded, once a minute at most."""

    URGENT = 0
    NORMAL = 1
    CHATTY = 2
    GATHERED = 3
    PAUSED = 4
