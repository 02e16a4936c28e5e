"""The endpoints of order lists: parameters in, JSON out."""

import secrets
from collections.abc import Callable

from tests.venue import replies
from tests.venue.call import Call
from tests.venue.cancels import cancel
from tests.venue.errors import VenueError, missing_both
from tests.venue.filters import SymbolRules
from tests.venue.list_entry import read_oco, read_oto, read_otoco
from tests.venue.model import ListRequest
from tests.venue.order_entry import read_response_type
from tests.venue.params import CLIENT_ORDER_ID, Params

Reader = Callable[[Params, SymbolRules], ListRequest]


def _placing(read: Reader) -> Callable[[Call], object]:
    """Makes the endpoint of one kind of list. Reports are ACK unless the request says otherwise."""

    def answer(call: Call) -> object:
        rules = call.symbol()
        request = read(call.params, rules)
        wanted = read_response_type(call.params, "ACK")
        call.params.finish()
        venue, account = call.venue, call.account
        venue.limits.check_orders(account.name, len(request.all))
        found, legs = venue.exchange.place_list(account, request)
        call.headers.update(venue.limits.place_order(account.name, len(legs)))
        if any(leg.trades for leg in legs):
            venue.limits.order_traded(account.name)
        reports = [replies.placed(leg, rules, wanted) for leg in legs]
        head = replies.order_list(found, status="EXECUTING", status_type="EXEC_STARTED")
        return {**head, "orderReports": reports}

    return answer


new_oco = _placing(read_oco)
new_oto = _placing(read_oto)
new_otoco = _placing(read_otoco)
new_opo = _placing(lambda params, rules: read_oto(params, rules, pays=True))
new_opoco = _placing(lambda params, rules: read_otoco(params, rules, pays=True))


def cancel_list(call: Call) -> object:
    rules = call.symbol()
    list_id, name = call.params.integer("orderListId"), call.params.text("listClientOrderId")
    cancel_id = call.params.text("newClientOrderId", CLIENT_ORDER_ID) or secrets.token_hex(11)
    call.params.finish()
    if list_id is None and name is None:
        raise missing_both("orderListId", "listClientOrderId")
    found = call.venue.exchange.state.orders.find_list(call.account, list_id, name)
    if found is None or found.symbol != rules.symbol or not found.is_open:
        raise VenueError(-2011, "Unknown order list sent.")
    return cancel(call, next(leg for leg in found.legs if leg.is_open), cancel_id)


def get_list(call: Call) -> object:
    """Answers from the database, which lags: a new list is not in it at first."""
    list_id, name = call.params.integer("orderListId"), call.params.text("origClientOrderId")
    call.params.finish()
    if list_id is None and name is None:
        raise missing_both("origClientOrderId", "orderListId")
    found = call.venue.exchange.state.orders.find_list(call.account, list_id, name)
    if found is None or not call.venue.list_lag.shows(found, call.venue.clock.now_ms()):
        raise VenueError(-2018)
    return replies.order_list(found)


def open_lists(call: Call) -> object:
    call.params.finish()
    return [replies.order_list(found) for found in call.venue.exchange.state.orders.lists_of(call.account)]


def all_lists(call: Call) -> object:
    from_id = call.params.integer("fromId")
    start, end = call.times()
    limit = call.params.limit(500, 1000)
    call.params.finish()
    if from_id is not None and (start is not None or end is not None):
        raise VenueError(-1128)
    now = call.venue.clock.now_ms()
    found = [
        one
        for one in call.venue.exchange.state.orders.lists.values()
        if one.account == call.account.name
        and one.order_list_id >= (from_id or 0)
        and (start or 0) <= one.time <= (end or one.time)
        and call.venue.list_lag.shows(one, now)
    ]
    from_start = from_id is not None or start is not None
    return [replies.order_list(one) for one in (found[:limit] if from_start else found[-limit:])]
