"""Reads the account's past from Binance, page by page. Knows nothing of how requests are sent."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from core.adapters.binance import order_codec
from core.adapters.binance.errors import Said
from core.adapters.binance.json_fields import read
from core.adapters.binance.requests import Call, Wire, milliseconds
from core.domain.errors import ExchangeUnavailable
from core.domain.order import ExecutionReport, Fill

Ask = Callable[[Call], Awaitable[object]]
"""Sends one question and returns the body of the answer. Raises ExchangeUnavailable."""
_Page = Mapping[str, str]

_A_PAGE = 1000  # rest-api.md, "Account trade list", "All orders": the most that `limit` allows
_AFTERWARDS = timedelta(minutes=1)  # a trade carries the time it happened, its order the time it was reported


async def fills(ask: Ask, symbol: str, order_id: str) -> Sequence[Fill]:
    """Returns every fill of one order. Starts at the first one: without `fromId` Binance returns the most recent trades."""
    found: list[Fill] = []
    first = 0
    while True:
        page = {"orderId": order_id, "fromId": str(first)}
        some = read(partial(order_codec.trades, await ask(partial(_trades, symbol, page)), symbol, order_id))
        found += some
        if len(some) < _A_PAGE:
            return found
        first = _next([int(fill.trade_id) for fill in some], first)


async def orders_between(ask: Ask, symbol: str, since: datetime, until: datetime) -> Sequence[ExecutionReport]:
    """Returns every order of `symbol` last changed at or after `since` and before `until`, with its fills. Requests the first
    page by time and the following ones by number: Binance accepts no time together with a number."""
    start: _Page = {"startTime": milliseconds(since - _AFTERWARDS)}
    orders: list[ExecutionReport] = []
    page, first = start, 0
    while page:
        some = read(partial(order_codec.orders, await ask(partial(_orders, symbol, page)), symbol=symbol))
        orders += some
        more = len(some) == _A_PAGE and some[-1].at < until
        first = _next([int(order.order_id) for order in some], first) if more else 0
        page = {"orderId": str(first)} if more else {}
    of_orders: dict[str, list[Fill]] = defaultdict(list)
    page, first = start, 0
    while page:
        trades = read(partial(order_codec.trades_by_order, await ask(partial(_trades, symbol, page)), symbol))
        for order_id, fill in trades:
            of_orders[order_id].append(fill)
        more = len(trades) == _A_PAGE and trades[-1][1].at < until + _AFTERWARDS
        first = _next([int(fill.trade_id) for _, fill in trades], first) if more else 0
        page = {"fromId": str(first)} if more else {}
    return [replace(order, fills=tuple(of_orders[order.order_id])) for order in orders if since <= order.at < until]


def _next(ids: Sequence[int], first: int) -> int:
    """Returns the number that the next page begins with. Raises where a page leads nowhere: it would be requested forever."""
    if min(ids) < first:
        raise ExchangeUnavailable("unreadable answer: a page that was read already")
    return max(ids) + 1


def _orders(symbol: str, page: _Page, wire: Wire) -> Awaitable[Said]:
    return wire.recent_orders({"symbol": symbol, "limit": str(_A_PAGE), **page})


def _trades(symbol: str, page: _Page, wire: Wire) -> Awaitable[Said]:
    return wire.trades({"symbol": symbol, "limit": str(_A_PAGE), **page})
