"""Amounts as people type them: `50`, `50 USDC`, `50$`, `1,5`, `1k`, `5 %`. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from bot.commands.arguments.lookalikes import latin
from core.domain.assets import DOLLARS, EUROS
from core.domain.money import parse_decimal
from core.policy.risk.limits import MOST

PER_CENT = "%"
_TYPED = re.compile(
    r"(?P<sign>[$€]?)\s?(?P<number>[\d.,]+)(?P<thousands>[kк](?![^\W_]))?(?P<unit>[%$€]|[^\W\d_]\w*|\s[%$€]|\s\w+)?",
    re.IGNORECASE,
)
_NAMES = {"$": DOLLARS, "USD": DOLLARS, "€": EUROS, "EUR": EUROS}
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:,\d{3}){2,}", re.ASCII)
_EITHER = re.compile(r"[1-9]\d{0,2},\d{3}", re.ASCII)
_WITH_COMMA = re.compile(r"\d+,\d+", re.ASCII)


class UnreadAmount(ValueError):
    """Raised for words that are no amount. `key` names the text that says why, with its `params`; empty: they just are none."""

    def __init__(self, key: str = "", **params: str) -> None:
        super().__init__(key)
        self.key = key
        self.params = params


@dataclass(frozen=True, slots=True)
class TypedAmount:
    """An amount above zero with the unit that was named, in capitals: an asset, `%`, `$` or `€`; empty for none."""

    number: Decimal
    unit: str = ""

    def is_in(self, asset: str) -> bool:
        """Tells whether the unit names `asset`: `$` is any dollar coin."""
        return self.unit == asset or asset in _NAMES.get(self.unit, ())


def typed_amount(words: Sequence[str]) -> TypedAmount:
    """Parses an amount with or without its unit. Raises UnreadAmount."""
    text = " ".join(words)
    found = _TYPED.fullmatch(text)
    if found is None:
        raise UnreadAmount("amount.negative" if text.startswith(("-", "−", "–")) else "")
    number = read_number(found["number"]) * (1000 if found["thousands"] else 1)
    if number <= 0:
        raise UnreadAmount("amount.zero")
    if number >= MOST:
        raise UnreadAmount
    unit = latin((found["unit"] or "").strip())
    if found["sign"] and unit not in ("", found["sign"]):
        raise UnreadAmount
    return TypedAmount(number, unit or found["sign"])


def read_number(text: str) -> Decimal:
    """Parses digits with a decimal point or comma, or with commas between thousands. Raises UnreadAmount."""
    if _EITHER.fullmatch(text):
        raise UnreadAmount("amount.either", typed=text, thousands=text.replace(",", ""), decimal=text.replace(",", "."))
    plain = text.replace(",", "") if _GROUPED.fullmatch(text) else text
    try:
        return parse_decimal(plain.replace(",", ".") if _WITH_COMMA.fullmatch(plain) else plain)
    except ValueError:
        raise UnreadAmount from None
