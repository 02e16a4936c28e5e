"""Places orders and order lists on Binance: each request is sent at most once, and every outcome is a value."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TypeVar

from core.adapters.binance import order_codec
from core.adapters.binance import requests as costs
from core.adapters.binance.connection import Connection, held_back
from core.adapters.binance.errors import CLOCK_OFF, Answer, AnyRequest, Refusal, Said, Silence, order_refused
from core.adapters.binance.json_fields import Unreadable
from core.adapters.binance.order_connection import OrderConnection
from core.adapters.binance.rate_limit_budget import Request
from core.adapters.binance.requests import Call
from core.domain.errors import ExchangeUnavailable
from core.domain.order import (
    EntryList,
    ExecutionReport,
    ListPlaced,
    ListRequest,
    NotTaken,
    OrderRequest,
    PlaceListResult,
    PlaceResult,
    Rejected,
    Unanswered,
)
from core.domain.reasons import reason
from core.domain.signal import Side

T = TypeVar("T", ExecutionReport, ListPlaced)

_ORDER = Request(1, orders=1)
_LIST = Request(1, orders=2)  # rest-api.md, "New order list - OCO": weight and unfilled order count


class OrderPlacing:
    """Places orders for the client. `assets` has base and quote asset by symbol, for the text of a refusal. `quick` goes
    before REST where it is open."""

    def __init__(self, connection: Connection, assets: Mapping[str, tuple[str, str]], quick: OrderConnection) -> None:
        self._connection = connection
        self._assets = assets
        self._quick = quick

    async def place(self, request: OrderRequest) -> PlaceResult:
        """See Venue. Sends the request at most once; after `request_lifetime` it can no longer become an order."""
        return await self._place(
            request,
            _ORDER,
            lambda wire: self._send(costs.ORDER_PLACE, costs.order_parameters(request), wire.place),
            lambda body: order_codec.placed(body, request),
        )

    async def place_list(self, request: ListRequest) -> PlaceListResult:
        """See Venue. Sends the request at most once, like `place`."""
        return await self._place(
            request,
            _LIST,
            lambda wire: self._send(costs.LIST_PLACE, costs.list_parameters(request), wire.place_list),
            lambda body: ListPlaced(order_codec.list_placed(body, request)),
        )

    async def place_entry(self, request: EntryList) -> PlaceListResult:
        """See Venue. Sends the request at most once, like `place`."""
        pair = len(request.exits) > 1
        return await self._place(
            request,
            Request(1, orders=1 + len(request.exits)),  # rest-api.md, "New Order List - OPO", "- OPOCO"
            lambda wire: self._send(
                costs.ENTRY_PLACE[pair], costs.entry_parameters(request), partial(wire.place_entry, pair=pair)
            ),
            lambda body: ListPlaced(order_codec.entry_placed(body, request)),
        )

    async def _place(
        self, request: AnyRequest, cost: Request, call: Call, parse: Callable[[object], T]
    ) -> T | Rejected | NotTaken | Unanswered:
        if not self._connection.has_key:
            return Rejected(reason("bad_key", code="none", message="no API key is set"))
        try:
            wire = await self._connection.signing()
        except ExchangeUnavailable as error:
            return NotTaken(reason("unreachable", detail=error), error.retry_after)
        if kept_back := self._kept_back(_side(request)):
            return kept_back
        measured = self._connection.measured
        said = await self._connection.counted(cost, call(wire))
        match said:
            case Answer():
                return self._placed(said.body, parse)
            case Silence():
                return Unanswered(said.what) if said.sent else NotTaken(reason("unreachable", detail=said.what))
            case Refusal():
                return await self._refused(said, request, measured)

    async def _send(
        self, method: str, parameters: Mapping[str, str], by_rest: Callable[[Mapping[str, str]], Awaitable[Said]]
    ) -> Said:
        """Sends a request over the open connection, or by REST where nothing of it has left there."""
        said = await self._quick.send(method, parameters)
        return await by_rest(parameters) if isinstance(said, Silence) and not said.sent else said

    def _kept_back(self, side: Side) -> NotTaken | None:
        """Returns why no order may be sent now: the exchange asked for a pause, or an entry would exceed its order limit. Exits,
        and the orders that protect a position, are sent anyway: the exchange itself says whether it has room for one."""
        backoff = self._connection.backoff
        if wait := backoff.left(orders=True):
            return NotTaken(backoff.reason(wait), wait)
        if side is Side.BUY and (wait := self._connection.budget.wait_for_order()):
            return NotTaken(held_back(wait), wait)
        return None

    def _placed(self, body: object, parse: Callable[[object], T]) -> T | Unanswered:
        try:
            placed = parse(body)
        except Unreadable as error:
            return Unanswered(f"unreadable answer: {error}")
        for report in placed.reports if isinstance(placed, ListPlaced) else (placed,):
            if report.executed_qty:
                self._connection.budget.order_traded()
        return placed

    async def _refused(self, said: Refusal, request: AnyRequest, measured: int) -> Rejected | NotTaken | Unanswered:
        connection = self._connection
        connection.backoff.note(said)
        if said.code == CLOCK_OFF:
            with suppress(ExchangeUnavailable):  # the order is refused anyway, and the next one measures again
                await connection.measure(measured)
        base, quote = self._assets.get(
            request.symbol, (f"of {request.symbol}'s base asset", f"of {request.symbol}'s quote asset")
        )
        asset = quote if _side(request) is Side.BUY else base
        return order_refused(said, request, asset=asset, clock_offset=connection.offset)


def _side(request: AnyRequest) -> Side:
    """Returns the side of a request. A list without an entry only sells: it is an exit."""
    if isinstance(request, ListRequest):
        return Side.SELL
    return request.side if isinstance(request, OrderRequest) else request.entry.side
