"""Rules and prices, as a venue gives them."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from core.domain.instrument import Instrument, Quote


class MarketData(Protocol):
    """What may be traded and at which price. Every method raises ExchangeUnavailable when there is no readable answer."""

    async def server_time(self) -> datetime:
        """The venue's own clock, aware UTC."""
        ...

    async def instruments(self, symbols: Collection[str] | None) -> Mapping[str, Instrument]:
        """The rules of `symbols` (None: all). A symbol the venue does not know is absent from the answer, not an error."""
        ...

    async def quotes(self, symbols: Collection[str]) -> Mapping[str, Quote]:
        """The best bid and ask of each of `symbols` that the venue knows. `Quote.at` is our clock's time when they were
        asked for: by then, or later, they were so."""
        ...
