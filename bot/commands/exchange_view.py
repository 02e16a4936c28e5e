"""The exchange as the commands see it: prices, rules, the account."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.domain.instrument import Instrument, Quote
from core.ports.venue import Venue
from core.state.exchange_rates import ExchangeRates
from core.state.market_data import MarketDataCache

OLD_QUOTE = timedelta(seconds=10)  # from here on a price is shown with its age


@dataclass(frozen=True, slots=True)
class Priced:
    """A symbol with its rules and last quote, each None where unknown."""

    symbol: str
    instrument: Instrument | None
    quote: Quote | None

    @property
    def base(self) -> str:
        return self.instrument.base if self.instrument else self.symbol

    @property
    def quote_asset(self) -> str:
        return self.instrument.quote if self.instrument else ""

    @property
    def price(self) -> Decimal | None:
        """Returns the price one could sell at, in quote asset."""
        return self.quote.bid if self.quote else None

    def age(self, now: datetime) -> timedelta | None:
        """Returns the age of a price that is too old to be current; else None."""
        if self.quote is None or now - self.quote.at < OLD_QUOTE:
            return None
        return now - self.quote.at


@dataclass(frozen=True, slots=True)
class ExchangeView:
    """Prices and conversion rates from memory, and the account at the exchange. `symbols` are those that may be traded (None:
    all)."""

    market: MarketDataCache
    rates: ExchangeRates
    venue: Venue
    trading_mode: str
    symbols: frozenset[str] | None

    def priced(self, symbol: str) -> Priced:
        """Returns a symbol with its last known rules and quote, however old."""
        return Priced(symbol, self.market.instrument(symbol), self.market.quote(symbol))
