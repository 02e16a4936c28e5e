"""The orders of an exit plan, and their client order ids: each follows from its entry's, and is used for one order only."""

import re
from dataclasses import dataclass
from enum import StrEnum

from core.domain.signal import OUR_PREFIX

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_IN_TWO_DIGITS = len(_DIGITS) ** 2
_NUMBERS = 5
MOST_GENERATIONS = _IN_TWO_DIGITS * ((len(_DIGITS) - 1) // _NUMBERS)
_ID = re.compile(rf"({OUR_PREFIX}[0-9a-f]{{29}})([A-Z])([1-9a-z])([0-9a-z]{{2}})", re.ASCII)


class LegKind(StrEnum):
    """The part of an order in its plan; the value is its letter in the client order id."""

    LIST = "L"
    TARGET = "T"
    STOP = "S"
    EXIT = "X"
    ENTRY = "E"


@dataclass(frozen=True, slots=True)
class PlanLeg:
    """One order of a plan. `plan_id` is the client order id of the entry, whose own replacements are legs too; targets, their
    stops and their lists carry their `number`, from 1 to 5. Each replacement is of the next `generation`."""

    plan_id: str
    kind: LegKind
    number: int = 1
    generation: int = 0

    @property
    def client_order_id(self) -> str:
        """Returns its client order id: 36 characters, the most that the exchange takes. The digit of the number counts on where
        two digits do not hold the generation."""
        more, generation = divmod(self.generation, _IN_TWO_DIGITS)
        high, low = divmod(generation, len(_DIGITS))
        return f"{self.plan_id}{self.kind}{_DIGITS[self.number + _NUMBERS * more]}{_DIGITS[high]}{_DIGITS[low]}"


def leg_of(client_order_id: str) -> PlanLeg | None:
    """Returns the leg that a client order id names; None for any other order."""
    found = _ID.fullmatch(client_order_id)
    if found is None or found[2] not in {kind.value for kind in LegKind}:
        return None
    more, number = divmod(_DIGITS.index(found[3]) - 1, _NUMBERS)
    return PlanLeg(found[1], LegKind(found[2]), number + 1, more * _IN_TWO_DIGITS + int(found[4], len(_DIGITS)))
