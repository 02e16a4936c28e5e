"""Exit plans as people type them: `stop 5% target 10%`. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from bot.commands.arguments.amounts import read_number
from core.domain.exit_plan import Breakeven, ExitPlan, Level, StopLoss, Target, Trailing
from core.domain.money import HUNDRED, parse_decimal
from core.policy.exits.plan_text import OFF, breakeven

USAGE = "[stop 5%] [target 10%] [trail 2%]"
STOP, TARGET, BREAKEVEN, TRAIL = "stop", "target", "breakeven", "trail"
NAMES = frozenset({STOP, TARGET, BREAKEVEN, TRAIL})
_ONE_DISTANCE = re.compile(r"\d+,\d+%", re.ASCII)  # 1,5%: without shares there is but one target


@dataclass(frozen=True, slots=True)
class ExitWords:
    """The exits that somebody named; what is not among `named` stays as it is. `to_breakeven`: the stop goes to breakeven."""

    exits: ExitPlan
    named: frozenset[str]
    to_breakeven: bool = False

    def applied(self, before: ExitPlan) -> ExitPlan:
        """Returns `before` with what was named. A breakeven stays only while there is a stop to move."""
        after = replace(
            before,
            stop=self.exits.stop if STOP in self.named else before.stop,
            targets=self.exits.targets if TARGET in self.named else before.targets,
            breakeven=self.exits.breakeven if BREAKEVEN in self.named else before.breakeven,
            trailing=self.exits.trailing if TRAIL in self.named else before.trailing,
        )
        lost = BREAKEVEN not in self.named and (after.stop is None or self.to_breakeven)
        return replace(after, breakeven=None) if lost else after


def exit_words(words: Sequence[str]) -> ExitWords | None:
    """Parses pairs of a name and a value, each at most once; None for anything else."""
    names = [word.lower() for word in words[::2]]
    if not names or len(words) % 2 or not set(names) <= NAMES or len(set(names)) < len(names):
        return None
    given = dict(zip(names, (word.lower() for word in words[1::2]), strict=True))
    to_breakeven = given.get(STOP) == BREAKEVEN
    try:
        exits = ExitPlan(
            None if to_breakeven else _stop(given.get(STOP, OFF)),
            tuple(_targets(given.get(TARGET, OFF))),
            _breakeven(given.get(BREAKEVEN, OFF)),
            trailing=_trailing(given.get(TRAIL, OFF)),
        )
    except ValueError:
        return None
    return ExitWords(exits, frozenset(names), to_breakeven)


def _stop(text: str) -> StopLoss | None:
    return None if text == OFF else StopLoss(_level(text))


def _targets(text: str) -> Iterator[Target]:
    if text == OFF:
        return
    parts = [text] if ":" not in text and _ONE_DISTANCE.fullmatch(text) else text.split(",")
    for part in parts:
        at, colon, share = part.partition(":")
        if not colon and len(parts) > 1:
            raise ValueError("a target without a share")
        yield Target(_level(at), parse_decimal(share.removesuffix("%")) if colon else HUNDRED)


def _breakeven(text: str) -> Breakeven | None:
    return breakeven(text.removesuffix("%").replace(",", "."))


def _trailing(text: str) -> Trailing | None:
    return None if text == OFF else Trailing(_number(text.removesuffix("%")))


def _level(text: str) -> Level:
    """Reads `5%` as a distance from the entry, any other number as a price."""
    return Level(pct=_number(text[:-1])) if text.endswith("%") else Level(price=_number(text))


def _number(text: str) -> Decimal:
    number = read_number(text)
    if number <= 0:
        raise ValueError("not above zero")
    return number
