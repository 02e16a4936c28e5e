"""The terms of an order: its type, how long it stays, and its prices.

Types and their parameters: rest-api.md, "New order"; enums.md, "Order types" and "Time in force".
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class OrderType(StrEnum):
    """The order types of the exchange."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    STOP_LOSS = "STOP_LOSS"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"

    @property
    def has_limit(self) -> bool:
        """Tells whether it names the worst price that it may fill at."""
        return self in {self.LIMIT, self.LIMIT_MAKER, self.STOP_LOSS_LIMIT, self.TAKE_PROFIT_LIMIT}

    @property
    def has_trigger(self) -> bool:
        """Tells whether it waits for the last trade to reach a price; counts as an algo order (filters.md)."""
        return self in {self.STOP_LOSS, self.STOP_LOSS_LIMIT, self.TAKE_PROFIT, self.TAKE_PROFIT_LIMIT}

    @property
    def has_time_in_force(self) -> bool:
        """Tells whether it says how long it stays."""
        return self in {self.LIMIT, self.STOP_LOSS_LIMIT, self.TAKE_PROFIT_LIMIT}


class EntryStyle(StrEnum):
    """The ways to place an entry: up to the edge of the price band, or at any price."""

    LIMIT_IOC = "limit_ioc"
    MARKET = "market"


class TimeInForce(StrEnum):
    """The time that an order with a limit stays: until cancelled, not at all, or only if it fills whole."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """The terms of an order. `limit_price` (quote asset) is the worst price it may fill at; None for one that takes any.
    `stop_price` (quote asset) is the last trade's price that triggers it, `trailing_delta` (basis points) the distance at which
    its trigger follows the market. Raises ValueError for a combination that the exchange does not know."""

    type: OrderType = OrderType.MARKET
    time_in_force: TimeInForce | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_delta: int | None = None

    def __post_init__(self) -> None:
        triggered = self.stop_price is not None or self.trailing_delta is not None
        fits = (
            self.type.has_limit == (self.limit_price is not None),
            self.type.has_time_in_force == (self.time_in_force is not None),
            self.type.has_trigger == triggered,
        )
        if not all(fits):
            raise ValueError(f"terms that do not fit {self.type}")

    @property
    def may_rest(self) -> bool:
        """Tells whether it may stay open: then it is not waited for."""
        at_once = self.type is OrderType.MARKET or self.time_in_force in {TimeInForce.IOC, TimeInForce.FOK}
        return self.type.has_trigger or not at_once

    @property
    def is_stop_with_limit(self) -> bool:
        """Tells whether it is a stop that may stay unfilled: the market may jump over its limit."""
        return self.type is OrderType.STOP_LOSS_LIMIT


AT_MARKET = OrderTerms()
"""At any price, at once."""


def within(limit_price: Decimal) -> OrderTerms:
    """Returns the terms of an order that takes what is offered up to `limit_price` at once, and leaves the rest (LIMIT, IOC)."""
    return OrderTerms(OrderType.LIMIT, TimeInForce.IOC, limit_price)


def whole_within(limit_price: Decimal) -> OrderTerms:
    """Returns the terms of an order that fills whole at once, at `limit_price` or better, or not at all (LIMIT, FOK)."""
    return OrderTerms(OrderType.LIMIT, TimeInForce.FOK, limit_price)
