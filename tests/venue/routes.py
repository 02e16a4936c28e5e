"""The endpoints of rest-api.md: parameters in, JSON out. Nothing here waits; the server does the waiting."""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from tests.venue import replies
from tests.venue.errors import VenueError, illegal, missing_both
from tests.venue.filters import SymbolRules
from tests.venue.model import Account, ApiKey, Order, Trade
from tests.venue.order_entry import read_order
from tests.venue.params import CLIENT_ORDER_ID, SYMBOL, Params
from tests.venue.venue import Venue

Security = Literal["NONE", "USER_DATA", "TRADE"]
Weight = int | Callable[[Mapping[str, str]], int]
T = TypeVar("T")
DAY_MS = 86_400_000
SYMBOL_STATUSES = ("TRADING", "HALT", "BREAK")


@dataclass(slots=True)
class Call:
    """One request at its endpoint. `key` is set on signed endpoints; `headers` are sent with the answer."""

    venue: Venue
    params: Params
    key: ApiKey | None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def account(self) -> Account:
        return self.owner.account

    @property
    def owner(self) -> ApiKey:
        if self.key is None:
            raise VenueError(-2015)
        return self.key

    def symbol(self) -> SymbolRules:
        return self.venue.exchange.rules(self.params.symbol())


@dataclass(frozen=True, slots=True)
class Route:
    answer: Callable[[Call], object]
    security: Security = "NONE"
    weight: Weight = 1
    free: bool = False
    """Endpoints that weigh nothing on success: changelog of 2026-03-27."""


def ping(call: Call) -> object:
    call.params.finish()
    return {}


def server_time(call: Call) -> object:
    call.params.finish()
    return {"serverTime": call.venue.clock.now_ms()}


def _symbols(call: Call) -> tuple[list[SymbolRules], bool]:
    """Returns the symbols requested by `symbol`, by `symbols` (a JSON array) or by neither; and whether it was just one."""
    exchange = call.venue.exchange
    one = call.params.text("symbol", SYMBOL)
    many = call.params.text("symbols")
    if one is not None and many is not None:
        raise VenueError(-1128)
    if one is not None:
        return [exchange.rules(one)], True
    if many is None:
        return list(exchange.symbols.values()), False
    legal = r'^\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}\]$'
    try:
        names = json.loads(many)
    except ValueError:
        raise illegal("symbols", legal) from None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise illegal("symbols", legal)
    if len(set(names)) != len(names):
        raise VenueError(-1151)
    return [exchange.rules(name) for name in names], False


def exchange_info(call: Call) -> object:
    rules, _ = _symbols(call)
    status = call.params.choice("symbolStatus", SYMBOL_STATUSES, -1122)
    call.params.finish()
    return {
        **call.venue.exchange.info,
        "serverTime": call.venue.clock.now_ms(),
        "rateLimits": call.venue.rate_limits,
        "symbols": [rule.info for rule in rules if status in (None, rule.status)],
    }


def _ticker(reply: Callable[[Venue, SymbolRules], object]) -> Callable[[Call], object]:
    def answer(call: Call) -> object:
        rules, single = _symbols(call)
        call.params.finish()
        found = [reply(call.venue, rule) for rule in rules]
        return found[0] if single else found

    return answer


def _day(venue: Venue, rules: SymbolRules) -> object:
    now = venue.clock.now_ms()
    trades = [t for t in venue.trades if t.symbol == rules.symbol and t.time >= now - DAY_MS]
    return replies.day_ticker(venue.exchange.books[rules.symbol], rules, trades, now)


def avg_price(call: Call) -> object:
    rules = call.symbol()
    call.params.finish()
    price = call.venue.exchange.books[rules.symbol].average
    now = call.venue.clock.now_ms()
    return {"mins": 5, "price": replies.number(price, rules.quote_precision), "closeTime": now}


