"""What may be traded and by which rules: one symbol of the exchange."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.domain.money import ZERO, floor_to_step, multiply
from core.domain.signal import Side


@dataclass(frozen=True, slots=True)
class Instrument:
    """A symbol's trading rules (filters.md). 0 means "not checked", as Binance has it; `max_*` None means no upper limit."""

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

    @property
    def trading(self) -> bool:
        return self.status == "TRADING"

    def market_quantity(self, wanted: Decimal) -> Decimal:
        """The most of `wanted` (base asset) that a MARKET order may ask for: a multiple of both steps, LOT_SIZE and
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
        """Whether an order could ask for any of `held` (base asset). What none can is dust. By quantity alone: what it is worth
        is judged by the exchange, and for a MARKET order by its price of some minutes (filters.md: avgPriceMins)."""
        quantity = self.market_quantity(held)
        return quantity > 0 and quantity >= self.least_market_qty

    def is_remainder(self, left: Decimal, price: Decimal) -> bool:
        """Whether `left` (base asset) of what was sold at `price` is too little for another order: it closes the position."""
        return not self.sellable(left) or multiply(left, price) < self.min_notional


_AHEAD = timedelta(seconds=1)

QUOTE_FRESH = timedelta(seconds=3)
"""How old a price may be that something is decided by, or filled at on paper."""


@dataclass(frozen=True, slots=True)
class Quote:
    """The best prices at a moment: `bid` to sell at, `ask` to buy at, in quote asset; `at` is when they were asked
    for, so that they are at least as new."""

    symbol: str
    bid: Decimal
    ask: Decimal
    at: datetime

    def price_for(self, side: Side) -> Decimal:
        return self.ask if side is Side.BUY else self.bid

    def is_fresh(self, now: datetime, max_age: timedelta) -> bool:
        """Whether it is at most `max_age` old. One from the future is not: the clock was set back, and nobody knows its age."""
        return -_AHEAD <= now - self.at <= max_age


@dataclass(frozen=True, slots=True)
class Balance:
    """What the account holds of one asset; `locked` is bound in open orders."""

    asset: str
    free: Decimal
    locked: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.free + self.locked
