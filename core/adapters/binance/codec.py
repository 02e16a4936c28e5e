"""Parses Binance's JSON into domain values. Pure: requests nothing and raises only Unreadable. Treats all input as hostile."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeGuard

from core.adapters.binance.rate_limit_budget import RateLimit
from core.domain.api_key_permissions import Permissions
from core.domain.instrument import Balance, Instrument, Quote
from core.domain.money import ZERO, parse_decimal
from core.domain.order import ExecutionReport, Fill, OrderRequest, RecentOrders, UnreadableOrder
from core.domain.order_state_machine import OrderState
from core.domain.signal import Side

_LONGEST_TEXT = 200
_EARLIEST, _LATEST = 1_000_000_000_000, 32_503_680_000_000  # ms: 2001 to 3000; anything else is no order time

_STATES: Mapping[str, OrderState] = {
    "NEW": OrderState.ACCEPTED,
    "PENDING_NEW": OrderState.ACCEPTED,
    "PENDING_CANCEL": OrderState.ACCEPTED,
    "PARTIALLY_FILLED": OrderState.PARTIALLY_FILLED,
    "FILLED": OrderState.FILLED,
    "CANCELED": OrderState.CANCELED,
    "REJECTED": OrderState.REJECTED,
    "EXPIRED": OrderState.EXPIRED,
    "EXPIRED_IN_MATCH": OrderState.EXPIRED,
}


class Unreadable(ValueError):
    """An answer deviates from the documentation. The text names the field, never its content."""


def placed(body: object, request: OrderRequest) -> ExecutionReport:
    """Parses the FULL answer to `POST order`. Raises Unreadable also if it is about another order than the one requested."""
    report = order(body)
    asked = (request.client_order_id, request.symbol, request.side)
    if (report.client_order_id, report.symbol, report.side) != asked:
        raise Unreadable("the answer is about another order")
    if report.executed_qty > request.qty:
        raise Unreadable("executedQty: more than was asked for")
    return report


def order(body: object) -> ExecutionReport:
    """Parses an order as returned by `POST order` (FULL, RESULT) and the queries; `fills` is empty if it lists none."""
    data = _object(body, "order")
    symbol, executed, quote = _text(data, "symbol"), _amount(data, "executedQty"), _amount(data, "cummulativeQuoteQty")
    at = _moment(data, next((name for name in ("transactTime", "updateTime") if name in data), "time"))
    fills = data.get("fills", [])
    return ExecutionReport(
        client_order_id=_text(data, "clientOrderId"),
        order_id=str(_integer(data, "orderId")),
        symbol=symbol,
        side=_side(data),
        state=_state(_text(data, "status"), executed, quote),
        executed_qty=executed,
        quote_qty=quote,
        at=at,
        fills=tuple(_fill(_object(item, "fills"), symbol, "tradeId", at) for item in _array(fills, "fills")),
        mark=_integer(data, "strategyId") if data.get("strategyId") is not None else None,
        qty=_amount(data, "origQty") if "origQty" in data else ZERO,
    )


def recent_orders(body: object, ours: str, symbol: str) -> RecentOrders:
    """Parses `GET allOrders` of `symbol`, the newest. Reads each order by itself: an unreadable one whose client id begins with
    `ours` is named, any other unreadable one is skipped."""
    found: list[ExecutionReport] = []
    unreadable: list[UnreadableOrder] = []
    for item in _array(body, "orders"):
        data = _object(item, "order")
        if isinstance(other := data.get("symbol"), str) and other != symbol:
            raise Unreadable("an order of another symbol")
        try:
            found.append(order(data))
        except Unreadable:
            if (name := _text(data, "clientOrderId")).startswith(ours):
                number = data.get("orderId")
                unreadable.append(UnreadableOrder(name, str(number) if _is_count(number) else ""))
    return RecentOrders(tuple(found), tuple(unreadable))


def orders(body: object, ours: str = "", *, symbol: str | None = None) -> list[ExecutionReport]:
    """Parses `GET openOrders` or `GET allOrders`, of one `symbol` or of all. Skips an unreadable order whose client id does not
    begin with `ours`: the quote amount of old ones is unknown, and reported as a negative number (rest-api.md, "All orders")."""
    found = []
    for item in _array(body, "orders"):
        try:
            found.append(order(item))
        except Unreadable:
            if _text(_object(item, "order"), "clientOrderId").startswith(ours):
                raise
    if symbol is not None and any(one.symbol != symbol for one in found):
        raise Unreadable("an order of another symbol")
    return found


def trades(body: object, symbol: str, order_id: str) -> list[Fill]:
    """Parses `GET myTrades` of one order. Raises Unreadable if it lists a trade of another one."""
    found = []
    for item in _array(body, "trades"):
        data = _object(item, "trade")
        if _text(data, "symbol") != symbol or str(_integer(data, "orderId")) != order_id:
            raise Unreadable("a trade of another order")
        found.append(_fill(data, symbol, "id", _moment(data, "time")))
    return found


def trades_by_order(body: object, symbol: str) -> list[tuple[str, Fill]]:
    """Parses `GET myTrades` of a symbol: each trade with the id of its order."""
    found = []
    for item in _array(body, "trades"):
        data = _object(item, "trade")
        if _text(data, "symbol") != symbol:
            raise Unreadable("a trade of another symbol")
        found.append((str(_integer(data, "orderId")), _fill(data, symbol, "id", _moment(data, "time"))))
    return found


def quotes(body: object, asked: Sequence[str], at: datetime) -> dict[str, Quote]:
    """Parses `GET ticker/bookTicker` for a list. A symbol with an empty side (price 0) has no quote."""
    found: dict[str, Quote] = {}
    listed = []
    for item in _array(body, "quotes"):
        data = _object(item, "quote")
        quote = Quote(_text(data, "symbol"), bid=_amount(data, "bidPrice"), ask=_amount(data, "askPrice"), at=at)
        listed.append(quote.symbol)
        if quote.bid and quote.ask:
            found[quote.symbol] = quote
    _about(asked, listed)
    if any(quote.bid > quote.ask for quote in found.values()):
        raise Unreadable("a bid above the ask")
    return found


def _about(asked: Sequence[str], listed: Sequence[str]) -> None:
    """Raises Unreadable unless the answer has each requested symbol once, and nothing else: an absence would count as a fact."""
    if sorted(asked) != sorted(listed):
        raise Unreadable("the answer is not about the symbols asked for")


def balances(body: object) -> dict[str, Balance]:
    """Parses `GET account`, without zero balances."""
    found = {}
    for item in _array(_object(body, "account").get("balances"), "balances"):
        data = _object(item, "balance")
        balance = Balance(_text(data, "asset"), free=_amount(data, "free"), locked=_amount(data, "locked"))
        if balance.free or balance.locked:
            found[balance.asset] = balance
    return found


def server_time(body: object) -> datetime:
    """Parses `GET time`."""
    return _moment(_object(body, "time"), "serverTime")


def permissions(account: object, restrictions: object | None) -> Permissions:
    """Parses `GET account` and, where the host has it, `GET sapi/v1/account/apiRestrictions`."""
    data = _object(account, "account")
    names = tuple(item for item in _array(data.get("permissions"), "permissions") if isinstance(item, str))
    if restrictions is None:
        return Permissions(_flag(data, "canTrade"), names)
    key = _object(restrictions, "apiRestrictions")
    return Permissions(
        account_can_trade=_flag(data, "canTrade"),
        account_permissions=names,
        key_can_trade=_flag(key, "enableSpotAndMarginTrading"),
        key_can_withdraw=_flag(key, "enableWithdrawals"),
        key_can_transfer=any(key.get(name) is True for name in ("enableInternalTransfer", "permitsUniversalTransfer")),
        ip_restricted=_flag(key, "ipRestrict"),
    )


def instruments(body: object, *, skip_unreadable: bool = False) -> dict[str, Instrument]:
    """Parses `GET exchangeInfo`. With `skip_unreadable` one bad symbol among thousands is skipped instead of failing all."""
    found = {}
    for item in _array(_object(body, "exchangeInfo").get("symbols"), "symbols"):
        try:
            rules = instrument(item)
        except Unreadable:
            if not skip_unreadable:
                raise
            continue
        found[rules.symbol] = rules
    return found


def instruments_of(body: object, asked: Sequence[str]) -> dict[str, Instrument]:
    """Parses `GET exchangeInfo` for a list: raises Unreadable unless it has each of them, and nothing else."""
    found = instruments(body)
    _about(asked, list(found))
    return found


_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3_600, "DAY": 86_400}


def rate_limits(body: object) -> list[RateLimit]:
    """Parses `exchangeInfo.rateLimits`. Skips undocumented entries: the documented limits then apply."""
    found = []
    listed = body.get("rateLimits") if isinstance(body, Mapping) else None
    for item in listed if isinstance(listed, list) else []:
        rule = item if isinstance(item, Mapping) else {}
        kind, unit, many, limit = (rule.get(name) for name in ("rateLimitType", "interval", "intervalNum", "limit"))
        if isinstance(kind, str) and isinstance(unit, str) and unit in _SECONDS and _is_count(many) and _is_count(limit):
            found.append(RateLimit(kind, _SECONDS[unit] * many, limit))
    return found


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**15


def instrument(body: object) -> Instrument:
    """Parses one symbol of exchangeInfo, with the rules that a MARKET order must keep (filters.md)."""
    data = _object(body, "symbol")
    filters = {_text(rule, "filterType"): rule for rule in map(_as_filter, _array(data.get("filters"), "filters"))}
    if "LOT_SIZE" not in filters:
        raise Unreadable("no LOT_SIZE filter")
    lot, market_lot, price = filters["LOT_SIZE"], filters.get("MARKET_LOT_SIZE"), filters.get("PRICE_FILTER")
    least, most = _notional(filters)
    return Instrument(
        symbol=_text(data, "symbol"),
        base=_text(data, "baseAsset"),
        quote=_text(data, "quoteAsset"),
        status=_text(data, "status"),
        tick_size=_amount(price, "tickSize") if price else ZERO,
        step_size=_amount(lot, "stepSize"),
        min_qty=_amount(lot, "minQty"),
        max_qty=_amount(lot, "maxQty") or None,
        market_step_size=_amount(market_lot, "stepSize") if market_lot else ZERO,
        market_min_qty=_amount(market_lot, "minQty") if market_lot else ZERO,
        market_max_qty=(_amount(market_lot, "maxQty") or None) if market_lot else None,
        min_notional=least,
        max_notional=most,
        market_orders="MARKET" in _array(data.get("orderTypes"), "orderTypes") and data.get("isSpotTradingAllowed", True) is True,
    )


def _notional(filters: Mapping[str, Mapping[str, object]]) -> tuple[Decimal, Decimal | None]:
    """Returns the minimum and maximum value of a MARKET order: NOTIONAL, or the older MIN_NOTIONAL."""
    least, most = ZERO, None
    if (old := filters.get("MIN_NOTIONAL")) and _flag(old, "applyToMarket"):
        least = _amount(old, "minNotional")
    if rule := filters.get("NOTIONAL"):
        if _flag(rule, "applyMinToMarket"):
            least = max(least, _amount(rule, "minNotional"))
        if _flag(rule, "applyMaxToMarket"):
            most = _amount(rule, "maxNotional")
    return least, most


def _state(word: str, executed: Decimal, quote: Decimal) -> OrderState:
    """Maps a status of enums.md, "Order status". Raises Unreadable for an unknown one, or one that the amounts contradict."""
    state = _STATES.get(word)
    if state is None:
        raise Unreadable("an unknown order status")
    if word == "PENDING_CANCEL" and executed:
        state = OrderState.PARTIALLY_FILLED
    must_have_filled = state in {OrderState.FILLED, OrderState.PARTIALLY_FILLED}
    may_have_filled = must_have_filled or state in {OrderState.CANCELED, OrderState.EXPIRED}
    if bool(executed) != bool(quote) or (must_have_filled and not executed) or (executed and not may_have_filled):
        raise Unreadable("the status and the amounts contradict each other")
    return state


def _fill(data: Mapping[str, object], symbol: str, id_name: str, at: datetime) -> Fill:
    fill = Fill(
        symbol=symbol,
        trade_id=str(_integer(data, id_name)),
        price=_amount(data, "price"),
        qty=_amount(data, "qty"),
        fee=_amount(data, "commission"),
        fee_asset=_text(data, "commissionAsset"),
        at=at,
    )
    if not fill.qty or not fill.price:
        raise Unreadable("a fill of nothing")
    return fill


def _as_filter(item: object) -> Mapping[str, object]:
    return _object(item, "filter")


def _object(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise Unreadable(f"{what}: not an object")
    return value


def _array(value: object, what: str) -> list[object]:
    if not isinstance(value, list):
        raise Unreadable(f"{what}: not an array")
    return value


def _text(data: Mapping[str, object], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_TEXT or not value.isprintable():
        raise Unreadable(f"{name}: not a text")
    return value


def _amount(data: Mapping[str, object], name: str) -> Decimal:
    """Reads an amount, sent as text. Rejects a JSON number: it would have passed through a float."""
    value = data.get(name)
    if not isinstance(value, str):
        raise Unreadable(f"{name}: not a decimal text")
    try:
        number = parse_decimal(value)
    except ValueError:
        number = Decimal(-1)
    if number < 0:
        raise Unreadable(f"{name}: not an amount")
    return number


def _integer(data: Mapping[str, object], name: str) -> int:
    value = data.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise Unreadable(f"{name}: not a whole number")
    return value


def _moment(data: Mapping[str, object], name: str) -> datetime:
    value = _integer(data, name)
    if not _EARLIEST <= value < _LATEST:
        raise Unreadable(f"{name}: not a time in milliseconds")
    seconds, milliseconds = divmod(value, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=milliseconds * 1000)


def _flag(data: Mapping[str, object], name: str) -> bool:
    value = data.get(name)
    if not isinstance(value, bool):
        raise Unreadable(f"{name}: neither true nor false")
    return value


def _side(data: Mapping[str, object]) -> Side:
    try:
        return Side(_text(data, "side"))
    except ValueError:
        raise Unreadable("side: neither BUY nor SELL") from None
