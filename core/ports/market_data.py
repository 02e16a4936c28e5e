"""Rules and prices, as a venue gives them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from core.domain.candle import Candle, Interval
from core.domain.instrument import Instrument, Quote


class MarketData(Protocol):
    """Instruments and prices. Every method raises ExchangeUnavailable if there is no readable answer."""

    async def server_time(self) -> datetime:
        """Returns the venue's own clock, aware UTC."""
        ...

    async def instruments(self, symbols: Collection[str] | None) -> Mapping[str, Instrument]:
        """Returns the rules of `symbols` (None: all). A symbol the venue does not know is absent from the answer, not an
        error."""
        ...

    async def quotes(self, symbols: Collection[str]) -> Mapping[str, Quote]:
        """Returns the best bid and ask of each of `symbols` that the venue knows. `Quote.at` is our clock's time of the request:
        the prices are from then, or later."""
        ...

    async def candles(self, symbol: str, interval: Interval, since: datetime, limit: int) -> Sequence[Candle]:
        """Returns the first `limit` candles of `symbol`, 1,000 at most, that began at or after `since`, the oldest first. Raises
        SymbolUnknown for a symbol that the venue does not know."""
        ...
