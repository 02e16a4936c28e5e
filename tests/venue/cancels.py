"""Cancels an order and answers it: a leg of a list takes its list with it, and the answer is the list's."""

from tests.venue import replies
from tests.venue.call import Call
from tests.venue.model import Order


def cancel(call: Call, order: Order, cancel_id: str) -> replies.Json:
    """Returns the order's answer, or the list's (web-socket-api.md, order.cancel: "When an order list is canceled")."""
    exchange = call.venue.exchange
    rules, found = exchange.symbols[order.symbol], exchange.state.orders.list_of(order)
    canceled = [replies.canceled(leg, rules, cancel_id) for leg in exchange.cancel(order, cancel_id)]
    if found is None:
        return canceled[0]
    return {**replies.order_list(found), "orderReports": canceled}
