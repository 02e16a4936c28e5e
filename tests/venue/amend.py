"""Order Amend Keep Priority (faqs/order_amend_keep_priority.md): makes an open order smaller."""

from decimal import Decimal

from tests.venue.errors import VenueError
from tests.venue.matching import Exchange
from tests.venue.model import Amendment, Order, OrderList


def amend(exchange: Exchange, order: Order, quantity: Decimal, new_id: str) -> Amendment:
    """Reduces an order; of an OCO pair both legs, as only one of them can be executed."""
    state = exchange.state
    found = state.orders.list_of(order)
    _check(exchange, order, quantity, new_id)
    former_qty, former_id, now = order.orig_qty, order.client_order_id, state.now()
    together = _together(found, order)
    for leg in together:
        leg.orig_qty, leg.update_time = quantity, now
    state.orders.renamed(order, new_id)
    exchange.settlement.trim(order)
    execution = 0
    for leg in together:
        number = state.report(leg, "REPLACED", replaced_id=former_id if leg is order else leg.client_order_id)
        execution = number if leg is order else execution
    if found is not None and new_id != former_id:
        state.tell_list(found, status_type="UPDATED")
    exchange.finish()
    made = Amendment(order, execution, former_id, new_id, former_qty, quantity, now)
    state.amendments.append(made)
    return made


def _check(exchange: Exchange, order: Order, quantity: Decimal, new_id: str) -> None:
    state = exchange.state
    rules, found = state.symbols[order.symbol], state.orders.list_of(order)
    if not rules.allows("amendAllowed"):
        raise VenueError(-2038, "Order amend is not supported for this symbol.")
    if found is not None and found.pays and order.status == "PENDING_NEW":
        raise VenueError(-2038, "Order amend (pending OPO order) is not supported.")
    if quantity > order.orig_qty:
        raise VenueError(-2038, "Order amend (quantity increase) is not supported.")
    if quantity == order.orig_qty or quantity <= order.executed_qty:
        raise VenueError(-2038, "The requested action would change no state; rejecting")
    exchange.admission.check_amended(state.account_of(order), order, quantity)
    rule = rules.rules.get("MAX_NUM_ORDER_AMENDS")
    if rule and sum(made.order is order for made in state.amendments) >= rule["maxNumOrderAmends"]:
        raise VenueError(-2038, "Filter failure: MAX_NUM_ORDER_AMENDS")
    if new_id != order.client_order_id and state.orders.is_used(state.account_of(order), order.symbol, new_id):
        raise VenueError(-2038, "Duplicate order sent.")


def _together(found: OrderList | None, order: Order) -> list[Order]:
    """Returns the order, and the other leg of its OCO pair if it is open."""
    if found is None or order is found.working:
        return [order]
    return [leg for leg in found.legs if leg is not found.working and leg.is_open]
