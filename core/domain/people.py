"""Who may do what, in rising order of rights."""

from enum import IntEnum


class Role(IntEnum):
    """A viewer asks, a trader also decides and trades, an owner may do everything. Whoever has none gets no answer."""

    VIEWER = 1
    TRADER = 2
    OWNER = 3
