"""The urgency of an event."""

from enum import IntEnum


class Priority(IntEnum):
    """Urgent is sent before everything else; chatty is sent silently; what is to be gathered is told when no more of it comes;
    what a pause kept from being traded is told folded, once a minute at most."""

    URGENT = 0
    NORMAL = 1
    CHATTY = 2
    GATHERED = 3
    PAUSED = 4
