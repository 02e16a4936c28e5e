"""Events about the daily comparison of ledger, exchange and history."""

from dataclasses import dataclass, replace
from typing import Literal

from core.domain.daily_proof import Proof
from core.domain.events.priority import Priority

_NAMED = 20  # differences that an event names


@dataclass(frozen=True, slots=True)
class DayProved:
    """A day was reconciled. Made by `proved`: differences are urgent. `proof` names the first of them, `count` is their
    number."""

    proof: Proof
    count: int
    kind: Literal["day_proved"] = "day_proved"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class DayUnproved:
    """A day could not be reconciled; `problem` carries no secret."""

    day: str
    problem: str
    kind: Literal["day_unproved"] = "day_unproved"
    priority: Priority = Priority.URGENT


def proved(proof: Proof) -> DayProved:
    """Returns the event that reports a proof; differences are urgent."""
    count = len(proof.differences)
    first = replace(proof, differences=proof.differences[:_NAMED])
    return DayProved(first, count, priority=Priority.URGENT if count else Priority.NORMAL)
