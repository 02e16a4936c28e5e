"""The methods of the WebSocket API: sessions, subscriptions, and the endpoints of the REST API under their other names."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tests.venue.call import Call, Route
from tests.venue.errors import VenueError, missing
from tests.venue.model import ApiKey
from tests.venue.params import INTEGER, Params
from tests.venue.routes import ROUTES
from tests.venue.security import TimeWindow, key_format, read_window, verify
from tests.venue.venue import Venue

# WebSocket method -> REST endpoint, with the same parameters and answer
_REST: Mapping[str, str] = {
    "ping": "GET /api/v3/ping",
    "time": "GET /api/v3/time",
    "exchangeInfo": "GET /api/v3/exchangeInfo",
    "ticker.price": "GET /api/v3/ticker/price",
    "ticker.book": "GET /api/v3/ticker/bookTicker",
    "avgPrice": "GET /api/v3/avgPrice",
    "executionRules": "GET /api/v3/executionRules",
    "referencePrice": "GET /api/v3/referencePrice",
    "order.place": "POST /api/v3/order",
    "order.test": "POST /api/v3/order/test",
    "order.status": "GET /api/v3/order",
    "order.cancel": "DELETE /api/v3/order",
    "order.cancelReplace": "POST /api/v3/order/cancelReplace",
    "order.amend.keepPriority": "PUT /api/v3/order/amend/keepPriority",
    "order.amendments": "GET /api/v3/order/amendments",
    "openOrders.status": "GET /api/v3/openOrders",
    "openOrders.cancelAll": "DELETE /api/v3/openOrders",
    "orderList.place.oco": "POST /api/v3/orderList/oco",
    "orderList.place.oto": "POST /api/v3/orderList/oto",
    "orderList.place.otoco": "POST /api/v3/orderList/otoco",
    "orderList.place.opo": "POST /api/v3/orderList/opo",
    "orderList.place.opoco": "POST /api/v3/orderList/opoco",
    "orderList.status": "GET /api/v3/orderList",
    "orderList.cancel": "DELETE /api/v3/orderList",
    "openOrderLists.status": "GET /api/v3/openOrderList",
    "allOrderLists": "GET /api/v3/allOrderList",
    "allOrders": "GET /api/v3/allOrders",
    "myTrades": "GET /api/v3/myTrades",
    "account.status": "GET /api/v3/account",
    "account.commission": "GET /api/v3/account/commission",
    "account.rateLimits.orders": "GET /api/v3/rateLimit/order",
}
_OWN_WEIGHT = 2
_PLACING = ("order.place", "order.cancelReplace", "orderList.place.")


@dataclass(frozen=True, slots=True)
class Request:
    """One frame. `values` are the parameters as text, as they are signed."""

    id: int | str | None
    method: str
    values: Mapping[str, str]

    @classmethod
    def read(cls, text: str) -> "Request":
        try:
            sent = json.loads(text)
        except ValueError:
            raise VenueError(-1135) from None
        if not isinstance(sent, dict) or not isinstance(sent.get("method"), str):
            raise VenueError(-1135)
        params = sent.get("params") or {}
        values = {name: _text(value) for name, value in params.items() if value is not None}
        return cls(sent.get("id"), sent["method"].removeprefix("v3/"), values)


class Connection(Protocol):
    venue: Venue
    key: ApiKey | None
    authorized_since: int | None
    connected_since: int
    accounts: dict[int, str]
    own_subscription: int | None

    def subscribe(self, account: str) -> int: ...

    def unsubscribe(self, number: int) -> None: ...


def weight_of(request: Request) -> int:
    """Returns the weight of a request; methods of the connection itself weigh 2."""
    route = ROUTES.get(_REST.get(request.method, ""))
    if route is None:
        return _OWN_WEIGHT
    return route.weight if isinstance(route.weight, int) else route.weight(request.values)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that was let in. `forward` passes it on to the matching engine and returns its `result`, or raises VenueError.
    `places` is the call whose account's orders it counts as."""

    forward: Callable[[], object]
    places: Call | None = None


