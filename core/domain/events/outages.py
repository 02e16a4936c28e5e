"""Events about parts that went away and came back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from core.domain.events.priority import Priority
from core.domain.reasons import Reason
from core.domain.signal import Signal


@dataclass(frozen=True, slots=True)
class PartTroubled:
    """A part of the system went away (`recovered` False) or came back (True): `part` is `kafka`, `exchange` or `ledger`; `detail`
    carries no secret."""

    part: str
    recovered: bool
    detail: str
    kind: Literal["part"] = "part"
    priority: Priority = Priority.URGENT


@dataclass(frozen=True, slots=True)
class ExitOfOutage:
    """An exit that came while a part was away: `became` is `sold`, `refused` or `failed`, and `reason` why."""

    signal: Signal
    became: str
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class OutageOver:
    """The results of the exits that came while `part` was away, from `since` until `until`."""

    part: str
    since: datetime
    until: datetime
    exits: tuple[ExitOfOutage, ...]
    kind: Literal["outage_over"] = "outage_over"
    priority: Priority = Priority.URGENT
