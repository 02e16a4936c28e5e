"""Durations as people type them. Pure."""

import re
from datetime import timedelta

_LENGTH = re.compile(r"(\d{1,4})(m|min|h|d)", re.IGNORECASE | re.ASCII)
_UNITS = {"m": timedelta(minutes=1), "min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def read_length(text: str) -> timedelta | None:
    """Parses `30m`, `2h` or `1d`; None for anything else, and for zero."""
    match = _LENGTH.fullmatch(text)
    if match is None:
        return None
    return int(match[1]) * _UNITS[match[2].lower()] or None
