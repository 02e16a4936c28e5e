"""The endpoints that change what rests: cancelReplace and amend keep priority."""

import secrets
from dataclasses import dataclass

from tests.venue import replies
from tests.venue.amend import amend
from tests.venue.call import Call
from tests.venue.cancels import cancel
from tests.venue.errors import VenueError, missing, missing_both, rejected
from tests.venue.filters import SymbolRules
from tests.venue.model import Order, OrderRequest
from tests.venue.order_entry import check_restrictions, read_order, read_restrictions
from tests.venue.params import CLIENT_ORDER_ID


@dataclass(frozen=True, slots=True)
class Replacement:
    """The parameters of one cancelReplace."""

    request: OrderRequest
    wanted: str
    order: Order | None
    cancel_id: str
    allowed: str | None
    stops: bool
    cancels_anyway: bool


def cancel_replace(call: Call) -> object:
    """Cancels and places. Filters and the order count are judged before, so nothing is done if they refuse."""
    rules = call.symbol()
    change = _read_replacement(call, rules)
    venue, account = call.venue, call.account
    if not rules.allows("cancelReplaceAllowed"):
        raise rejected("Order cancel-replace is not supported for this symbol.")
    exceeded = _exceeded(call)
    if exceeded is not None and not change.cancels_anyway:
        raise exceeded
    if exceeded is None:
        venue.exchange.admission.check_filters(account, [change.request])
        call.headers.update(venue.limits.place_order(account.name))
    canceled = _cancel(call, change)
    if call.stops_half_way:
        raise VenueError(-1000)
    if isinstance(canceled, VenueError) and change.stops:
        placed: object = None
    else:
        placed = exceeded or _place(call, rules, change)
    return _answer(change, canceled, placed)


def _read_replacement(call: Call, rules: SymbolRules) -> Replacement:
    params = call.params
    mode = params.choice("cancelReplaceMode", ("STOP_ON_FAILURE", "ALLOW_FAILURE"), -1130)
    if mode is None:
        raise missing("cancelReplaceMode")
    request, wanted = read_order(params, rules)
    order_id, client_id = params.integer("cancelOrderId"), params.text("cancelOrigClientOrderId")
    cancel_id = params.text("cancelNewClientOrderId", CLIENT_ORDER_ID) or secrets.token_hex(11)
    allowed = read_restrictions(params)
    exceeded = params.choice("orderRateLimitExceededMode", ("DO_NOTHING", "CANCEL_ONLY"), -1130)
    params.finish()
    if order_id is None and client_id is None:
        raise missing_both("cancelOrigClientOrderId", "cancelOrderId")
    order = call.venue.exchange.find(call.account, rules.symbol, order_id, client_id)
    return Replacement(request, wanted, order, cancel_id, allowed, mode == "STOP_ON_FAILURE", exceeded == "CANCEL_ONLY")


def _exceeded(call: Call) -> VenueError | None:
    try:
        call.venue.limits.check_orders(call.account.name)
    except VenueError as error:
        return error
    return None


def _cancel(call: Call, change: Replacement) -> replies.Json | VenueError:
    order = change.order
    if order is None or not order.is_open:
        return VenueError(-2011)
    try:
        check_restrictions(order, change.allowed)
    except VenueError as error:
        return error
    return cancel(call, order, change.cancel_id)


def _place(call: Call, rules: SymbolRules, change: Replacement) -> replies.Json | VenueError:
    venue, account = call.venue, call.account
    try:
        fills = venue.exchange.admission.check_engine(account, change.request)
        order = venue.exchange.enter(account, change.request, fills)
    except VenueError as error:
        return error
    if order.trades:
        venue.limits.order_traded(account.name)
    return replies.placed(order, rules, change.wanted)


def _answer(change: Replacement, canceled: object, placed: object) -> object:
    """Returns both answers if both succeeded; raises -2021 if one did, -2022 if none."""
    results = [_result(canceled), "NOT_ATTEMPTED" if placed is None else _result(placed)]
    data: replies.Json = {
        "cancelResult": results[0],
        "newOrderResult": results[1],
        "cancelResponse": _body(canceled),
        "newOrderResponse": _body(placed),
    }
    if results == ["SUCCESS", "SUCCESS"]:
        return data
    limited = isinstance(placed, VenueError) and placed.code == -1015 and change.stops
    if "SUCCESS" in results:
        raise VenueError(-2021, status=429 if limited else 409, data=data)
    raise VenueError(-2022, status=400, data=data)


def _result(done: object) -> str:
    return "FAILURE" if isinstance(done, VenueError) else "SUCCESS"


def _body(done: object) -> object:
    return done.body if isinstance(done, VenueError) else done


def amend_order(call: Call) -> object:
    rules = call.symbol()
    order_id, client_id = call.params.integer("orderId"), call.params.text("origClientOrderId")
    new_id = call.params.text("newClientOrderId", CLIENT_ORDER_ID) or secrets.token_hex(11)
    quantity = call.params.decimal("newQty")
    call.params.finish()
    if order_id is None and client_id is None:
        raise missing_both("origClientOrderId", "orderId")
    if quantity is None:
        raise missing("newQty")
    if not quantity:
        raise VenueError(-1013, "Invalid quantity.")
    order = call.venue.exchange.find(call.account, rules.symbol, order_id, client_id)
    if order is None or not order.is_open:
        raise VenueError(-2038, "Unknown order sent.")
    made = amend(call.venue.exchange, order, quantity, new_id)
    return replies.amended(made, rules, call.venue.exchange.state.orders.list_of(order))


def amendments(call: Call) -> object:
    rules = call.symbol()
    order_id = call.params.integer("orderId")
    first = call.params.integer("fromExecutionId") or 0
    limit = call.params.limit(500, 1000)
    call.params.finish()
    if order_id is None:
        raise missing("orderId")
    order = call.venue.exchange.find(call.account, rules.symbol, order_id, None)
    found = [one for one in call.venue.exchange.state.amendments if one.order is order and one.execution_id >= first]
    return [replies.amendment(one, rules) for one in found[:limit]]
