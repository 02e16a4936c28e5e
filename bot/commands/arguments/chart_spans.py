"""The time that a chart covers, and the length of its candles. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.commands.arguments.durations import read_length
from core.domain.candle import Interval

_NAMED = {"week": timedelta(weeks=1), "month": timedelta(days=30), "year": timedelta(days=365)}
_WEEKS = re.compile(r"(\d{1,3})w", re.IGNORECASE | re.ASCII)
_ALONE_A_PERIOD = frozenset({Interval.D3})  # where an interval and a period are written alike and nobody uses the interval
_USUAL = 120
"""The number of candles that a phone shows well."""
MOST = 300
_FEWEST = 4
_LONGEST = timedelta(days=3_650)


@dataclass(frozen=True, slots=True)
class Span:
    """The time that a chart covers up to now, and the length of its candles."""

    period: timedelta
    interval: Interval

    def start(self, now: datetime) -> datetime:
        """Returns when the first candle begins that the period touches: intervals count from midnight UTC."""
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if self.interval.length >= Interval.D1.length:
            return midnight - self.period
        since = now - self.period
        return since - (since - since.replace(hour=0, minute=0, second=0, microsecond=0)) % self.interval.length


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
        return Span(interval.length * _USUAL, interval)
    if interval is None or not _FEWEST * interval.length <= period <= MOST * interval.length:
        return None
    return Span(period, interval)


def period_of(word: str) -> timedelta | None:
    """Returns a length of time: `24h`, `7d`, `2w`, `month`; None for anything else."""
    if match := _WEEKS.fullmatch(word):
        return timedelta(weeks=int(match[1])) or None
    return _NAMED.get(word.lower()) or read_length(word)


def spanning(period: timedelta) -> Span:
    """Returns the period in the shortest candles of which a phone shows that many."""
    fitting = (interval for interval in Interval if interval.length * _USUAL >= period)
    return Span(max(period, _FEWEST * Interval.M1.length), next(fitting, Interval.W1))


def _interval(word: str) -> Interval | None:
    try:
        return Interval(word.lower())
    except ValueError:
        return None
