"""Values of settings as people type them: `5 %`, `500 USDC`, `1,5`, `10m`. Pure."""

import re
from collections.abc import Sequence

from bot.commands.arguments.amounts import PER_CENT, UnreadAmount, typed_amount
from bot.commands.arguments.durations import read_length
from core.domain.money import plain
from core.policy.exits.plan_text import OFF
from core.policy.risk.limits import SETTABLE_LIMITS, is_good, is_length

DEFAULT = "default"
_IN_PER_CENT = frozenset({"per_cent", "per_cent_off", "stop", "activation", "breakeven"})
_SECONDS = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(?:s|sec|с|сек)", re.ASCII | re.IGNORECASE)
_SPACE = re.compile(r"(?<=[\d]) (?=[^\W\d])|(?<=[,;:]) ")  # before a unit, and within a list; never between two numbers
_NO = frozenset({"off", "none", "no"})
_MAY_BE_OFF = frozenset({"stop", "targets", "steps", "breakeven", "time_limit", "activation"})


def read_value(name: str, words: Sequence[str], asset: str) -> str:
    """Returns the value of the setting `name` as it is written. An amount is in `asset`, where that is not empty. Raises
    UnreadAmount, with why where there is more to say than that it is not valid."""
    kind, text = SETTABLE_LIMITS[name].kind, " ".join(words)
    if text.lower() in _NO and (kind in _MAY_BE_OFF or kind.endswith("_off")):
        return OFF
    value = _read(name, kind, words, asset)
    if not is_good(name, value):
        raise UnreadAmount
    return value


def _read(name: str, kind: str, words: Sequence[str], asset: str) -> str:
    text = _SPACE.sub("", " ".join(words))
    if is_length(name) and (length := read_length(text)) is not None:
        return f"{length.total_seconds():.0f}"
    if is_length(name) and (seconds := _SECONDS.fullmatch(text)) is not None:
        return seconds[1]
    if is_good(name, text):
        return text
    if kind == "amount":
        typed = typed_amount(words)
        if typed.unit and not (asset and typed.is_in(asset)):
            raise UnreadAmount("amount.unit", unit=typed.unit, known=asset or "–")
        return plain(typed.number)
    if kind in _IN_PER_CENT:
        typed = typed_amount(words)
        if typed.unit not in ("", PER_CENT):
            raise UnreadAmount("amount.unit", unit=typed.unit, known=PER_CENT)
        return plain(typed.number)
    return text.replace(PER_CENT, "")
