"""Turns the orders of a plan into what the exchange is asked for, and counts those of others beside them. Pure."""

from collections.abc import Iterable, Sequence

from core.domain.order import LegRequest, ListRequest, Order, OrderRequest
from core.domain.plan_leg import LegKind
from core.policy.exits.bracket_check import OpenOrders


def request_for(legs: Sequence[Order], mark: int | None) -> OrderRequest | ListRequest:
    """Returns the request for one order, or for the two of a list, target before stop; `mark` is the ledger's."""
    strategy = legs[0].signal.strategy
    if len(legs) == 1:
        (leg,) = legs
        return OrderRequest(leg.client_order_id, leg.symbol, leg.side, leg.qty, mark, leg.terms, strategy)
    above, below = sorted(legs, key=lambda leg: leg.leg is not None and leg.leg.kind is LegKind.STOP)
    return ListRequest(
        above.list_id or "",
        above.symbol,
        above.qty,
        LegRequest(above.client_order_id, above.terms),
        LegRequest(below.client_order_id, below.terms),
        mark,
        strategy,
    )


def open_beside(orders: Iterable[Order]) -> OpenOrders:
    """Returns how many of `orders` are open, or may be: a list counts once however many of its orders are among them."""
    found = list(orders)
    lists = {order.list_id for order in found if order.list_id is not None}
    return OpenOrders(len(found), sum(order.terms.type.has_trigger for order in found), len(lists))
