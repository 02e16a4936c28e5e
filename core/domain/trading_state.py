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
class ApprovalPolicy:
    """Which trades are asked about in CONFIRM: those worth more than `above` in the report asset, but not those of the signal
    types `besides`. `asset` is the report asset that `above` was said in (empty: by an older version)."""

    above: Decimal = ZERO
    besides: frozenset[str] = frozenset()
    asset: str = ""

    def about(self, signal_type: str, worth: Decimal | None, report: str) -> bool:
        """Whether a person is asked before a trade that is `worth` so much of the asset `report`. What was said in another asset
        spares no question. An exit of which nobody knows what it is worth waits for nobody, unless all are asked about."""
        if signal_type in self.besides:
            return False
        above = self.threshold(report)
        return worth > above if worth is not None else not above

    def threshold(self, report: str) -> Decimal:
        """Up to what nobody is asked, in the asset `report`."""
        return self.above if self.asset in {"", report} else ZERO


EVERYTHING = ApprovalPolicy()


@dataclass(frozen=True, slots=True)
class Panic:
    """One that is not over yet: the identity of the tap that confirmed it, and the person."""

    source_id: str
    user_id: int
    who: str


@dataclass(frozen=True, slots=True)
class TradingState:
    """The present setting and who changed it last, when. A pause ends by itself at `until`; None: when somebody ends it. `panic`
    is on until everything is sold, or its pause is ended."""

    pause: Pause = Pause.OFF
    mode: Mode = Mode.AUTO
    changed_by: str = ""
    changed_at: datetime | None = None
    until: datetime | None = None
    asking: ApprovalPolicy = EVERYTHING
    panic: Panic | None = None
