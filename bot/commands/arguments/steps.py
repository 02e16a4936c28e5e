"""Steps below an entry as people type them: `steps 3% 6%:1.5`. Pure."""

import re
from collections.abc import Sequence
from decimal import Decimal

from core.domain.dca_step import DcaStep
from core.domain.money import parse_decimal
from core.policy.exits.plan_text import OFF

STEPS = "steps"
USAGE = "[steps 3% 6%]"
_BETWEEN = re.compile(r"(?<=%)[,;]")
_STEP = re.compile(r"-?(\d{1,6}(?:[.,]\d{1,6})?)%(?:[:x*×х](\d{1,6}(?:[.,]\d{1,6})?))?", re.ASCII)
"""Per cent below the entry, and how many times what that buys; the Cyrillic letter is the one that a Russian keyboard has."""


class UnreadStep(ValueError):
    """Raised for a word that is no step."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


def step_words(words: Sequence[str]) -> tuple[DcaStep, ...]:
    """Parses the words that follow `steps`; none for `off`. Raises UnreadStep: whether the steps make sense is checked apart."""
    if [word.lower() for word in words] == [OFF]:
        return ()
    parts = [part for word in words for part in _BETWEEN.split(word) if part]
    if not parts:
        raise UnreadStep("")
    return tuple(_step(part) for part in parts)


def _step(text: str) -> DcaStep:
    found = _STEP.fullmatch(text.lower())
    if found is None:
        raise UnreadStep(text)
    return DcaStep(_number(found[1])) if found[2] is None else DcaStep(_number(found[1]), _number(found[2]))


def _number(text: str) -> Decimal:
    return parse_decimal(text.replace(",", "."))