def depth(call: Call) -> object:
    rules = call.symbol()
    limit = call.params.limit(100, 5000)
    call.params.finish()
    return replies.depth(call.venue.exchange.books[rules.symbol], rules, limit)


def new_order(call: Call) -> object:
    request, wanted = read_order(call.params, call.symbol())
    call.params.finish()
    venue, account = call.venue, call.account
    venue.limits.check_orders(account.name)
    order = venue.exchange.place(account, request)
    call.headers.update(venue.limits.place_order(account.name))
    if order.trades:
        venue.limits.order_traded(account.name)
    rules = venue.exchange.symbols[order.symbol]
    if wanted == "ACK":
        return replies.ack(order)
    return replies.full(order, rules) if wanted == "FULL" else replies.result(order, rules)


def test_order(call: Call) -> object:
    request, _ = read_order(call.params, call.symbol())
    rates = call.params.flag("computeCommissionRates", default=False)
    call.params.finish()
    call.venue.exchange.check(call.account, request)
    return replies.order_commission(call.account) if rates else {}


def _find(call: Call) -> tuple[Order | None, SymbolRules]:
    rules = call.symbol()
    order_id = call.params.integer("orderId")
    client_id = call.params.text("origClientOrderId")
    if order_id is None and client_id is None:
        raise missing_both("origClientOrderId", "orderId")
    return call.venue.exchange.find(call.account, rules.symbol, order_id, client_id), rules


def _visible(call: Call, orders: list[Order]) -> list[Order]:
    now = call.venue.clock.now_ms()
    return [order for order in orders if order.visible_at <= now]


def get_order(call: Call) -> object:
    order, rules = _find(call)
    call.params.finish()
    if order is None or not _visible(call, [order]):
        raise VenueError(-2013)
    return replies.queried(order, rules)


def cancel_order(call: Call) -> object:
    order, rules = _find(call)
    cancel_id = call.params.text("newClientOrderId", CLIENT_ORDER_ID) or secrets.token_hex(11)
    call.params.finish()
    if order is None:
        raise VenueError(-2011)
    call.venue.exchange.cancel(order)
    return replies.canceled(order, rules, cancel_id)


def open_orders(call: Call) -> object:
    symbol = call.symbol().symbol if call.params.has("symbol") else None
    call.params.finish()
    exchange = call.venue.exchange
    orders = _visible(call, exchange.orders_open(call.account, symbol))
    return [replies.queried(order, exchange.symbols[order.symbol]) for order in orders]


def _times(call: Call) -> tuple[int | None, int | None]:
    start, end = call.params.integer("startTime"), call.params.integer("endTime")
    if start is not None and end is not None and end - start > DAY_MS:
        raise VenueError(-1127)
    return start, end


def _page(items: Sequence[T], limit: int, *, from_start: bool) -> Sequence[T]:
    return items[:limit] if from_start else items[-limit:]


def all_orders(call: Call) -> object:
    rules = call.symbol()
    order_id = call.params.integer("orderId")
    start, end = _times(call)
    limit = call.params.limit(500, 1000)
    call.params.finish()
    orders = [
        order
        for order in _visible(call, call.venue.orders)
        if order.account == call.account.name
        and order.symbol == rules.symbol
        and order.order_id >= (order_id or 0)
        and (start or 0) <= order.time <= (end or order.time)
    ]
    page = _page(orders, limit, from_start=order_id is not None or start is not None)
    return [replies.queried(order, rules) for order in page]


