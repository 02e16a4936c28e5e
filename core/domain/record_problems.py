"""What is wrong with records that are no signals, by kind: a digest of ten thousand must not hide the one that matters."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from core.domain.messages import DeadLetter
from core.domain.reasons import Reason

_MOST_KINDS = 12
# What differs between two records with the same fault: the values, and where in the record they stand.
_VALUES = re.compile(r"'.*'|-?\d[\d.,]*(?:\.\.\.)?")


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """So many records of a `source` have the same wrong with them; `problem`, `reason` and `position` are
    those of the first. Without a `problem` these are all that found no room in a list."""

    source: str
    position: str
    problem: str
    count: int
    reason: Reason | None = None

    @property
    def key(self) -> tuple[str, str]:
        """The same for all records of this kind."""
        return self.source, _VALUES.sub("…", self.problem)


def kinds_of(letters: Sequence[DeadLetter]) -> tuple[ProblemKind, ...]:
    """The kinds of problem among `letters`, in the order in which they came."""
    return merged(ProblemKind(one.source, one.position, one.problem, 1, one.reason) for one in letters)


def merged(kinds: Iterable[ProblemKind]) -> tuple[ProblemKind, ...]:
    """`kinds` with those of one key added up; of a great many the last ones stand together."""
    found: dict[tuple[str, str], ProblemKind] = {}
    for kind in kinds:
        key = kind.key
        if key not in found and len(found) >= _MOST_KINDS:
            kind, key = ProblemKind("", "", "", kind.count), ("", "")  # noqa: PLW2901
        known = found.get(key)
        found[key] = replace(known, count=known.count + kind.count) if known is not None else kind
    return tuple(found.values())
