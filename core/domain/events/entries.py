"""Events about entries that rest at a limit."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from core.domain.events.priority import Priority
from core.domain.money import ZERO
from core.domain.order import Order


@dataclass(frozen=True, slots=True)
class EntryRests:
    """An entry waits on the exchange at its limit, until `order.expires_at`. Its end is reported as well."""

    order: Order
    kind: Literal["entry_rests"] = "entry_rests"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class EntryFilledPartly:
    """An entry that rests has begun to fill; `held` is the position now, in base asset."""

    order: Order
    held: Decimal
    kind: Literal["entry_filled_partly"] = "entry_filled_partly"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class EntryChased:
    """The time of `order` was over: `following` is sent for what it did not buy."""

    order: Order
    following: Order
    kind: Literal["entry_chased"] = "entry_chased"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class EntryMissed:
    """An entry at a limit ended without a fill of its own; `order.reason` says why. `held` is what was bought before by the same
    entry (base asset): its plan goes on with that."""

    order: Order
    held: Decimal = ZERO
    kind: Literal["entry_missed"] = "entry_missed"
    priority: Priority = Priority.NORMAL
