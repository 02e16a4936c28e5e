"""Synthetic liquidity of one symbol: price levels with a quantity, or endless. Knows no accounts."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal

from tests.venue.model import ZERO, Side

Price = str | Decimal
Levels = Iterable[tuple[Price, Price | None]]
Fill = tuple[Decimal, Decimal]


@dataclass(slots=True)
class Level:
    """A price level; `qty` None: as much as anyone asks for."""

    price: Decimal
    qty: Decimal | None


@dataclass(slots=True)
class OrderBook:
    bids: list[Level] = field(default_factory=list)
    asks: list[Level] = field(default_factory=list)
    last: Decimal = ZERO
    average_override: Decimal | None = None
    update_id: int = 1027024

    @property
    def average(self) -> Decimal:
        return self.last if self.average_override is None else self.average_override

    def replace(self, bids: Levels, asks: Levels, last: Price | None) -> None:
        """Sorts both sides, best first. Without `last`: the middle of the two, or the existing side."""
        self.bids = sorted(_levels(bids), key=lambda level: -level.price)
        self.asks = sorted(_levels(asks), key=lambda level: level.price)
        self.update_id += 1
        if last is not None:
            self.last = Decimal(last)
        elif self.bids and self.asks:
            self.last = (self.bids[0].price + self.asks[0].price) / 2
        elif self.bids or self.asks:
            self.last = (self.bids or self.asks)[0].price

    def facing(self, side: Side) -> list[Level]:
        """Returns the levels that an order of this side takes from."""
        return self.asks if side == "BUY" else self.bids

    def plan(self, side: Side, quantity: Decimal, limit: Decimal | None) -> list[Fill]:
        """Returns the possible fills, best price first, at `limit` or better; changes nothing."""
        fills: list[Fill] = []
        for level in self.facing(side):
            if not quantity or not reaches(side, limit, level.price):
                break
            taken = quantity if level.qty is None else min(quantity, level.qty)
            if taken:
                fills.append((level.price, taken))
                quantity -= taken
        return fills

    def plan_quote(self, side: Side, quote: Decimal, step: Decimal) -> list[Fill]:
        """Plans as `plan`, for an amount in quote asset; the quantity of each level is rounded down to `step`."""
        fills: list[Fill] = []
        for level in self.facing(side):
            wanted = floor_to(quote / level.price, step)
            taken = wanted if level.qty is None else min(wanted, level.qty)
            if taken:
                fills.append((level.price, taken))
                quote -= taken * level.price
            if taken == wanted:
                break
        return fills

    def take(self, side: Side, fills: list[Fill]) -> None:
        """Removes the planned fills; the last price becomes the last fill's."""
        levels = self.facing(side)
        for price, quantity in fills:
            level = next(level for level in levels if level.price == price)
            if level.qty is not None:
                level.qty -= quantity
        levels[:] = [level for level in levels if level.qty is None or level.qty]
        if fills:
            self.last = fills[-1][0]
            self.update_id += 1


def _levels(given: Levels) -> list[Level]:
    return [Level(Decimal(price), None if qty is None else Decimal(qty)) for price, qty in given]


def reaches(side: Side, limit: Decimal | None, price: Decimal) -> bool:
    """Tells whether an order with this limit (None: any price) trades at `price`."""
    if limit is None:
        return True
    return price <= limit if side == "BUY" else price >= limit


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    if not step:
        return value.quantize(Decimal("1e-8"), rounding=ROUND_DOWN)
    return (value // step) * step
