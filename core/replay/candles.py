"""Candles as prices of a replay. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from core.domain.candle import Candle, Interval
from core.replay.prices import PricePoint, PriceSource, point

_MOST = 5_000


def interval_for(since: datetime, until: datetime) -> Interval:
    """Returns the shortest interval of which the span has at most 5,000."""
    span = until - since
    return next((one for one in Interval if one.length * _MOST >= span), Interval.W1)


def candle_points(symbol: str, candles: Iterable[Candle], length: timedelta) -> Iterator[PricePoint]:
    """Yields four prices of each candle. What came first, its low or its high, is not known: the low, so that a stop is reached
    before a target."""
    for one in candles:
        for number, price in enumerate((one.open, one.low, one.high, one.close)):
            at = one.opened_at + length * (number * 3 + 1) / 12
            yield point(symbol, at, price, PriceSource.CANDLE)
