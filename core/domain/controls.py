"""What the owner has set: whether trading is paused and how a signal is acted upon. Kept in the ledger, so a restart keeps it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.domain.money import ZERO


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
class Asking:
    """Which trades are asked about in CONFIRM: those worth more than `above` in their quote asset, but not those of the signal
    types `besides`."""

    above: Decimal = ZERO
    besides: frozenset[str] = frozenset()

    def about(self, signal_type: str, notional: Decimal) -> bool:
        """Whether a person is asked before this."""
        return signal_type not in self.besides and notional > self.above


EVERYTHING = Asking()


@dataclass(frozen=True, slots=True)
class Panic:
    """One that is not over yet: the identity of the tap that confirmed it, and the person."""

    source_id: str
    user_id: int
    who: str


@dataclass(frozen=True, slots=True)
class Controls:
    """The present setting and who changed it last, when. A pause ends by itself at `until`; None: when somebody ends it. `panic`
    is on until everything is sold, or its pause is ended."""

    pause: Pause = Pause.OFF
    mode: Mode = Mode.AUTO
    changed_by: str = ""
    changed_at: datetime | None = None
    until: datetime | None = None
    asking: Asking = EVERYTHING
    panic: Panic | None = None