def admit(connection: Connection, request: Request, *, half: bool = False) -> Admitted:
    """Checks date, key and signature as at a REST endpoint; raises VenueError. With `half` only the first of two steps is
    done."""
    own = _OWN.get(request.method)
    if own is not None:
        return Admitted(lambda: own(connection, request))
    route = ROUTES.get(_REST.get(request.method, ""))
    if route is None:
        raise VenueError(-1020)
    params = Params(request.values, signed=route.security != "NONE")
    call = Call(connection.venue, params, None, stops_half_way=half)
    if route.security == "NONE":
        return Admitted(lambda: _answer(call, route))
    window = read_window(params)
    call.key = _identify(connection, request, params, window)
    if not (call.key.can_trade if route.security == "TRADE" else call.key.can_read):
        raise VenueError(-2015)

    def forward() -> object:
        window.check_engine(connection.venue.clock.now_us())
        return _answer(call, route)

    return Admitted(forward, call if request.method.startswith(_PLACING) else None)


def _answer(call: Call, route: Route) -> object:
    answer = route.answer(call)
    if route.free and isinstance(route.weight, int):
        call.venue.limits.refund(route.weight)
    return answer


def _identify(connection: Connection, request: Request, params: Params, window: TimeWindow) -> ApiKey:
    """Returns the key that signed the request, or the one that logged on."""
    name = params.text("apiKey")
    if name is None:
        if connection.key is None:
            raise missing("apiKey")
        name = connection.key.key
    else:
        _verify(connection, request, params, name)
    window.check_arrival(connection.venue.clock.now_us())
    key = connection.venue.keys.get(name)
    if key is None or not key.ip_allowed:
        connection.key = None
        raise VenueError(-2015)
    return key


def _verify(connection: Connection, request: Request, params: Params, name: str) -> None:
    """Checks the signature over the sorted parameters, which are not percent-encoded."""
    signature = params.required("signature")
    key = connection.venue.keys.get(key_format(name))
    if key is None:
        raise VenueError(-2015)
    signed = (f"{name}={value}" for name, value in sorted(request.values.items()) if name != "signature")
    verify(key, "&".join(signed), signature)


def _log_on(connection: Connection, request: Request) -> object:
    """Only Ed25519 keys may log on; others were seen to get "Signature for this request is not valid"."""
    params = Params(request.values, signed=True)
    params.required("apiKey")
    key = _identify(connection, request, params, read_window(params))
    params.finish()
    if key.public_key is None:
        raise VenueError(-1022)
    connection.key, connection.authorized_since = key, connection.venue.clock.now_ms()
    return _status(connection)


def _log_out(connection: Connection, request: Request) -> object:
    _nothing(request)
    connection.key = connection.authorized_since = None
    if connection.own_subscription is not None:
        connection.unsubscribe(connection.own_subscription)
        connection.own_subscription = None
    return _status(connection)


def _session_status(connection: Connection, request: Request) -> object:
    _nothing(request)
    return _status(connection)


def _subscribe(connection: Connection, request: Request) -> object:
    _nothing(request)
    if connection.key is None:
        raise VenueError(-1002)
    connection.own_subscription = connection.subscribe(connection.key.account.name)
    return {"subscriptionId": connection.own_subscription}


def _subscribe_signed(connection: Connection, request: Request) -> object:
    params = Params(request.values, signed=True)
    params.required("apiKey")
    key = _identify(connection, request, params, read_window(params))
    params.finish()
    if not key.can_read:
        raise VenueError(-2015)
    return {"subscriptionId": connection.subscribe(key.account.name)}


def _unsubscribe(connection: Connection, request: Request) -> object:
    params = Params(request.values, signed=True)
    text = params.text("subscriptionId", INTEGER)
    params.finish()
    for number in list(connection.accounts) if text is None else [int(text)]:
        connection.unsubscribe(number)
    return {}


def _subscriptions(connection: Connection, request: Request) -> object:
    _nothing(request)
    return [{"subscriptionId": number} for number in connection.accounts]


def _nothing(request: Request) -> None:
    """Refuses any parameter."""
    Params(request.values, signed=True).finish()


def _status(connection: Connection) -> dict[str, Any]:
    return {
        "apiKey": None if connection.key is None else connection.key.key,
        "authorizedSince": connection.authorized_since,
        "connectedSince": connection.connected_since,
        "returnRateLimits": True,
        "serverTime": connection.venue.clock.now_ms(),
        "userDataStream": bool(connection.accounts),
    }


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


_OWN: Mapping[str, Callable[[Connection, Request], object]] = {
    "session.logon": _log_on,
    "session.logout": _log_out,
    "session.status": _session_status,
    "session.subscriptions": _subscriptions,
    "userDataStream.subscribe": _subscribe,
    "userDataStream.subscribe.signature": _subscribe_signed,
    "userDataStream.unsubscribe": _unsubscribe,
}
