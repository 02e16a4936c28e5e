"""Parses orders and trades from Binance's JSON. Pure: requests nothing and raises only Unreadable."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from core.adapters.binance.json_fields import Unreadable, amount, integer, is_count, json_array, json_object, moment, side, text
from core.domain.money import ZERO
from core.domain.order import (
    MET_OURS,
    EntryList,
    ExecutionReport,
    Fill,
    ListRequest,
    OrderRequest,
    RecentOrders,
    UnreadableOrder,
)
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms, OrderType, TimeInForce
from core.domain.signal import Side

PENDING = "PENDING_NEW"
"""The status of a leg that waits for the first order of its list."""

_LONGEST_REASON = 50
_STATES: Mapping[str, OrderState] = {
    "NEW": OrderState.ACCEPTED,
    PENDING: OrderState.ACCEPTED,
    "PENDING_CANCEL": OrderState.ACCEPTED,
    "PARTIALLY_FILLED": OrderState.PARTIALLY_FILLED,
    "FILLED": OrderState.FILLED,
    "CANCELED": OrderState.CANCELED,
    "REJECTED": OrderState.REJECTED,
    "EXPIRED": OrderState.EXPIRED,
    "EXPIRED_IN_MATCH": OrderState.EXPIRED,
}


def placed(body: object, request: OrderRequest) -> ExecutionReport:
    """Parses the FULL answer to `POST order`. Raises Unreadable also if it is about another order than the one requested."""
    report = order(body)
    _check_subject(report, request.client_order_id, request.symbol, request.side)
    if report.executed_qty > request.qty:
        raise Unreadable("executedQty: more than was asked for")
    return report


def list_placed(body: object, request: ListRequest) -> tuple[ExecutionReport, ...]:
    """Parses the FULL answer to `POST orderList/oco`: the report on the leg above, then on the one below. Raises Unreadable also
    if it is about another list, or about other legs than those requested."""
    legs = (request.above, request.below)
    reports = _reports_on(body, request, [leg.client_order_id for leg in legs])
    for report, leg in zip(reports, legs, strict=True):
        _check_subject(report, leg.client_order_id, request.symbol, Side.SELL)
        if report.qty != request.qty or report.executed_qty > request.qty:
            raise Unreadable("origQty: not what was asked for")
    return reports


def entry_placed(body: object, request: EntryList) -> tuple[ExecutionReport, ...]:
    """Parses the FULL answer to `POST orderList/opo` or `opoco`: the report on the entry, then those on its exits, which have no
    quantity as long as they wait. Raises Unreadable also if it is about another list, or about other orders."""
    exits = request.exits
    reports = _reports_on(body, request, [request.entry.client_order_id, *(leg.client_order_id for leg in exits)])
    first, *others = reports
    _check_subject(first, request.entry.client_order_id, request.symbol, request.entry.side)
    if first.qty != request.entry.qty or first.executed_qty > request.entry.qty:
        raise Unreadable("origQty: not what was asked for")
    for report, leg in zip(others, exits, strict=True):
        _check_subject(report, leg.client_order_id, request.symbol, Side.SELL)
        if max(report.qty, report.executed_qty) > request.entry.qty:
            raise Unreadable("origQty: more than the entry could buy")
    return reports


def _reports_on(body: object, request: ListRequest | EntryList, names: Sequence[str]) -> tuple[ExecutionReport, ...]:
    """Returns the reports on the orders `names` of a list, in this order: on each of them, and on nothing else."""
    data = json_object(body, "order list")
    if (text(data, "listClientOrderId"), text(data, "symbol")) != (request.list_id, request.symbol):
        raise Unreadable("the answer is about another order list")
    listed = [order(item) for item in json_array(data.get("orderReports"), "orderReports")]
    found = {report.client_order_id: report for report in listed}
    if len(listed) != len(names) or found.keys() != set(names):
        raise Unreadable("orderReports: not the legs of the list")
    if len({report.order_id for report in listed}) != len(names):
        raise Unreadable("orderId: the same for two legs")
    return tuple(found[name] for name in names)


def _check_subject(report: ExecutionReport, client_order_id: str, symbol: str, asked: Side) -> None:
    if (report.client_order_id, report.symbol, report.side) != (client_order_id, symbol, asked):
        raise Unreadable("the answer is about another order")


def order(body: object) -> ExecutionReport:
    """Parses an order as returned by `POST order` (FULL, RESULT), the queries and cancellations; `fills` is empty if it lists
    none. In the answer to a cancellation `clientOrderId` is the cancellation's own, the order's is `origClientOrderId`."""
    data = json_object(body, "order")
    symbol, executed, quote = text(data, "symbol"), amount(data, "executedQty"), amount(data, "cummulativeQuoteQty")
    status = text(data, "status")
    at = moment(data, next((name for name in ("transactTime", "updateTime") if name in data), "time"))
    fills = data.get("fills", [])
    return ExecutionReport(
        client_order_id=text(data, "origClientOrderId" if "origClientOrderId" in data else "clientOrderId"),
        order_id=str(integer(data, "orderId")),
        symbol=symbol,
        side=side(data),
        state=state_of(status, executed, quote),
        executed_qty=executed,
        quote_qty=quote,
        at=at,
        fills=tuple(_fill(json_object(item, "fills"), symbol, "tradeId", at) for item in json_array(fills, "fills")),
        mark=integer(data, "strategyId") if data.get("strategyId") is not None else None,
        strategy_number=integer(data, "strategyType") if data.get("strategyType") is not None else None,
        qty=amount(data, "origQty") if "origQty" in data else ZERO,
        terms=terms_of(data),
        expiry_reason=expiry_reason_of(status, data.get("expiryReason")),
        is_pending=status == PENDING,
    )


def terms_of(data: Mapping[str, object]) -> OrderTerms | None:
    """Returns the order's terms; None if the answer does not tell them, or in a way that is not documented: nothing but the
    adoption of an order that the ledger lost goes by them."""
    try:
        kind = OrderType(text(data, "type"))
        stop_price = amount(data, "stopPrice") if "stopPrice" in data else ZERO
        trailing = integer(data, "trailingDelta") if data.get("trailingDelta") is not None else None
        return OrderTerms(
            kind,
            TimeInForce(text(data, "timeInForce")) if kind.has_time_in_force else None,
            amount(data, "price") if kind.has_limit else None,
            stop_price if kind.has_trigger and stop_price else None,
            trailing if kind.has_trigger else None,
        )
    except ValueError:  # Unreadable is one
        return None


def check_canceled(body: object, client_order_id: str) -> None:
    """Checks that the answer to `DELETE order` names the order, or the list that it was in. Raises Unreadable if it does not:
    `clientOrderId` is the cancellation's own (rest-api.md, "Cancel order")."""
    answer = json_object(body, "cancelled order")
    orders = json_array(answer["orderReports"], "cancelled orders") if "orderReports" in answer else [answer]
    if client_order_id not in [json_object(order, "cancelled order").get("origClientOrderId") for order in orders]:
        raise Unreadable("another order was cancelled")


