"""Binance's recorded and documented payloads are parsed; anything else in an answer is refused."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.binance import codec, order_codec
from core.adapters.binance.json_fields import Unreadable
from core.domain.api_key_permissions import Permissions
from core.domain.candle import Candle, Interval
from core.domain.instrument import Balance
from core.domain.order import ExecutionReport, Fill, OrderRequest, RecentOrders
from core.domain.order_state_machine import OrderState
from core.domain.signal import Side
from tests.core.adapters.binance.damage import damaged
from tests.paths import DATA

BINANCE = DATA / "binance"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
QUERIED: dict[str, Any] = {
    "symbol": "WIFUSDC",
    "orderId": 7,
    "clientOrderId": "mf-1",
    "executedQty": "20.00",
    "cummulativeQuoteQty": "9.602",
    "status": "FILLED",
    "side": "BUY",
    "updateTime": 1_795_000_000_123,
}


def sample(name: str) -> Any:
    return json.loads((BINANCE / name).read_text())


def totals(report: ExecutionReport) -> tuple[OrderState, Side, Decimal, Decimal, int]:
    return report.state, report.side, report.executed_qty, report.quote_qty, len(report.fills)


# --- orders ---


def test_a_recorded_market_order_with_two_fills() -> None:
    report = order_codec.order(sample("orders/full_ETHBTC_market_2fills_real2018.json"))
    assert totals(report) == (OrderState.FILLED, Side.BUY, Decimal("0.157"), Decimal("0.00518492"), 2)
    assert (report.order_id, report.client_order_id) == ("208236424", "eQqnhlxTVBf8kKIHYbP573")
    at = datetime(2018, 9, 18, 19, 18, 23, 655_000, tzinfo=UTC)
    assert report.at == at
    assert report.fills[1] == Fill(
        "ETHBTC", "83026839", Decimal("0.033026"), Decimal("0.125"), Decimal("0.000125"), "ETH", at
    )  # fmt: skip
    assert report.fills_complete


def test_recorded_fees_in_bnb() -> None:
    report = order_codec.order(sample("orders/full_BNBUSD_us_market_bnbfee_real2021.json"))
    assert (report.fills[0].fee, report.fills[0].fee_asset) == (Decimal("0.0000225"), "BNB")
    report = order_codec.order(sample("orders/wsapi_full_BTCUSDT_limit_2fills_bnb_real2022.json")["result"])
    assert totals(report) == (OrderState.FILLED, Side.SELL, Decimal("0.00847"), Decimal("198.335215"), 2)
    assert {fill.fee for fill in report.fills} == {Decimal(0)}


def test_the_documented_order_with_five_fills() -> None:
    report = order_codec.order(sample("orders/doc_full_5fills_sample.json"))
    assert [fill.trade_id for fill in report.fills] == ["56", "57", "58", "59", "60"]
    assert report.fills_complete


def test_an_answer_without_fills_is_incomplete() -> None:
    report = order_codec.order(sample("orders/doc_result_sample.json"))
    assert totals(report) == (OrderState.FILLED, Side.SELL, Decimal(10), Decimal(10), 0)
    assert not report.fills_complete


def test_queried_orders_carry_no_fills() -> None:
    report = order_codec.order(sample("orders/get_ETHUSDT_limit_filled_real2022.json"))
    assert totals(report) == (OrderState.FILLED, Side.SELL, Decimal("0.006"), Decimal("18.07068"), 0)
    assert report.at == datetime(2022, 4, 22, 7, 0, 29, 617_000, tzinfo=UTC)
    assert not report.fills_complete
    assert totals(order_codec.order(sample("orders/new_SOLUSDT_limit_real2025.json")))[0] is OrderState.ACCEPTED


@pytest.mark.parametrize("name", ["doc_ack_sample", "doc_oco_sample", "doc_account_sample", "doc_myTrades_sample"])
def test_what_tells_too_little_of_an_order_is_unreadable(name: str) -> None:
    with pytest.raises(Unreadable):
        order_codec.order(sample(f"orders/{name}.json"))


@pytest.mark.parametrize(
    ("word", "executed", "state"),
    [
        ("NEW", "0", OrderState.ACCEPTED),
        ("PENDING_NEW", "0", OrderState.ACCEPTED),
        ("PENDING_CANCEL", "0", OrderState.ACCEPTED),
        ("PENDING_CANCEL", "1", OrderState.PARTIALLY_FILLED),
        ("PARTIALLY_FILLED", "1", OrderState.PARTIALLY_FILLED),
        ("FILLED", "1", OrderState.FILLED),
        ("CANCELED", "0", OrderState.CANCELED),
        ("CANCELED", "1", OrderState.CANCELED),
        ("REJECTED", "0", OrderState.REJECTED),
        ("EXPIRED", "0", OrderState.EXPIRED),
        ("EXPIRED", "1", OrderState.EXPIRED),
        ("EXPIRED_IN_MATCH", "1", OrderState.EXPIRED),
    ],
)
def test_every_status_word(word: str, executed: str, state: OrderState) -> None:
    body = {**QUERIED, "status": word, "executedQty": executed, "cummulativeQuoteQty": executed}
    report = order_codec.order(body)
    assert (report.state, report.is_pending) == (state, word == "PENDING_NEW")


@pytest.mark.parametrize(
    "change",
    [
        {"status": "FILLING"},
        {"status": "filled"},
        {"executedQty": "0"},
        {"cummulativeQuoteQty": "0"},
        {"cummulativeQuoteQty": "-1"},  # rest-api.md: "the data is not available at this time"
        {"status": "NEW"},
        {"status": "REJECTED"},
        {"status": "EXPIRED", "executedQty": "0"},
        {"executedQty": 20.0},
        {"executedQty": 20},
        {"executedQty": "NaN"},
        {"executedQty": "Infinity"},
        {"executedQty": "1e400"},
        {"executedQty": "٢٠"},
        {"executedQty": None},
        {"orderId": "7"},
        {"orderId": -1},
        {"orderId": True},
        {"orderId": 10**30},
        {"clientOrderId": ""},
        {"clientOrderId": "\ud800"},
        {"clientOrderId": "a\nb"},
        {"symbol": 5},
        {"side": "HOLD"},
        {"updateTime": 1_795_000_000},  # seconds
        {"updateTime": 1_795_000_000_123_000},  # microseconds
        {"updateTime": "1795000000123"},
        {"fills": None},
        {"fills": [5]},
        {"fills": [{"price": "0.48", "qty": "0", "commission": "0", "commissionAsset": "WIF", "tradeId": 1}]},
        {"fills": [{"price": "0.48", "qty": "20", "commission": "0", "commissionAsset": "WIF"}]},
    ],
)
def test_an_order_that_cannot_be_so_is_unreadable(change: dict[str, Any]) -> None:
    assert order_codec.order(QUERIED).state is OrderState.FILLED
    with pytest.raises(Unreadable) as caught:
        order_codec.order({**QUERIED, **change})
    assert "1795" not in str(caught.value)  # names the field, never its content


@pytest.mark.parametrize("change", [{"client_order_id": "mf-2"}, {"symbol": "WIFUSDT"}, {"side": Side.SELL}])
def test_an_answer_about_another_order_is_unreadable(change: dict[str, Any]) -> None:
    asked = OrderRequest("mf-1", "WIFUSDC", Side.BUY, Decimal(20))
    assert order_codec.placed(QUERIED, asked).order_id == "7"
    with pytest.raises(Unreadable):
        order_codec.placed(QUERIED, replace(asked, **change))


def test_documented_trades_become_fills() -> None:
    body = sample("orders/doc_myTrades_sample.json")
    (fill,) = order_codec.trades(body, "BNBBTC", "100234")
    assert (fill.trade_id, fill.price, fill.qty, fill.fee, fill.fee_asset) == (
        "28457", Decimal("4.000001"), Decimal(12), Decimal("10.1"), "BNB",
    )  # fmt: skip
    assert fill.at == datetime(2017, 7, 12, 13, 19, 9, 590_000, tzinfo=UTC)
    for symbol, order_id in (("BNBBTC", "100235"), ("BNBUSDT", "100234")):
        with pytest.raises(Unreadable):
            order_codec.trades(body, symbol, order_id)


def test_documented_open_orders() -> None:
    assert [report.state for report in order_codec.orders(sample("samples/openOrders.json"))] == [OrderState.ACCEPTED]


# --- rules, prices, account ---


def test_every_recorded_symbol_has_rules() -> None:
    found = codec.instruments(sample("exchangeInfo_12_symbols.json"))
    assert len(found) == 12
    assert all(rules.trading and rules.market_orders and rules.market_step_size == 0 for rules in found.values())
    wif = found["WIFUSDC"]
    assert (wif.base, wif.quote, wif.tick_size, wif.step_size, wif.min_qty) == (
        "WIF", "USDC", Decimal("0.001"), Decimal("0.01"), Decimal("0.01"),
    )  # fmt: skip
    assert (wif.max_qty, wif.market_min_qty, wif.market_max_qty) == (Decimal(92141578), Decimal(0), Decimal("28471.13481171"))
    assert wif.max_notional is None  # applyMaxToMarket is false


def rules_with(*filters: dict[str, Any], **changes: Any) -> dict[str, Any]:
    lot = {"filterType": "LOT_SIZE", "minQty": "0.01", "maxQty": "100", "stepSize": "0.01"}
    return {
        "symbol": "WIFUSDC", "status": "TRADING", "baseAsset": "WIF", "quoteAsset": "USDC",
        "orderTypes": ["LIMIT", "MARKET"], "filters": [lot, *filters], **changes,
    }  # fmt: skip


def notional(minimum: str, *, to_market: bool, maximum: str = "9", max_to_market: bool = False) -> dict[str, Any]:
    return {
        "filterType": "NOTIONAL", "minNotional": minimum, "applyMinToMarket": to_market,
        "maxNotional": maximum, "applyMaxToMarket": max_to_market, "avgPriceMins": 5,
    }  # fmt: skip


def old_notional(minimum: str, *, to_market: bool) -> dict[str, Any]:
    return {"filterType": "MIN_NOTIONAL", "minNotional": minimum, "applyToMarket": to_market, "avgPriceMins": 5}


@pytest.mark.parametrize(
    ("filters", "least", "most"),
    [
        ([], "0", None),
        ([notional("5", to_market=True)], "5", None),
        ([notional("5", to_market=False)], "0", None),
        ([notional("5", to_market=True, max_to_market=True)], "5", Decimal(9)),
        ([old_notional("10", to_market=True)], "10", None),
        ([old_notional("10", to_market=False)], "0", None),
        ([old_notional("10", to_market=True), notional("5", to_market=True)], "10", None),
    ],
)
def test_worth_is_limited_where_the_filter_says_market(filters: list[dict[str, Any]], least: str, most: Decimal | None) -> None:
    rules = codec.instrument(rules_with(*filters))
    assert (rules.min_notional, rules.max_notional) == (Decimal(least), most)


def test_filters_may_be_absent_and_unknown_ones_do_no_harm() -> None:
    rules = codec.instrument(rules_with({"filterType": "FROM_THE_FUTURE", "x": []}))
    assert (rules.tick_size, rules.market_step_size, rules.most_market_qty) == (Decimal(0), Decimal(0), Decimal(100))


@pytest.mark.parametrize("change", [{"orderTypes": ["LIMIT"]}, {"isSpotTradingAllowed": False}])
def test_where_market_orders_are_not_taken(change: dict[str, Any]) -> None:
    assert not codec.instrument(rules_with(**change)).market_orders


@pytest.mark.parametrize(
    "bad",
    [
        {"filters": []},
        {"filters": "LOT_SIZE"},
        {"filters": [{"filterType": "LOT_SIZE", "minQty": 0.01, "maxQty": "100", "stepSize": "0.01"}]},
        {"orderTypes": None},
        {"status": None},
        {"baseAsset": ""},
    ],
)
def test_rules_that_cannot_be_read_are_no_rules(bad: dict[str, Any]) -> None:
    good = rules_with(symbol="GOODUSDC")
    body = {"symbols": [rules_with(**bad), good]}
    with pytest.raises(Unreadable):
        codec.instruments(body)
    assert list(codec.instruments(body, skip_unreadable=True)) == ["GOODUSDC"]


def test_quotes() -> None:
    ticker = sample("samples/ticker_bookTicker.json")
    quote = codec.quotes([ticker], [ticker["symbol"]], NOW)
    assert [(q.symbol == name, q.at, q.bid > 0, q.ask > 0) for name, q in quote.items()] == [(True, NOW, True, True)]
    empty = {"symbol": "A", "bidPrice": "0.00000000", "askPrice": "1"}
    assert codec.quotes([empty], ["A"], NOW) == {}


@pytest.mark.parametrize("told", [[], ["B"], ["A", "B"], ["A", "A"]])
def test_what_was_not_asked_for_or_not_told_is_no_answer(told: list[str]) -> None:
    rules = {"symbols": [rules_with(symbol=name) for name in told]}
    ticker = [{"symbol": name, "bidPrice": "1", "askPrice": "1"} for name in told]
    with pytest.raises(Unreadable):
        codec.quotes(ticker, ["A"], NOW)
    if told != ["A", "A"]:
        with pytest.raises(Unreadable):
            codec.instruments_of(rules, ["A"])
    with pytest.raises(Unreadable):
        codec.quotes([{"symbol": "A", "bidPrice": "2", "askPrice": "1"}], ["A"], NOW)


def test_documented_account() -> None:
    body = sample("orders/doc_account_sample.json")
    assert codec.balances(body)["BTC"] == Balance("BTC", Decimal("4723846.89208129"))
    zero = {"asset": "ETH", "free": "0.00000000", "locked": "0.00000000"}
    locked = {"asset": "BNB", "free": "0.00000000", "locked": "1"}
    assert list(codec.balances({"balances": [zero, locked]})) == ["BNB"]
    found = codec.permissions(body, None)
    assert (found.account_can_trade, found.account_permissions, found.key_can_trade) == (True, ("SPOT",), None)
    key = {"enableSpotAndMarginTrading": False, "enableWithdrawals": True, "ipRestrict": True}
    found = codec.permissions(body, key)
    assert (found.key_can_trade, found.key_can_withdraw, found.ip_restricted) == (False, True, True)


ROW = sample("samples/klines.json")[0]
WEEK_OF_2017 = datetime(2017, 7, 3, tzinfo=UTC)


def test_candles() -> None:
    (candle,) = codec.candles([ROW], Interval.W1, WEEK_OF_2017, 1)
    assert candle == Candle(
        WEEK_OF_2017, Decimal("0.01634790"), Decimal("0.80000000"), Decimal("0.01575800"), Decimal("0.01577100"),
        Decimal("148976.11427815"),
    )  # fmt: skip
    assert codec.candles([], Interval.W1, WEEK_OF_2017, 1) == []


def changed(**values: object) -> list[object]:
    """Returns the row with other values, by their place: `_0` is the first."""
    return [values.get(f"_{place}", value) for place, value in enumerate(ROW)]


WEEK = 604_800_000


@pytest.mark.parametrize(
    "body",
    [
        [ROW[:11]],
        [[*ROW, "0"]],
        [ROW, ROW],
        [changed(_0=ROW[0] + WEEK, _6=ROW[6] + WEEK), ROW],
        [ROW, changed(_0=ROW[0] + WEEK, _6=ROW[6] + WEEK), changed(_0=ROW[0] + 2 * WEEK, _6=ROW[6] + 2 * WEEK)],
        [changed(_2="0.01")],
        [changed(_3="0.02")],
        [changed(_3="0")],
        [changed(_6=ROW[0] + WEEK)],
        [changed(_6=ROW[0])],
        [changed(_0=ROW[0] - 1)],
        [changed(_1=0.0163)],
        {},
        [{}],
    ],
)
def test_candles_that_were_not_asked_for_or_make_no_sense(body: object) -> None:
    with pytest.raises(Unreadable):
        codec.candles(body, Interval.W1, WEEK_OF_2017, 2)


def test_time() -> None:
    assert codec.server_time({"serverTime": 1_499_827_319_559}) == datetime(2017, 7, 12, 2, 41, 59, 559_000, tzinfo=UTC)


# --- anything at all ---

READERS: dict[str, Callable[[object], object]] = {
    "order": order_codec.order,
    "orders": order_codec.orders,
    "newest": lambda body: order_codec.recent_orders(body, "my", "LTCBTC"),
    "trades": lambda body: order_codec.trades(body, "WIFUSDC", "7"),
    "quotes": lambda body: codec.quotes(body, ["WIFUSDC"], NOW),
    "candles": lambda body: codec.candles(body, Interval.W1, NOW - timedelta(days=3650), 1000),
    "balances": codec.balances,
    "time": codec.server_time,
    "limits": codec.rate_limits,
    "permissions": lambda body: codec.permissions(body, body),
    "instruments": codec.instruments,
}
MADE: dict[str, type] = {
    "order": ExecutionReport,
    "newest": RecentOrders,
    "time": datetime,
    "permissions": Permissions,
    **dict.fromkeys(["orders", "trades", "limits", "candles"], list),
    **dict.fromkeys(["quotes", "balances", "instruments"], dict),
}
GOOD: dict[str, Any] = {
    "order": sample("orders/full_ETHBTC_market_2fills_real2018.json"),
    "orders": sample("samples/openOrders.json"),
    "newest": sample("samples/openOrders.json"),
    "trades": [{**sample("orders/doc_myTrades_sample.json")[0], "symbol": "WIFUSDC", "orderId": 7}],
    "quotes": [sample("samples/ticker_bookTicker.json")],
    "candles": sample("samples/klines.json"),
    "balances": sample("orders/doc_account_sample.json"),
    "time": {"serverTime": 1_499_827_319_559},
    "limits": {"rateLimits": [{"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100}]},
    "permissions": sample("orders/doc_account_sample.json"),
    "instruments": {"symbols": [rules_with(notional("5", to_market=True))]},
}


@pytest.mark.parametrize("kind", sorted(READERS))
@given(data=st.data())
def test_nothing_makes_a_reader_raise_anything_else(kind: str, data: st.DataObject) -> None:
    answer = data.draw(damaged(GOOD[kind]))
    found: object = Unreadable
    with suppress(Unreadable):
        found = READERS[kind](answer)
    assert found is Unreadable or isinstance(found, MADE[kind])


def test_an_order_of_others_that_cannot_be_read_hides_no_order_of_ours() -> None:
    """Documents rest-api.md, "All orders": cummulativeQuoteQty may be below 0 for old ones, "the data is not available at this
    time"."""
    old = {**QUERIED, "clientOrderId": "web_1", "cummulativeQuoteQty": "-1"}
    found = order_codec.orders([old, QUERIED], "mf-")
    assert [order.client_order_id for order in found] == [QUERIED["clientOrderId"]]
    with pytest.raises(Unreadable):
        order_codec.orders([{**old, "clientOrderId": "mf-1"}], "mf-")
    with pytest.raises(Unreadable):
        order_codec.orders([{"status": "FILLED"}], "mf-")


