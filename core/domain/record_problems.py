"""Groups the problems of unreadable records by kind: a digest of ten thousand must not hide the one that matters."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from core.domain.messages import DeadLetter
from core.domain.reasons import Reason

_MOST_KINDS = 12
# The parts that differ between two records with the same fault: the values, and their place in the record.
_VALUES = re.compile(r"'.*'|-?\d[\d.,]*(?:\.\.\.)?")


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """A number of records of a `source` with the same fault; `problem`, `reason` and `position` are those of the first. Without a
    `problem`: all those that found no room in a list."""

    source: str
    position: str
    problem: str
    count: int
    reason: Reason | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Returns a key that all records of this kind share."""
        return self.source, _VALUES.sub("…", self.problem)


def kinds_of(letters: Sequence[DeadLetter]) -> tuple[ProblemKind, ...]:
    """Returns the kinds of problem among `letters`, in order of appearance."""
    return merged(ProblemKind(one.source, one.position, one.problem, 1, one.reason) for one in letters)


def merged(kinds: Iterable[ProblemKind]) -> tuple[ProblemKind, ...]:
    """Returns `kinds` with equal keys added up; if there are very many, the last ones are combined."""
    found: dict[tuple[str, str], ProblemKind] = {}
    for kind in kinds:
        key = kind.key
        if key not in found and len(found) >= _MOST_KINDS:
            kind, key = ProblemKind("", "", "", kind.count), ("", "")  # noqa: PLW2901
        known = found.get(key)
        found[key] = replace(known, count=known.count + kind.count) if known is not None else kind
    return tuple(found.values())
