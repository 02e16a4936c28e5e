"""The choice for an entry whose exit plan cannot rest on the exchange."""

from enum import StrEnum


class ProtectionPolicy(StrEnum):
    """Buys all the same and watches the market in the process, or refuses the entry."""

    BEST_EFFORT = "best_effort"
    REQUIRED = "required"
