"""The owner's settings: whether trading is paused and how signals are acted upon. Stored in the ledger, so they survive a
restart."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.domain.money import ZERO


class Pause(StrEnum):
    """The scope of a pause: `ENTRIES` still lets signals close positions; `ALL` trades nothing."""

    OFF = "off"
    ENTRIES = "entries"
    ALL = "all"


class Mode(StrEnum):
    """The trading mode: `AUTO` executes at once, `CONFIRM` asks before each trade, `OBSERVE` reports and never trades."""

    AUTO = "auto"
    CONFIRM = "confirm"
    OBSERVE = "observe"


@dataclass(frozen=True, slots=True)
class ApprovalPolicy:
    """The trades that need approval in CONFIRM: those worth more than `above` in the report asset, except those of the signal
    types `besides`. `asset` is the report asset in which `above` was set (empty: by an older version)."""

    above: Decimal = ZERO
    besides: frozenset[str] = frozenset()
    asset: str = ""

    def about(self, signal_type: str, worth: Decimal | None, report: str) -> bool:
        """Tells whether a person is asked before a trade that is worth `worth` of the asset `report`. A threshold in another
        asset exempts nothing. An exit of unknown worth waits for nobody, unless all trades need approval."""
        if signal_type in self.besides:
            return False
        above = self.threshold(report)
        return worth > above if worth is not None else not above

    def threshold(self, report: str) -> Decimal:
        """Returns the amount up to which nobody is asked, in the asset `report`."""
        return self.above if self.asset in {"", report} else ZERO


EVERYTHING = ApprovalPolicy()


@dataclass(frozen=True, slots=True)
class Panic:
    """A panic that is not over yet: the identity of the tap that confirmed it, and the person."""

    source_id: str
    user_id: int
    who: str


@dataclass(frozen=True, slots=True)
class TradingState:
    """The current settings, who changed them last, and when. A pause ends by itself at `until`; None: when somebody ends it.
    `panic` is on until everything is sold, or its pause is ended."""

    pause: Pause = Pause.OFF
    mode: Mode = Mode.AUTO
    changed_by: str = ""
    changed_at: datetime | None = None
    until: datetime | None = None
    asking: ApprovalPolicy = EVERYTHING
    panic: Panic | None = None
