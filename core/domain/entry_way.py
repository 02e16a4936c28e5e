"""The ways in which an entry that has an exit plan reaches the exchange."""

from enum import StrEnum


class EntryWay(StrEnum):
    """The way of an entry that has a plan: `TOGETHER` with its exits in one request, bought whole or not at all; otherwise they
    follow once it has filled, for the reason that the name tells."""

    TOGETHER = "together"
    AT_MARKET = "at_market"
    NOT_ALLOWED = "not_allowed"
    PARTS = "parts"
    REMAINDER = "remainder"
    SHARED = "shared"
    UNFIT = "unfit"
