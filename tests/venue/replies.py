"""JSON bodies of the venue, key by key as in rest-api.md and recorded payloads. Pure."""

from decimal import Decimal
from typing import Any

from tests.venue.book import Level, OrderBook
from tests.venue.filters import SymbolRules
from tests.venue.model import CONTINGENT, ZERO, Account, Amendment, ApiKey, Order, OrderList, Trade
from tests.venue.tape import Bar

Json = dict[str, Any]


def number(value: Decimal, digits: int = 8) -> str:
    """Writes plain decimal notation with a fixed number of places, as the exchange does."""
    return f"{value:.{digits}f}"


def ack(order: Order) -> Json:
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": order.order_list_id,
        "clientOrderId": order.client_order_id,
        "transactTime": order.update_time,
    }


def _amounts(order: Order, rules: SymbolRules) -> Json:
    base, quote = rules.base_precision, rules.quote_precision
    return {
        "price": number(order.price, quote),
        **({"origQty": number(order.orig_qty, base)} if order.orig_qty else {}),
        "executedQty": number(order.executed_qty, base),
        "origQuoteOrderQty": number(order.orig_quote_qty, quote),
        "cummulativeQuoteQty": number(order.quote_qty, quote),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": order.side,
    }


def _stop(order: Order, rules: SymbolRules) -> Json:
    """Returns the fields of stop and trailing orders (rest-api.md, "Conditional fields in Order Responses")."""
    found: Json = {}
    if order.type in CONTINGENT:
        found["stopPrice"] = number(order.stop_price or ZERO, rules.quote_precision)
    if order.trailing_delta is not None:
        found |= {"trailingDelta": order.trailing_delta, "trailingTime": order.trailing_time}
    return found


def _conditional(order: Order, rules: SymbolRules) -> Json:
    """Returns the other conditional fields: only if a parameter was sent, or if the order expired."""
    found: Json = {}
    if order.strategy_id is not None:
        found["strategyId"] = order.strategy_id
    if order.strategy_type is not None:
        found["strategyType"] = order.strategy_type
    if order.status == "EXPIRED_IN_MATCH":
        found["preventedMatchId"] = order.prevented_match_id
        found["preventedQuantity"] = number(order.prevented_qty, rules.base_precision)
    if order.expiry_reason is not None:
        found["expiryReason"] = order.expiry_reason
    return found


def result(order: Order, rules: SymbolRules) -> Json:
    return {
        **ack(order),
        **_amounts(order, rules),
        **_stop(order, rules),
        **_conditional(order, rules),
        "workingTime": order.working_time,
        "selfTradePreventionMode": order.stp_mode,
    }


def placed(order: Order, rules: SymbolRules, wanted: str) -> Json:
    """Returns the answer to a new order in the requested form."""
    if wanted == "ACK":
        return ack(order)
    return full(order, rules) if wanted == "FULL" else result(order, rules)


def full(order: Order, rules: SymbolRules) -> Json:
    body = result(order, rules)
    mode = body.pop("selfTradePreventionMode")
    body["fills"] = [
        {
            "price": number(trade.price, rules.quote_precision),
            "qty": number(trade.qty, rules.base_precision),
            "commission": number(trade.commission),
            "commissionAsset": trade.commission_asset,
            "tradeId": trade.id,
        }
        for trade in order.trades
    ]
    body["selfTradePreventionMode"] = mode
    return body


def queried(order: Order, rules: SymbolRules) -> Json:
    """Returns the body of GET order, openOrders and allOrders."""
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": order.order_list_id,
        "clientOrderId": order.client_order_id,
        **_amounts(order, rules),
        "stopPrice": number(ZERO, rules.quote_precision),
        **_stop(order, rules),
        "icebergQty": number(ZERO, rules.base_precision),
        "time": order.time,
        "updateTime": order.update_time,
        "isWorking": order.working_time > 0,
        **_conditional(order, rules),
        "workingTime": order.working_time,
        "selfTradePreventionMode": order.stp_mode,
    }


def canceled(order: Order, rules: SymbolRules, cancel_id: str) -> Json:
    return {
        **ack(order),
        "origClientOrderId": order.canceled_as,
        "clientOrderId": cancel_id,
        **_amounts(order, rules),
        **_stop(order, rules),
        **_conditional(order, rules),
        "selfTradePreventionMode": order.stp_mode,
    }


