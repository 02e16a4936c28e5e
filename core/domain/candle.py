"""Candles: what a symbol traded at in one interval after the other."""

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