@pytest.mark.parametrize(
    "damage", [{"status": "PENDING_SOMETHING"}, {"executedQty": -1}, {"updateTime": "now", "time": None}, {"symbol": 5}]
)
def test_one_order_of_ours_that_cannot_be_read_hides_no_other_and_is_named(damage: dict[str, object]) -> None:
    odd = {**QUERIED, "clientOrderId": "mf-odd", "orderId": 4711, **damage}
    found = order_codec.recent_orders([odd, {**odd, "clientOrderId": "web_1"}, QUERIED], "mf-", QUERIED["symbol"])
    assert [order.client_order_id for order in found.reports] == [QUERIED["clientOrderId"]]
    assert [(one.client_order_id, one.order_id) for one in found.unreadable] == [("mf-odd", "4711")]


@pytest.mark.parametrize("body", [{}, [5], [{"status": "FILLED"}], [{**QUERIED, "symbol": "OTHERUSDC"}]])
def test_what_is_no_list_of_the_symbols_orders_is_no_answer(body: object) -> None:
    with pytest.raises(Unreadable):
        order_codec.recent_orders(body, "mf-", QUERIED["symbol"])


@pytest.mark.parametrize(
    ("name", "orders"), [("cancel", ["myOrder1"]), ("orderList_cancel", ["pO9ufTiFGg3nw2fOdgeOXa", "TXOvglzXuaubXAaENpaRCB"])]
)
def test_a_cancellation_is_believed_if_it_names_the_order(name: str, orders: list[str]) -> None:
    body = sample(f"samples/{name}.json")
    answer = body.get("result", body)
    for order in orders:
        order_codec.check_canceled(answer, order)
    for other in ("mf-1", answer.get("clientOrderId")):  # the second is the name of the cancellation itself
        with pytest.raises(Unreadable):
            order_codec.check_canceled(answer, other)


@pytest.mark.parametrize("body", [{}, [], "", {"symbol": "WIFUSDC"}, {"orderReports": None}, {"orderReports": [5]}])
def test_an_answer_that_names_no_order_is_no_cancellation(body: object) -> None:
    with pytest.raises(Unreadable):
        order_codec.check_canceled(body, "mf-1")