def order_list(found: OrderList, *, status: str | None = None, status_type: str | None = None) -> Json:
    """Returns a list without its reports; a placement says EXECUTING, whatever has followed since."""
    return {
        "orderListId": found.order_list_id,
        "contingencyType": found.contingency,
        "listStatusType": status_type or found.status_type,
        "listOrderStatus": status or found.status,
        "listClientOrderId": found.client_list_id,
        "transactionTime": found.time,
        "symbol": found.symbol,
        "orders": [{"symbol": leg.symbol, "orderId": leg.order_id, "clientOrderId": leg.client_order_id} for leg in found.legs],
    }


def amended(made: Amendment, rules: SymbolRules, found: OrderList | None) -> Json:
    """Returns the body of order/amend/keepPriority, whose names are partly others than those of the other answers."""
    order, base, quote = made.order, rules.base_precision, rules.quote_precision
    body: Json = {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": order.order_list_id,
        "origClientOrderId": made.former_id,
        "clientOrderId": made.new_id,
        "price": number(order.price, quote),
        "qty": number(order.orig_qty, base),
        "executedQty": number(order.executed_qty, base),
        "preventedQty": number(order.prevented_qty, base),
        "quoteOrderQty": number(order.orig_quote_qty, quote),
        "cumulativeQuoteQty": number(order.quote_qty, quote),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": order.side,
        **_stop(order, rules),
        **({"workingTime": order.working_time} if order.working_time > 0 else {}),
        "selfTradePreventionMode": order.stp_mode,
    }
    answer: Json = {"transactTime": made.time, "executionId": made.execution_id, "amendedOrder": body}
    if found is not None:
        status = order_list(found)
        for name in ("listStatusType", "transactionTime"):
            del status[name]
        answer["listStatus"] = status
    return answer


def amendment(made: Amendment, rules: SymbolRules) -> Json:
    return {
        "symbol": made.order.symbol,
        "orderId": made.order.order_id,
        "executionId": made.execution_id,
        "origClientOrderId": made.former_id,
        "newClientOrderId": made.new_id,
        "origQty": number(made.former_qty, rules.base_precision),
        "newQty": number(made.new_qty, rules.base_precision),
        "time": made.time,
    }


def my_trade(trade: Trade, rules: SymbolRules) -> Json:
    return {
        "symbol": trade.symbol,
        "id": trade.id,
        "orderId": trade.order_id,
        "orderListId": trade.order_list_id,
        "price": number(trade.price, rules.quote_precision),
        "qty": number(trade.qty, rules.base_precision),
        "quoteQty": number(trade.quote_qty, rules.quote_precision),
        "commission": number(trade.commission),
        "commissionAsset": trade.commission_asset,
        "time": trade.time,
        "isBuyer": trade.is_buyer,
        "isMaker": trade.is_maker,
        "isBestMatch": True,
    }


def account_info(account: Account, listed: list[str], *, omit_zero: bool) -> Json:
    """Returns balances of every listed asset, as the exchange sends them, unless zeros are to be left out."""
    balances = []
    for asset in dict.fromkeys([*listed, *account.balances]):
        held = account.balances.get(asset)
        free, locked = (held.free, held.locked) if held else (ZERO, ZERO)
        if free or locked or not omit_zero:
            balances.append({"asset": asset, "free": number(free), "locked": number(locked)})
    rates = account.rates
    return {
        "makerCommission": int(rates.maker * 10_000),
        "takerCommission": int(rates.taker * 10_000),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": _rates(account),
        "canTrade": account.can_trade,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": account.update_time,
        "accountType": "SPOT",
        "balances": balances,
        "permissions": ["SPOT"],
        "uid": account.uid,
    }


def _rates(account: Account) -> Json:
    rates = account.rates
    none = number(ZERO)
    return {"maker": number(rates.maker), "taker": number(rates.taker), "buyer": none, "seller": none}


def _discount(account: Account) -> Json:
    return {
        "enabledForAccount": account.rates.bnb_burn,
        "enabledForSymbol": True,
        "discountAsset": "BNB",
        "discount": number(account.rates.bnb_multiplier),
    }


def commission(account: Account, symbol: str) -> Json:
    none = dict.fromkeys(("maker", "taker", "buyer", "seller"), number(ZERO))
    return {
        "symbol": symbol,
        "standardCommission": _rates(account),
        "specialCommission": none,
        "taxCommission": none,
        "discount": _discount(account),
    }


