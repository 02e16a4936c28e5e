"""Durations as people type them, and units that stand apart from their number. Pure."""

import re
from collections.abc import Sequence
from datetime import timedelta

_LENGTH = re.compile(r"(\d{1,4})(m|min|h|d)", re.IGNORECASE | re.ASCII)
_UNITS = {"m": timedelta(minutes=1), "min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def read_length(text: str) -> timedelta | None:
    """Parses `30m`, `2h` or `1d`; None for anything else, and for zero."""
    match = _LENGTH.fullmatch(text)
    if match is None:
        return None
    return int(match[1]) * _UNITS[match[2].lower()] or None


_AS_TYPED = frozenset({"why"})  # an id may be any word
_WITH_LENGTHS = frozenset({"pause", "mute", "heartbeat"})  # elsewhere H and M may be assets
_WORDS = {"min": "min", "mins": "min", "minute": "min", "minutes": "min", "m": "m"}
_WORDS |= {"h": "h", "hour": "h", "hours": "h", "d": "d", "day": "d", "days": "d"}
_NUMBER = re.compile(r"\d{1,9}(?:[.,]\d{1,9})?", re.ASCII)


def with_units(command: str, words: Sequence[str]) -> list[str]:
    """Returns the arguments of `command` with a per cent sign, or a unit of time, joined to the number before it."""
    read: list[str] = []
    for word in words:
        unit = "%" if word == "%" else _WORDS.get(word.lower()) if command in _WITH_LENGTHS else None
        if command not in _AS_TYPED and unit is not None and read and _NUMBER.fullmatch(read[-1]):
            read[-1] += unit
        else:
            read.append(word)
    return read