def my_trades(call: Call) -> object:
    rules = call.symbol()
    order_id, from_id = call.params.integer("orderId"), call.params.integer("fromId")
    start, end = _times(call)
    limit = call.params.limit(500, 1000)
    call.params.finish()
    # rest-api.md lists the combinations that are supported; times go with neither id
    if (order_id is not None or from_id is not None) and (start is not None or end is not None):
        raise VenueError(-1128)
    account = call.account.name

    def wanted(trade: Trade) -> bool:
        return (
            trade.account == account
            and trade.symbol == rules.symbol
            and order_id in (None, trade.order_id)
            and trade.id >= (from_id or 0)
            and (start or 0) <= trade.time <= (end or trade.time)
        )

    if order_id is not None:
        order = call.venue.exchange.find(call.account, rules.symbol, order_id, None)
        source = order.trades if order else []
    else:
        source = call.venue.trades
    page = _page([t for t in source if wanted(t)], limit, from_start=from_id is not None or start is not None)
    return [replies.my_trade(trade, rules) for trade in page]


def account_info(call: Call) -> object:
    omit = call.params.flag("omitZeroBalances", default=False)
    call.params.finish()
    listed = [asset for rules in call.venue.exchange.symbols.values() for asset in (rules.base, rules.quote)]
    return replies.account_info(call.account, listed, omit_zero=omit)


def commission(call: Call) -> object:
    rules = call.symbol()
    call.params.finish()
    return replies.commission(call.account, rules.symbol)


def order_counts(call: Call) -> object:
    call.params.finish()
    return call.venue.limits.order_counts(call.account.name)


def restrictions(call: Call) -> object:
    call.params.finish()
    return replies.restrictions(call.owner, 1_698_645_219_000)


def _ticker_weight(values: Mapping[str, str]) -> int:
    return 2 if "symbol" in values else 4


def _day_weight(values: Mapping[str, str]) -> int:
    asked = values["symbols"].count(",") + 1 if "symbols" in values else 1 if "symbol" in values else 101
    return 2 if asked <= 20 else 40 if asked <= 100 else 80


def _depth_weight(values: Mapping[str, str]) -> int:
    text = values.get("limit", "100")
    limit = int(text) if text.isdecimal() else 100
    return 5 if limit <= 100 else 25 if limit <= 500 else 50 if limit <= 1000 else 250


_book = _ticker(lambda venue, rules: replies.book_ticker(venue.exchange.books[rules.symbol], rules))
_price = _ticker(lambda venue, rules: replies.price_ticker(venue.exchange.books[rules.symbol], rules))

ROUTES: Mapping[str, Route] = {
    "GET /api/v3/ping": Route(ping),
    "GET /api/v3/time": Route(server_time),
    "GET /api/v3/exchangeInfo": Route(exchange_info, weight=20),
    "GET /api/v3/ticker/price": Route(_price, weight=_ticker_weight),
    "GET /api/v3/ticker/bookTicker": Route(_book, weight=_ticker_weight),
    "GET /api/v3/ticker/24hr": Route(_ticker(_day), weight=_day_weight),
    "GET /api/v3/avgPrice": Route(avg_price, weight=2),
    "GET /api/v3/depth": Route(depth, weight=_depth_weight),
    "POST /api/v3/order": Route(new_order, "TRADE", free=True),
    "POST /api/v3/order/test": Route(
        test_order, "TRADE", lambda values: 20 if values.get("computeCommissionRates") == "true" else 1
    ),
    "GET /api/v3/order": Route(get_order, "USER_DATA", 4),
    "DELETE /api/v3/order": Route(cancel_order, "TRADE", free=True),
    "GET /api/v3/openOrders": Route(open_orders, "USER_DATA", lambda values: 6 if "symbol" in values else 80),
    "GET /api/v3/allOrders": Route(all_orders, "USER_DATA", 20),
    "GET /api/v3/myTrades": Route(my_trades, "USER_DATA", lambda values: 5 if "orderId" in values else 20),
    "GET /api/v3/account": Route(account_info, "USER_DATA", 20),
    "GET /api/v3/account/commission": Route(commission, "USER_DATA", 20),
    "GET /api/v3/rateLimit/order": Route(order_counts, "USER_DATA", 40),
    "GET /sapi/v1/account/apiRestrictions": Route(restrictions, "USER_DATA"),
}
