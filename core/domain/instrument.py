"""An instrument and its trading rules: one symbol of the exchange."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.domain.money import ZERO, floor_to_step, multiply
from core.domain.resting_rules import NOTHING_RESTS, RestingRules
from core.domain.signal import Side

FINEST_PRICE = Decimal("1e-8")
"""The step of prices where a symbol has no tick: no price of the exchange has more decimals."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """A symbol's trading rules (filters.md). 0 means "not checked", as Binance has it; `max_*` None means no upper limit. Sizes
    and worth are those of a MARKET order; `resting` are the rules of orders that stay open."""

    symbol: str
    base: str
    quote: str
    status: str
    tick_size: Decimal
    step_size: Decimal
    min_qty: Decimal
    max_qty: Decimal | None
    market_step_size: Decimal = ZERO
    market_min_qty: Decimal = ZERO
    market_max_qty: Decimal | None = None
    min_notional: Decimal = ZERO
    max_notional: Decimal | None = None
    market_orders: bool = True
    resting: RestingRules = NOTHING_RESTS

    @property
    def trading(self) -> bool:
        return self.status == "TRADING"

    @property
    def price_step(self) -> Decimal:
        """Returns the step that prices of orders follow, in quote asset."""
        return self.tick_size or FINEST_PRICE

    def market_quantity(self, wanted: Decimal) -> Decimal:
        """Returns the most of `wanted` (base asset) that a MARKET order may ask for: a multiple of both steps, LOT_SIZE and
        MARKET_LOT_SIZE."""
        quantity = floor_to_step(wanted, self.step_size)
        if self.market_step_size > 0 and quantity != floor_to_step(quantity, self.market_step_size):
            # Steps are powers of ten, so the coarser one is a multiple of the finer one.
            quantity = floor_to_step(quantity, max(self.step_size, self.market_step_size))
        return quantity

    @property
    def least_market_qty(self) -> Decimal:
        return max(self.min_qty, self.market_min_qty)

    @property
    def most_market_qty(self) -> Decimal | None:
        limits = [limit for limit in (self.max_qty, self.market_max_qty) if limit is not None and limit > 0]
        return min(limits) if limits else None

    def sellable(self, held: Decimal) -> bool:
        """Tells whether an order could sell any of `held` (base asset). An amount that no order can sell is dust. Goes by
        quantity alone: the exchange judges the value, and for a MARKET order by an average price of some minutes (filters.md:
        avgPriceMins)."""
        quantity = self.market_quantity(held)
        return quantity > 0 and quantity >= self.least_market_qty

    def is_remainder(self, left: Decimal, price: Decimal) -> bool:
        """Tells whether `left` (base asset) after a sale at `price` is too little for another order: it closes the position."""
        return not self.sellable(left) or multiply(left, price) < self.min_notional


_AHEAD = timedelta(seconds=1)
_HALF = Decimal("0.5")

QUOTE_FRESH = timedelta(seconds=3)
"""The maximum age of a price for decisions and for fills on paper."""


@dataclass(frozen=True, slots=True)
class Quote:
    """The best prices at a moment: `bid` to sell at, `ask` to buy at, in quote asset; `at` is when they were requested, so that
    they are at least as new."""

    symbol: str
    bid: Decimal
    ask: Decimal
    at: datetime

    def price_for(self, side: Side) -> Decimal:
        return self.ask if side is Side.BUY else self.bid

    @property
    def middle(self) -> Decimal:
        """Returns the price halfway between bid and ask, in quote asset."""
        return multiply(self.bid + self.ask, _HALF)

    def is_fresh(self, now: datetime, max_age: timedelta) -> bool:
        """Tells whether it is at most `max_age` old. A quote from the future is not fresh: the clock was set back, and its age is
        unknown."""
        return -_AHEAD <= now - self.at <= max_age


@dataclass(frozen=True, slots=True)
class Balance:
    """The account's balance of one asset; `locked` is bound in open orders."""

    asset: str
    free: Decimal
    locked: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.free + self.locked
