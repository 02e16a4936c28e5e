"""Candles: what a symbol traded at in one interval after the other, and how much of that a chart covers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum


class Interval(StrEnum):
    """The lengths of candles, as traders and Binance write them (rest-api.md, "Kline/Candlestick data")."""

    M1 = "1m"
    M3 = "3m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H2 = "2h"
    H4 = "4h"
    H6 = "6h"
    H8 = "8h"
    H12 = "12h"
    D1 = "1d"
    D3 = "3d"
    W1 = "1w"

    @property
    def length(self) -> timedelta:
        return timedelta(**{_UNITS[self.value[-1]]: int(self.value[:-1])})


USUAL = 120
"""The number of candles that a phone shows well."""
FEWEST, MOST = 4, 300
_SHORTEST, _USUALLY, _LONGEST = timedelta(hours=2), timedelta(days=7), timedelta(days=90)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class Candle:
    """The prices of one interval, in quote asset, and its `volume` in base asset. `opened_at` is when the interval began; the
    newest one may still be open, and its `close` is then the last price."""

    opened_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


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


def spanning(period: timedelta) -> Span:
    """Returns the period in the shortest candles of which a phone shows that many."""
    fitting = (interval for interval in Interval if interval.length * USUAL >= period)
    return Span(max(period, FEWEST * Interval.M1.length), next(fitting, Interval.W1))


def covering(times: Iterable[datetime], now: datetime) -> Span:
    """Returns a span that begins a little before the first of `times`, without those of long ago; without any a week."""
    recent = [at for at in times if at > now - _LONGEST]
    return spanning(max((now - min(recent)) * 1.15, _SHORTEST) if recent else _USUALLY)
