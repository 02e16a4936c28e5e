"""Values that the buttons of a setting offer. Pure."""

from collections.abc import Iterator
from decimal import Decimal

from bot.texts import Texts
from bot.texts.figures import grouped
from core.policy.exits.plan_text import OFF
from core.policy.risk.limits import is_good, is_length

_BY_KIND = {
    "stop": ("2", "3", "5", "8", "off"),
    "targets": ("5", "10", "5:50,10:50", "off"),
    "steps": ("2.5", "2.5,5:1.5", "off"),
    "count": ("1", "2", "3", "5", "10"),
    "count_off": ("2", "3", "5", "off"),
    "per_cent_off": ("20", "40", "60", "80", "off"),
    "breakeven": ("target", "3", "5", "off"),
    "activation": ("1", "2", "3", "5", "off"),
}
_BY_NAME = {
    "SIGNAL_MAX_AGE": ("15", "30", "60", "120", "300"),
    "EXIT_MAX_AGE": ("300", "600", "900", "1800", "3600"),
    "APPROVAL_TTL": ("60", "120", "300", "600", "1800"),
    "COOLDOWN_AFTER_STOP": ("600", "1800", "3600", "14400", "off"),
    "TIME_LIMIT": ("3600", "14400", "86400", "604800", "off"),
    "PRICE_BAND_PCT": ("0.5", "1", "2", "3"),
    "PRICE_SANITY_PCT": ("10", "25", "50"),
    "MAX_DRAWDOWN_PCT": ("10", "15", "20", "30", "off"),
    "TRADE_EQUITY_PCT": ("2", "5", "10", "20"),
    "TRADE_RISK_PCT": ("0.5", "1", "2"),
}
_FACTORS = tuple(map(Decimal, ("0.5", "0.75", "1.5", "2")))
_IN_PER_CENT = frozenset({"per_cent", "per_cent_off", "stop", "activation", "targets", "steps", "breakeven"})
_LONGEST = 12


def choices(name: str, kind: str, value: str) -> list[str]:
    """Returns the values that the buttons of the setting `name` offer, as it is written: not the one in force, `value`; for an
    amount its half, three quarters, one and a half times, and its double."""
    offered = _BY_NAME.get(name) or _BY_KIND.get(kind)
    if offered is not None:
        return [each for each in offered if not _is_same(each, value or OFF)]
    return list(_multiples(name, value))


def _is_same(choice: str, value: str) -> bool:
    try:
        return Decimal(choice) == Decimal(value)
    except ArithmeticError:  # a word or a list
        return choice == value


def _multiples(name: str, value: str) -> Iterator[str]:
    try:
        number = Decimal(value)
    except ArithmeticError:  # there is none
        return
    for each in _FACTORS:
        found = f"{(number * each).normalize():f}"
        if is_good(name, found) and len(found) <= _LONGEST:
            yield found


def label(name: str, kind: str, value: str, texts: Texts) -> str:
    """Returns a value as a button says it: with its per cent sign, or as a length of time."""
    if value == OFF:
        return texts("settings.off")
    if is_length(name):
        return texts.length(value)
    if not value.replace(".", "").isdigit():  # a word, or a list with its own commas
        return value
    return texts.figure(grouped(value)) + ("%" if kind in _IN_PER_CENT else "")
