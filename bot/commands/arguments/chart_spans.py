"""The time that a chart covers, and the length of its candles, as people type them. Pure."""

import re
from collections.abc import Sequence
from datetime import timedelta

from bot.commands.arguments.durations import read_length
from core.domain.candle import FEWEST, MOST, USUAL, Interval, Span, spanning

_NAMED = {"week": timedelta(weeks=1), "month": timedelta(days=30), "year": timedelta(days=365)}
_WEEKS = re.compile(r"(\d{1,3})w", re.IGNORECASE | re.ASCII)
_ALONE_A_PERIOD = frozenset({Interval.D3})  # where an interval and a period are written alike and nobody uses the interval
_LONGEST = timedelta(days=3_650)


def read_span(words: Sequence[str]) -> Span | None:
    """Parses a period (`7d`, `week`), a length of candles (`1h`, as the exchange has them), or one of each, the longer being the
    period. None for anything else, and for too few or too many candles."""
    lengths = [(word, period_of(word)) for word in words]
    if not 1 <= len(words) <= 2 or any(length is None or length > _LONGEST for _, length in lengths):
        return None
    by_length = sorted(((word, length) for word, length in lengths if length is not None), key=lambda one: one[1])
    interval, period = _interval(by_length[0][0]), by_length[-1][1]
    if len(words) == 1:
        if interval is None or interval in _ALONE_A_PERIOD:
            return spanning(period)
        return Span(interval.length * USUAL, interval)
    if interval is None or not FEWEST * interval.length <= period <= MOST * interval.length:
        return None
    return Span(period, interval)


def period_of(word: str) -> timedelta | None:
    """Returns a length of time: `24h`, `7d`, `2w`, `month`; None for anything else."""
    if match := _WEEKS.fullmatch(word):
        return timedelta(weeks=int(match[1])) or None
    return _NAMED.get(word.lower()) or read_length(word)


def _interval(word: str) -> Interval | None:
    try:
        return Interval(word.lower())
    except ValueError:
        return None
