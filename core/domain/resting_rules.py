"""The rules of a symbol for orders that stay open: which the exchange takes at all, at which prices, and how many."""

from dataclasses import dataclass
from decimal import Decimal

from core.domain.money import ZERO, multiply
from core.domain.order_terms import OrderType
from core.domain.signal import Side


@dataclass(frozen=True, slots=True)
class PriceBand:
    """The prices that an order may name, as multiples of the market's (filters.md: PERCENT_PRICE, PERCENT_PRICE_BY_SIDE). `up`
    None: no upper end."""

    down: Decimal = ZERO
    up: Decimal | None = None

    def allows(self, price: Decimal, market: Decimal) -> bool:
        """Tells whether an order may name `price` while the market is at `market`, both in quote asset. The exchange itself goes
        by an average of the last minutes, and has the last word."""
        return multiply(market, self.down) <= price and (self.up is None or price <= multiply(market, self.up))


@dataclass(frozen=True, slots=True)
class RestingRules:
    """The rules for a symbol's open orders (filters.md; rest-api.md, "Exchange information"). By default nothing may rest: what
    is unknown is refused. Prices and worth in quote asset; 0 means no lower limit, None no upper one. `min_notional` and
    `max_notional` apply to orders with a limit. `opo_allowed`: an entry may bring its exits (faqs/opo.md). `most_orders`,
    `most_stops` and `most_lists` count all open orders on the symbol, those that wait for a price, and order lists.
    `may_expire_taker`: an order may ask to end itself, rather than the order of ours that it would trade with
    (faqs/stp_faq.md)."""

    order_types: frozenset[OrderType] = frozenset()
    oco_allowed: bool = False
    opo_allowed: bool = False
    min_price: Decimal = ZERO
    max_price: Decimal | None = None
    buy_band: PriceBand = PriceBand()
    sell_band: PriceBand = PriceBand()
    min_notional: Decimal = ZERO
    max_notional: Decimal | None = None
    most_orders: int | None = None
    most_stops: int | None = None
    most_lists: int | None = None
    may_expire_taker: bool = False

    def allows_price(self, side: Side, price: Decimal, market: Decimal) -> bool:
        """Tells whether an order of `side` may name `price` while the market is at `market`, both in quote asset."""
        band = self.buy_band if side is Side.BUY else self.sell_band
        in_range = self.min_price <= price and (self.max_price is None or price <= self.max_price)
        return in_range and band.allows(price, market)


NOTHING_RESTS = RestingRules()
"""The rules of a symbol of which nothing is known."""
