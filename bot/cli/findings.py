"""Shows the findings of `marketflow check`, for people by line and for programs as JSON."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass
from enum import StrEnum

Say = Callable[[str], None]


class Level(StrEnum):
    """Grades a part: `warn` is no fault, and probably not intended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of what was found in a part."""

    level: Level
    part: str
    text: str

    def __str__(self) -> str:
        level = "FAIL" if self.level is Level.FAIL else str(self.level)
        return f"{level:5} {self.part:9} {self.text}"


async def as_lines(findings: AsyncIterator[Finding], say: Say) -> bool:
    """Says each finding as soon as it is there; returns True when all parts are well."""
    well = True
    async for one in findings:
        say(str(one))
        well = well and one.level is not Level.FAIL
    return well


async def as_json(findings: AsyncIterator[Finding], say: Say) -> bool:
    """Says all findings in one JSON document, `{"well": ..., "findings": [{"level", "part", "text"}]}`; returns `well`."""
    found = [one async for one in findings]
    well = all(one.level is not Level.FAIL for one in found)
    say(json.dumps({"well": well, "findings": [asdict(one) for one in found]}, ensure_ascii=False, indent=2))
    return well
