"""The endpoints of rest-api.md: parameters in, JSON out. Nothing here waits; the server does the waiting."""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from tests.venue import change_routes, list_routes, replies
from tests.venue.call import DAY_MS, Call, Route
from tests.venue.cancels import cancel
from tests.venue.errors import VenueError, illegal, missing_both
from tests.venue.filters import SymbolRules
from tests.venue.model import Order, Trade
from tests.venue.order_entry import check_restrictions, read_order, read_restrictions
from tests.venue.params import CLIENT_ORDER_ID, SYMBOL
from tests.venue.tape import INTERVALS
from tests.venue.venue import Venue

T = TypeVar("T")
SYMBOL_STATUSES = ("TRADING", "END_OF_DAY", "HALT", "BREAK", "CANCEL_ONLY")


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


def execution_rules(call: Call) -> object:
    rules, _ = _symbols(call)
    call.params.finish()
    ranges = call.venue.exchange.state.price_ranges
    found = [{"symbol": one.symbol, "rules": [ranges[one.symbol].as_rule()]} for one in rules if one.symbol in ranges]
    return {"symbolRules": found}


def reference_price(call: Call) -> object:
    rules = call.symbol()
    call.params.finish()
    if rules.symbol not in call.venue.exchange.state.price_ranges:
        raise VenueError(-2043)
    price = call.venue.exchange.books[rules.symbol].average
    return {
        "symbol": rules.symbol,
        "referencePrice": replies.number(price, rules.quote_precision),
        "timestamp": call.venue.clock.now_ms(),
    }


def klines(call: Call) -> object:
    """Without a time the most recent; from a start the first ones. Intervals are those of UTC: no other zone is modelled."""
    rules = call.symbol()
    interval = call.params.required("interval")
    if interval not in INTERVALS:
        raise VenueError(-1120)
    start, end = call.params.integer("startTime"), call.params.integer("endTime")
    limit = call.params.limit(500, 1000)
    call.params.finish()
    now = call.venue.clock.now_ms()
    found = [
        replies.kline(bar, closes_at, rules)
        for bar, closes_at in call.venue.exchange.state.tape.klines(rules.symbol, interval, now)
        if (start or 0) <= bar.at <= (now if end is None else end)
    ]
    return _page(found, limit, from_start=start is not None)


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
    return replies.placed(order, venue.exchange.symbols[order.symbol], wanted)


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
    order, _ = _find(call)
    cancel_id = call.params.text("newClientOrderId", CLIENT_ORDER_ID) or secrets.token_hex(11)
    allowed = read_restrictions(call.params)
    call.params.finish()
    if order is None or not order.is_open:
        raise VenueError(-2011)
    check_restrictions(order, allowed)
    return cancel(call, order, cancel_id)


def cancel_open_orders(call: Call) -> object:
    """Cancels everything of a symbol; lists stand in the answer as lists."""
    rules = call.symbol()
    call.params.finish()
    cancel_id = secrets.token_hex(11)
    orders = call.venue.exchange.orders_open(call.account, rules.symbol)
    if not orders:
        raise VenueError(-2011)
    return [cancel(call, order, cancel_id) for order in orders if order.is_open]


def open_orders(call: Call) -> object:
    symbol = call.symbol().symbol if call.params.has("symbol") else None
    call.params.finish()
    exchange = call.venue.exchange
    orders = _visible(call, exchange.orders_open(call.account, symbol))
    return [replies.queried(order, exchange.symbols[order.symbol]) for order in orders]


def _page(items: Sequence[T], limit: int, *, from_start: bool) -> Sequence[T]:
    return items[:limit] if from_start else items[-limit:]


def all_orders(call: Call) -> object:
    rules = call.symbol()
    order_id = call.params.integer("orderId")
    start, end = call.times()
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
    start, end = call.times()
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
    "GET /api/v3/executionRules": Route(execution_rules, weight=lambda values: 2 if "symbol" in values else 40),
    "GET /api/v3/referencePrice": Route(reference_price, weight=2),
    "GET /api/v3/klines": Route(klines, weight=2),
    "GET /api/v3/depth": Route(depth, weight=_depth_weight),
    "POST /api/v3/order": Route(new_order, "TRADE", free=True),
    "POST /api/v3/order/test": Route(
        test_order, "TRADE", lambda values: 20 if values.get("computeCommissionRates") == "true" else 1
    ),
    "GET /api/v3/order": Route(get_order, "USER_DATA", 4),
    "DELETE /api/v3/order": Route(cancel_order, "TRADE", free=True),
    "POST /api/v3/order/cancelReplace": Route(change_routes.cancel_replace, "TRADE", free=True),
    "PUT /api/v3/order/amend/keepPriority": Route(change_routes.amend_order, "TRADE", 4),
    "GET /api/v3/order/amendments": Route(change_routes.amendments, "USER_DATA", 4),
    "DELETE /api/v3/openOrders": Route(cancel_open_orders, "TRADE", free=True),
    "POST /api/v3/orderList/oco": Route(list_routes.new_oco, "TRADE", free=True),
    "POST /api/v3/orderList/oto": Route(list_routes.new_oto, "TRADE", free=True),
    "POST /api/v3/orderList/otoco": Route(list_routes.new_otoco, "TRADE", free=True),
    "POST /api/v3/orderList/opo": Route(list_routes.new_opo, "TRADE", free=True),
    "POST /api/v3/orderList/opoco": Route(list_routes.new_opoco, "TRADE", free=True),
    "DELETE /api/v3/orderList": Route(list_routes.cancel_list, "TRADE", free=True),
    "GET /api/v3/orderList": Route(list_routes.get_list, "USER_DATA", 4),
    "GET /api/v3/openOrderList": Route(list_routes.open_lists, "USER_DATA", 6),
    "GET /api/v3/allOrderList": Route(list_routes.all_lists, "USER_DATA", 20),
    "GET /api/v3/openOrders": Route(open_orders, "USER_DATA", lambda values: 6 if "symbol" in values else 80),
    "GET /api/v3/allOrders": Route(all_orders, "USER_DATA", 20),
    "GET /api/v3/myTrades": Route(my_trades, "USER_DATA", lambda values: 5 if "orderId" in values else 20),
    "GET /api/v3/account": Route(account_info, "USER_DATA", 20),
    "GET /api/v3/account/commission": Route(commission, "USER_DATA", 20),
    "GET /api/v3/rateLimit/order": Route(order_counts, "USER_DATA", 40),
    "GET /sapi/v1/account/apiRestrictions": Route(restrictions, "USER_DATA"),
}
