"""Lengths of time as text, for every sentence that states an age or a wait. Pure."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

ENGLISH = ("d", "h", "min", "s")
_SIZES = (86_400, 3_600, 60, 1)


def in_units(seconds: str, units: Sequence[str] = ENGLISH) -> str:
    """Returns a length of time in its two largest units, of `units` from days to seconds: 4 d 2 h, 1 min 30 s, 2 h. Below a
    minute it keeps its decimals: 0.5 s. Text that is no number keeps its form too."""
    try:
        length = Decimal(seconds)
    except InvalidOperation:
        return f"{seconds} {units[-1]}"
    if not length.is_finite() or abs(length) < _SIZES[-2]:
        return f"{seconds} {units[-1]}"
    left, counts = int(abs(length)), []
    for size in _SIZES:
        count, left = divmod(left, size)
        counts.append(count)
    first = next(place for place, count in enumerate(counts) if count)
    shown = [f"{counts[place]} {units[place]}" for place in range(first, min(first + 2, len(units))) if counts[place]]
    sign = seconds[0] if seconds[0] in "+-" else ""
    return f"{sign}{' '.join(shown)}"
