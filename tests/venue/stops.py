"""Trigger rules of stop, take profit and trailing orders (rest-api.md, faqs/trailing-stop-faq.md). Pure."""

from decimal import Decimal

from tests.venue.model import Order, Side

BIPS = Decimal(10_000)


def is_above(kind: str, side: Side) -> bool:
    """Tells whether the stop price lies above the market: STOP_LOSS BUY and TAKE_PROFIT SELL."""
    return kind.startswith("STOP_LOSS") == (side == "BUY")


def is_reached(kind: str, side: Side, stop_price: Decimal, last: Decimal) -> bool:
    return last >= stop_price if is_above(kind, side) else last <= stop_price


def follow(order: Order, last: Decimal, now: int) -> bool:
    """Shows a trade's price to a waiting order; tells whether it triggers."""
    reached = order.stop_price is None or is_reached(order.type, order.side, order.stop_price, last)
    if order.trailing_delta is None:
        return reached
    if order.extreme is None:
        if reached:
            order.extreme, order.trailing_time = last, now
        return False
    share = order.trailing_delta / BIPS
    if order.side == "SELL":
        order.extreme = max(order.extreme, last)
        return last <= order.extreme * (1 - share)
    order.extreme = min(order.extreme, last)
    return last >= order.extreme * (1 + share)
