"""The requests that Binance accepts, and their cost."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from core.adapters.binance.errors import Said
from core.adapters.binance.resting_rules import EXPIRE_TAKER
from core.domain.order import EntryList, LegRequest, ListRequest, OrderRequest
from core.domain.order_terms import OrderTerms
from core.domain.signal import Side
from core.domain.strategy_book import strategy_number

# web-socket-api.md, "Trading requests": these methods take the parameters of their REST endpoints, and answer the same
ORDER_PLACE, LIST_PLACE = "order.place", "orderList.place.oco"
ENTRY_PLACE: Mapping[bool, str] = {False: "orderList.place.opo", True: "orderList.place.opoco"}  # by whether it has two exits

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FOR_PRICES = 0.9  # of the allowed weight, together with everything else; the rest is for orders and finding out about them
FOR_COMPARING = 0.6  # background work leaves room for prices, rules and balances too


class Wire(Protocol):
    """The way to the exchange: a method for each endpoint, parameters named as in rest-api.md. Raises nothing."""

    def now(self) -> float:
        """Returns the time by which requests are dated, before the offset; seconds since the epoch."""
        ...

    def date_by(self, offset: float) -> None:
        """Adds `offset` (seconds) to the date of every signed request from now on."""
        ...

    async def server_time(self) -> Said: ...
    async def exchange_info(self, symbols: Sequence[str] | None) -> Said: ...
    async def quotes(self, symbols: Sequence[str]) -> Said: ...
    async def candles(self, parameters: Mapping[str, str]) -> Said: ...
    async def account(self) -> Said: ...
    async def key_permissions(self) -> Said: ...
    async def open_orders(self, parameters: Mapping[str, str]) -> Said: ...
    async def order(self, parameters: Mapping[str, str]) -> Said: ...
    async def recent_orders(self, parameters: Mapping[str, str]) -> Said: ...
    async def trades(self, parameters: Mapping[str, str]) -> Said: ...
    async def place(self, parameters: Mapping[str, str]) -> Said: ...
    async def place_list(self, parameters: Mapping[str, str]) -> Said: ...
    async def place_entry(self, parameters: Mapping[str, str], *, pair: bool) -> Said: ...
    async def cancel(self, parameters: Mapping[str, str]) -> Said: ...
    async def close(self) -> None: ...


Call = Callable[[Wire], Awaitable[Said]]
ListCall = Callable[[Wire, Sequence[str]], Awaitable[Said]]


@dataclass(frozen=True, slots=True)
class Cost:
    """A question's request weight (rest-api.md, at its endpoint), and the part of the allowed weight up to which it may be sent.
    None: always, because an order's fate depends on it. A `patient` one waits until there is room; others get the wait back."""

    weight: int
    share: float | None = FOR_PRICES
    patient: bool = False


TIME = Cost(1, None)
ORDER = Cost(4, None)
CANCEL = Cost(1, None)
TRADES_OF_ORDER = Cost(5, None)
HISTORY = Cost(20, FOR_COMPARING, patient=True)  # of many pages, none should be read twice
OPEN_ORDERS = Cost(80, FOR_COMPARING)
OPEN_ORDERS_OF_SYMBOL = Cost(6)
RULES = Cost(20)
PRICES = Cost(4)
CANDLES = Cost(2, FOR_COMPARING)  # for a picture, which can wait
ACCOUNT = Cost(20)
RECENT_ORDERS = Cost(20)
KEY_RIGHTS = Cost(1)


def milliseconds(at: datetime) -> str:
    """Returns a time as requests name it: whole milliseconds since the epoch."""
    return str((at - _EPOCH) // timedelta(milliseconds=1))


def order_parameters(request: OrderRequest) -> dict[str, str]:
    """Returns the parameters of `POST order`. The client order id is always set: otherwise the library makes up a new one for
    each call. The exchange repeats `strategyId` and `strategyType` in every answer about the order: rest-api.md, "Conditional
    fields". Asks for the FULL answer: by default that to a stop is an ACK, which says nothing of its state."""
    parameters = {
        "symbol": request.symbol,
        "side": request.side.value,
        **_terms(request.terms),
        "quantity": _plain(request.qty),
        "newClientOrderId": request.client_order_id,
        "newOrderRespType": "FULL",
    }
    return parameters | _whose(request) | _sparing(request)


def list_parameters(request: ListRequest) -> dict[str, str]:
    """Returns the parameters of `POST orderList/oco` (rest-api.md, "New order list - OCO"), each leg's under a prefix."""
    return {
        "symbol": request.symbol,
        "listClientOrderId": request.list_id,
        "side": Side.SELL.value,
        "quantity": _plain(request.qty),
        **_leg("above", request.above, request),
        **_leg("below", request.below, request),
        "newOrderRespType": "FULL",
    }


def entry_parameters(request: EntryList) -> dict[str, str]:
    """Returns the parameters of `POST orderList/opo` or, for a pair of exits, `opoco` (rest-api.md, "New Order List - OPO",
    "- OPOCO"): the exits have no quantity, and of a pair the target is the one above."""
    entry = request.entry
    prefixes = ("pendingAbove", "pendingBelow") if len(request.exits) > 1 else ("pending",)
    parameters = {
        "symbol": request.symbol,
        "listClientOrderId": request.list_id,
        "workingSide": entry.side.value,
        "workingQuantity": _plain(entry.qty),
        **_leg("working", LegRequest(entry.client_order_id, entry.terms), entry),
        "pendingSide": Side.SELL.value,
        "newOrderRespType": "FULL",
    }
    for prefix, leg in zip(prefixes, request.exits, strict=True):
        parameters |= _leg(prefix, leg, entry)
    return parameters | _sparing(entry)


def _whose(request: OrderRequest | ListRequest) -> dict[str, str]:
    """Returns the parameters that tell whose an order is: the ledger's mark, and the number of its strategy."""
    numbers = {"strategyId": request.mark, "strategyType": strategy_number(request.strategy)}
    return {name: str(number) for name, number in numbers.items() if number is not None}


def _sparing(request: OrderRequest) -> dict[str, str]:
    """Returns the parameter by which an entry ends itself before it would trade with an order of ours."""
    return {"selfTradePreventionMode": EXPIRE_TAKER} if request.spares_ours else {}


def _leg(prefix: str, leg: LegRequest, request: OrderRequest | ListRequest) -> dict[str, str]:
    own = {**_terms(leg.terms), "clientOrderId": leg.client_order_id, **_whose(request)}
    return {prefix + name[0].upper() + name[1:]: value for name, value in own.items()}


def _terms(terms: OrderTerms) -> dict[str, str]:
    found = {"type": terms.type.value}
    if terms.time_in_force is not None:
        found["timeInForce"] = terms.time_in_force.value
    if terms.limit_price is not None:
        found["price"] = _plain(terms.limit_price)
    if terms.stop_price is not None:
        found["stopPrice"] = _plain(terms.stop_price)
    if terms.trailing_delta is not None:
        found["trailingDelta"] = str(terms.trailing_delta)
    return found


def _plain(number: Decimal) -> str:
    """Writes a number as the exchange reads it: `str` writes 1E-7, which it refuses."""
    return format(number, "f")
