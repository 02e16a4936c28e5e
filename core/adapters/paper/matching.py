"""Matches open orders with the market: when one triggers, fills or expires. Pure.

The best price that an order could trade at stands in for the last trade: the bid for a SELL, the ask for a BUY (in quote asset).
Sources: rest-api.md, "New order" (trigger rules); faqs/trailing-stop-faq.md.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from core.adapters.paper.paper_book import Resting
from core.domain.money import divide, multiply
from core.domain.order_terms import OrderTerms, OrderType, TimeInForce
from core.domain.signal import Side

_BASIS_POINTS = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Move:
    """The effect of a price on an open order: it goes on as `resting`, is filled whole at `price` (quote asset), or `expires`."""

    resting: Resting
    price: Decimal | None = None
    expires: bool = False


def move(resting: Resting, side: Side, price: Decimal) -> Move:
    """Shows `price` to an open order. An order on the book is filled as maker at its own limit, and only by a market that trades
    through it: a touch leaves open who was first in the queue."""
    if resting.awaits_trigger:
        return _watch(resting, side, price)
    limit = resting.terms.limit_price
    is_through = limit is not None and limit != price and reaches(resting.terms, side, price)
    return Move(resting, limit if is_through else None)


def reaches(terms: OrderTerms, side: Side, price: Decimal) -> bool:
    """Tells whether its limit allows an order to fill at `price`."""
    limit = terms.limit_price
    return limit is None or (price <= limit if side is Side.BUY else price >= limit)


def would_trigger(terms: OrderTerms, side: Side, price: Decimal) -> bool:
    """Tells whether `price` is at the stop price or beyond: above it for STOP_LOSS BUY and TAKE_PROFIT SELL, else below."""
    if terms.stop_price is None:
        return False
    is_stop = terms.type in {OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT}
    return price >= terms.stop_price if is_stop == (side is Side.BUY) else price <= terms.stop_price


def _watch(resting: Resting, side: Side, price: Decimal) -> Move:
    if resting.terms.trailing_delta is None:
        return _trigger(resting, side, price) if would_trigger(resting.terms, side, price) else Move(resting)
    if resting.best is None:  # with a stop price, it begins to trail there: until then it protects nothing
        begins = resting.terms.stop_price is None or would_trigger(resting.terms, side, price)
        return Move(replace(resting, best=price) if begins else resting)
    best = min(resting.best, price) if side is Side.BUY else max(resting.best, price)
    followed = replace(resting, best=best) if best != resting.best else resting
    distance = divide(multiply(best, Decimal(resting.terms.trailing_delta)), _BASIS_POINTS)
    turned = price >= best + distance if side is Side.BUY else price <= best - distance
    return _trigger(followed, side, price) if turned else Move(followed)


def _trigger(resting: Resting, side: Side, price: Decimal) -> Move:
    """Makes it the order that its stop was for: it takes what the market offers within its limit, else rests or expires."""
    triggered = replace(resting, triggered=True)
    if reaches(resting.terms, side, price):
        return Move(triggered, price)
    return Move(triggered, expires=resting.terms.time_in_force is not TimeInForce.GTC)