def recent_orders(body: object, ours: str, symbol: str) -> RecentOrders:
    """Parses `GET allOrders` of `symbol`, the newest. Reads each order by itself: an unreadable one whose client id begins with
    `ours` is named, any other unreadable one is skipped."""
    found: list[ExecutionReport] = []
    unreadable: list[UnreadableOrder] = []
    for item in json_array(body, "orders"):
        data = json_object(item, "order")
        if isinstance(other := data.get("symbol"), str) and other != symbol:
            raise Unreadable("an order of another symbol")
        try:
            found.append(order(data))
        except Unreadable:
            if (name := text(data, "clientOrderId")).startswith(ours):
                number = data.get("orderId")
                unreadable.append(UnreadableOrder(name, str(number) if is_count(number) else ""))
    return RecentOrders(tuple(found), tuple(unreadable))


def orders(body: object, ours: str = "", *, symbol: str | None = None) -> list[ExecutionReport]:
    """Parses `GET openOrders` or `GET allOrders`, of one `symbol` or of all. Skips an unreadable order whose client id does not
    begin with `ours`: the quote amount of old ones is unknown, and reported as a negative number (rest-api.md, "All orders")."""
    found = []
    for item in json_array(body, "orders"):
        try:
            found.append(order(item))
        except Unreadable:
            if text(json_object(item, "order"), "clientOrderId").startswith(ours):
                raise
    if symbol is not None and any(one.symbol != symbol for one in found):
        raise Unreadable("an order of another symbol")
    return found


def trades(body: object, symbol: str, order_id: str) -> list[Fill]:
    """Parses `GET myTrades` of one order. Raises Unreadable if it lists a trade of another one."""
    found = []
    for item in json_array(body, "trades"):
        data = json_object(item, "trade")
        if text(data, "symbol") != symbol or str(integer(data, "orderId")) != order_id:
            raise Unreadable("a trade of another order")
        found.append(_fill(data, symbol, "id", moment(data, "time")))
    return found


def trades_by_order(body: object, symbol: str) -> list[tuple[str, Fill]]:
    """Parses `GET myTrades` of a symbol: each trade with the id of its order."""
    found = []
    for item in json_array(body, "trades"):
        data = json_object(item, "trade")
        if text(data, "symbol") != symbol:
            raise Unreadable("a trade of another symbol")
        found.append((str(integer(data, "orderId")), _fill(data, symbol, "id", moment(data, "time"))))
    return found


def state_of(word: str, executed: Decimal, quote: Decimal) -> OrderState:
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


def expiry_reason_of(word: str, told: object) -> str:
    """Returns the reason of an expiry, in the exchange's own word; empty if it tells none. Not worth refusing a report for."""
    if isinstance(told, str) and told.isidentifier():
        return told[:_LONGEST_REASON]
    return word if word == MET_OURS else ""


def _fill(data: Mapping[str, object], symbol: str, id_name: str, at: datetime) -> Fill:
    fill = Fill(
        symbol=symbol,
        trade_id=str(integer(data, id_name)),
        price=amount(data, "price"),
        qty=amount(data, "qty"),
        fee=amount(data, "commission"),
        fee_asset=text(data, "commissionAsset"),
        at=at,
    )
    if not fill.qty or not fill.price:
        raise Unreadable("a fill of nothing")
    return fill
