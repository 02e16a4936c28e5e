"""The questions of /whatif as people type them: `stop 3% target 10% size 50 7d`, `MAX_ENTRIES 3`. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.commands.arguments.amounts import PER_CENT, UnreadAmount, typed_amount
from bot.commands.arguments.durations import read_length
from bot.commands.arguments.setting_values import read_value
from core.domain.money import plain
from core.policy.risk.limits import SETTABLE_LIMITS

USAGE = "stop 3% | target 10% | size 50 | RULE VALUE [7d]"
_NAMES = {
    "stop": "STOP_LOSS_PCT",
    "target": "TAKE_PROFIT_PCT",
    "trail": "TRAILING_PCT",
    "breakeven": "BREAKEVEN_AFTER",
    "entries": "MAX_ENTRIES",
}
_SIZE = "size"
_USUAL, _LONGEST = timedelta(days=7), timedelta(days=90)


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A question: values of settings by name, as they are written, over the last `span`."""

    changes: Mapping[str, str]
    span: timedelta


def read_what_if(words: Sequence[str], report_asset: str) -> WhatIf | None:
    """Parses names of rules with their values, and at the end a length of time; None for anything else. Raises UnreadAmount."""
    span = read_length(words[-1]) if len(words) % 2 and len(words) > 1 else None
    if span is not None:
        words = words[:-1]
    changes: dict[str, str] = {}
    for group in _groups(words):
        if group is None:
            return None
        name, values = group
        if name == _SIZE:
            changes |= _size(values, report_asset)
        else:
            changes[name] = read_value(name, values, report_asset if SETTABLE_LIMITS[name].in_report_asset else "")
    if not changes:
        return None
    return WhatIf(changes, min(span or _USUAL, _LONGEST))


def _groups(words: Sequence[str]) -> list[tuple[str, list[str]] | None]:
    """Returns each rule with the words of its value; None in the place of what is none."""
    found: list[tuple[str, list[str]] | None] = []
    for word in words:
        name = _NAMES.get(word.lower(), word.lower() if word.lower() == _SIZE else word.upper())
        if name == _SIZE or name in SETTABLE_LIMITS:
            found.append((name, []))
        elif found and found[-1] is not None:
            found[-1][1].append(word)
        else:
            return [None]
    return [one if one is not None and one[1] else None for one in found]


def _size(words: Sequence[str], report_asset: str) -> Mapping[str, str]:
    """Returns the setting of a size: per cent of the equity, or an amount of the report asset."""
    typed = typed_amount(words)
    if typed.unit == PER_CENT:
        return {"TRADE_EQUITY_PCT": read_value("TRADE_EQUITY_PCT", [plain(typed.number)], "")}
    if typed.unit and not typed.is_in(report_asset):
        raise UnreadAmount("amount.unit", unit=typed.unit, known=report_asset)
    return {"TRADE_QUOTE": plain(typed.number)}
