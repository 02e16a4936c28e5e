"""Events about the daily comparison of all books."""

from dataclasses import dataclass, replace
from typing import Literal

from core.domain.daily_proof import Proof
from core.domain.events.priority import Priority

_NAMED = 20  # differences that an event carries


@dataclass(frozen=True, slots=True)
class DayProved:
    """All books of a day were compared. Made by `proved`: differences are urgent. `proof` names the first of them, `count` is how
    many there are."""

    proof: Proof
    count: int
    kind: Literal["day_proved"] = "day_proved"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class DayUnproved:
    """The books of a day could not be compared; `problem` carries no secret."""

    day: str
    problem: str
    kind: Literal["day_unproved"] = "day_unproved"
    priority: Priority = Priority.URGENT


def proved(proof: Proof) -> DayProved:
    """The event that tells a proof; differences are urgent."""
    count = len(proof.differences)
    first = replace(proof, differences=proof.differences[:_NAMED])
    return DayProved(first, count, priority=Priority.URGENT if count else Priority.NORMAL)