def order_commission(account: Account) -> Json:
    """Returns the body of POST order/test with computeCommissionRates."""
    none = {"maker": number(ZERO), "taker": number(ZERO)}
    return {
        "standardCommissionForOrder": {
            "maker": number(account.rates.maker),
            "taker": number(account.rates.taker),
        },
        "specialCommissionForOrder": none,
        "taxCommissionForOrder": none,
        "discount": _discount(account),
    }


def restrictions(key: ApiKey, created: int) -> Json:
    return {
        "ipRestrict": key.ip_restricted,
        "createTime": created,
        "enableReading": key.can_read,
        "enableWithdrawals": key.can_withdraw,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": False,
        "permitsUniversalTransfer": key.can_transfer,
        "enableVanillaOptions": False,
        "enablePortfolioMarginTrading": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": key.can_read,
        "enableSpotAndMarginTrading": key.can_trade,
    }


def _level(level: Level, rules: SymbolRules) -> list[str]:
    """Writes a level; an endless one shows the most that one order may be."""
    most = Decimal(rules.rules["LOT_SIZE"]["maxQty"])
    shown = most if level.qty is None else level.qty
    return [number(level.price, rules.quote_precision), number(shown, rules.base_precision)]


def kline(bar: Bar, closes_at: int, rules: SymbolRules) -> list[object]:
    def prices(*values: Decimal) -> list[str]:
        return [number(value, rules.quote_precision) for value in values]

    return [
        bar.at,
        *prices(bar.open, bar.high, bar.low, bar.close),
        number(bar.qty, rules.base_precision),
        closes_at,
        *prices(bar.quote_qty),
        bar.count,
        number(bar.taken_qty, rules.base_precision),
        *prices(bar.taken_quote_qty),
        "0",
    ]


def depth(book: OrderBook, rules: SymbolRules, limit: int) -> Json:
    return {
        "lastUpdateId": book.update_id,
        "bids": [_level(level, rules) for level in book.bids[:limit]],
        "asks": [_level(level, rules) for level in book.asks[:limit]],
    }


def book_ticker(book: OrderBook, rules: SymbolRules) -> Json:
    nothing = [number(ZERO, rules.quote_precision), number(ZERO, rules.base_precision)]
    bid = _level(book.bids[0], rules) if book.bids else nothing
    ask = _level(book.asks[0], rules) if book.asks else nothing
    return {
        "symbol": rules.symbol,
        "bidPrice": bid[0],
        "bidQty": bid[1],
        "askPrice": ask[0],
        "askQty": ask[1],
    }


def price_ticker(book: OrderBook, rules: SymbolRules) -> Json:
    return {"symbol": rules.symbol, "price": number(book.last, rules.quote_precision)}


def day_ticker(book: OrderBook, rules: SymbolRules, trades: list[Trade], now: int) -> Json:
    """Returns the rolling day over the venue's own trades; with none, the last price stands for open, high and low."""
    digits, base = rules.quote_precision, rules.base_precision
    prices = [trade.price for trade in trades] or [book.last]
    volume = sum((trade.qty for trade in trades), ZERO)
    quote = sum((trade.quote_qty for trade in trades), ZERO)
    change = book.last - prices[0]
    ticker = book_ticker(book, rules)
    return {
        "symbol": rules.symbol,
        "priceChange": number(change, digits),
        "priceChangePercent": number(change / prices[0] * 100 if prices[0] else ZERO, 3),
        "weightedAvgPrice": number(quote / volume if volume else book.last, digits),
        "prevClosePrice": number(prices[0], digits),
        "lastPrice": number(book.last, digits),
        "lastQty": number(trades[-1].qty if trades else ZERO, base),
        **{key: ticker[key] for key in ("bidPrice", "bidQty", "askPrice", "askQty")},
        "openPrice": number(prices[0], digits),
        "highPrice": number(max(prices), digits),
        "lowPrice": number(min(prices), digits),
        "volume": number(volume, base),
        "quoteVolume": number(quote, digits),
        "openTime": now - 86_400_000,
        "closeTime": now,
        "firstId": trades[0].id if trades else -1,
        "lastId": trades[-1].id if trades else -1,
        "count": len(trades),
    }
