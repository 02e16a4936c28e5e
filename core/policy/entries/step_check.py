"""Checks the steps of an entry, and parses and writes them as settings do: `2.5:1,5:1.5`, per cent below the entry and multiple.
Pure."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from core.domain.dca_step import MOST_STEPS, DcaStep
from core.domain.money import HUNDRED, parse_decimal, plain
from core.domain.reasons import Reason, reason

MOST_TIMES = 100
"""The most times that a step may buy what the first entry has bought."""

_OFF = "off"


def check_steps(steps: Sequence[DcaStep]) -> Reason | None:
    """Returns why the steps are refused, None if they are sound."""
    return next(_faults(steps), None)


def _faults(steps: Sequence[DcaStep]) -> Iterator[Reason]:
    if not 1 <= len(steps) <= MOST_STEPS:
        yield reason("steps_count", found=len(steps), limit=MOST_STEPS)
    for number, step in enumerate(steps, 1):
        if not 0 < step.pct < HUNDRED:
            yield reason("step_pct", number=number, found=plain(step.pct))
        if not 0 < step.factor <= MOST_TIMES:
            yield reason("step_factor", number=number, found=plain(step.factor), limit=MOST_TIMES)
    for number, (before, step) in enumerate(pairwise(steps), 2):
        if step.pct <= before.pct:
            yield reason("step_order", number=number, found=plain(step.pct), before=plain(before.pct))


def steps(text: str) -> tuple[DcaStep, ...]:
    """Parses steps; none for `off`. One that names no multiple buys as much as the first entry. Raises ValueError."""
    if text.strip().casefold() == _OFF:
        return ()
    found = tuple(_step(*part.partition(":")) for part in text.split(","))
    if (why := check_steps(found)) is not None:
        raise ValueError(str(why))
    return found


def _step(pct: str, colon: str, factor: str) -> DcaStep:
    below = parse_decimal(pct.strip())
    return DcaStep(below, parse_decimal(factor.strip())) if colon else DcaStep(below)


def written_steps(found: Sequence[DcaStep]) -> str:
    """Returns steps of the settings as `steps` parses them; empty for none."""
    return ",".join(plain(step.pct) + (f":{plain(step.factor)}" if step.factor != 1 else "") for step in found)
