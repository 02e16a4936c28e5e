"""Stop, take profit and trailing orders of the loopback Binance."""

from decimal import Decimal
from typing import Any

import pytest

from tests.venue import Venue
from tests.venue.asking import LIMIT, WIF, assert_code, assert_refused, client_of, held
from tests.venue.model import OrderRequest
from tests.venue.stops import follow

MARKET_STOP: dict[str, str] = {"symbol": WIF, "side": "SELL", "type": "STOP_LOSS", "quantity": "20", "stopPrice": "0.400"}
LIMIT_STOP: dict[str, str] = {**MARKET_STOP, "type": "STOP_LOSS_LIMIT", "price": "0.390", "timeInForce": "GTC"}
IMMEDIATELY = "Order would trigger immediately."


@pytest.fixture(autouse=True)
def _modern(venue: Venue) -> None:
    venue.modernize(WIF)
    venue.set_balance("WIF", "200")


async def order_of(client: Any, placed: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = await client.get_order(symbol=WIF, orderId=placed["orderId"])
    return found


@pytest.mark.parametrize(
    ("kind", "side", "is_above"),
    [("STOP_LOSS", "SELL", False), ("TAKE_PROFIT", "BUY", False), ("STOP_LOSS", "BUY", True), ("TAKE_PROFIT", "SELL", True)],
)
async def test_a_trigger_has_its_side_of_the_last_trade(venue: Venue, client: Any, kind: str, side: str, is_above: bool) -> None:
    venue.set_price(WIF, "0.480")
    order = {**MARKET_STOP, "type": kind, "side": side}
    good, bad = ("0.500", "0.400") if is_above else ("0.400", "0.500")
    for price in (bad, "0.480"):
        await assert_code(client.create_order(**{**order, "stopPrice": price}), -2010, IMMEDIATELY)
    placed = await client.create_order(**{**order, "stopPrice": good})
    assert (await order_of(client, placed))["status"] == "NEW"
    venue.trade(WIF, good)
    assert (await order_of(client, placed))["status"] == "FILLED"


async def test_a_stop_waits_off_the_book_and_answers_with_an_ack(venue: Venue, client: Any) -> None:
    placed = await client.create_order(**MARKET_STOP)
    assert set(placed) == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
    found = await order_of(client, placed)
    assert (found["stopPrice"], found["isWorking"], found["workingTime"]) == ("0.40000000", False, -1)
    assert held(venue, "WIF") == ("180", "20")
    shown = await client.create_order(**MARKET_STOP, newOrderRespType="RESULT")
    assert (shown["status"], shown["workingTime"], shown["stopPrice"]) == ("NEW", -1, "0.40000000")


async def test_a_triggered_stop_sells_at_the_market(venue: Venue, client: Any) -> None:
    placed = await client.create_order(**MARKET_STOP)
    venue.walk(WIF, "0.41", "0.38")
    found = await order_of(client, placed)
    assert (found["status"], found["cummulativeQuoteQty"], found["isWorking"]) == ("FILLED", "7.60000000", True)
    assert found["type"] == "STOP_LOSS"
    assert held(venue, "WIF") == ("180", "0")
    assert (await client.get_my_trades(symbol=WIF))[0]["isMaker"] is False


async def test_a_gap_through_the_limit_leaves_a_stop_limit_unfilled(venue: Venue, client: Any) -> None:
    placed = await client.create_order(**LIMIT_STOP)
    venue.set_price(WIF, "0.350")
    found = await order_of(client, placed)
    assert (found["status"], found["isWorking"], found["executedQty"]) == ("NEW", True, "0.00000000")
    venue.set_price(WIF, "0.391")
    assert (await order_of(client, placed))["cummulativeQuoteQty"] == "7.80000000"


async def test_a_stop_that_finds_no_buyers_expires(venue: Venue, client: Any) -> None:
    placed = await client.create_order(**MARKET_STOP)
    venue.set_book(WIF, bids=[("0.39", "4")], last="0.39")
    found = await order_of(client, placed)
    assert (found["status"], found["executedQty"], found["expiryReason"]) == ("EXPIRED", "4.00000000", "INSUFFICIENT_LIQUIDITY")
    assert held(venue, "WIF") == ("196", "0")


@pytest.mark.parametrize(("low", "executed"), [("0.38", "0.00000000"), ("0.40", "4.00000000")])
async def test_a_stop_that_may_not_trade_so_low_expires(venue: Venue, client: Any, low: str, executed: str) -> None:
    venue.set_average(WIF, "0.48")
    venue.set_price_range(WIF, up="1.2", down="0.8")
    placed = await client.create_order(**MARKET_STOP)
    venue.set_book(WIF, bids=[(low, "4"), ("0.35", None)], last="0.39")
    found = await order_of(client, placed)
    assert (found["status"], found["executedQty"]) == ("EXPIRED", executed)
    assert found["expiryReason"] == "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"
    assert (await client._get("executionRules", data={"symbol": WIF}))["symbolRules"][0]["rules"] == [
        {
            "ruleType": "PRICE_RANGE", "bidLimitMultUp": "1.2000", "bidLimitMultDown": "0.8000",
            "askLimitMultUp": "1.2000", "askLimitMultDown": "0.8000",
        }
    ]  # fmt: skip
    assert (await client._get("referencePrice", data={"symbol": WIF}))["referencePrice"] == "0.48000000"
    await assert_code(
        client._get("referencePrice", data={"symbol": "WIFUSDT"}), -2043, "This symbol doesn't have a reference price."
    )


async def test_a_stop_buy_locks_by_its_stop_price_and_is_refused_for_want_of_the_rest(venue: Venue, client: Any) -> None:
    venue.set_balance("USDC", "11")
    buy = await client.create_order(**{**MARKET_STOP, "side": "BUY", "stopPrice": "0.500"})
    assert held(venue, "USDC") == ("1", "10")
    venue.set_price(WIF, "0.600")
    found = await order_of(client, buy)
    assert (found["status"], found["expiryReason"]) == ("EXPIRED", "REJECTED")
    assert held(venue, "USDC") == ("11", "0")


async def test_a_fill_of_one_order_triggers_the_next(venue: Venue, client: Any) -> None:
    first = await client.create_order(**MARKET_STOP)
    second = await client.create_order(**{**MARKET_STOP, "stopPrice": "0.350"})
    venue.set_book(WIF, bids=[("0.39", "1"), ("0.34", None)], last="0.40")
    assert [(await order_of(client, placed))["status"] for placed in (first, second)] == ["FILLED", "FILLED"]


# --- trailing --------------------------------------------------------------------------------------


async def test_a_trailing_stop_follows_and_sells_after_the_fall(venue: Venue, client: Any) -> None:
    order = {key: value for key, value in MARKET_STOP.items() if key != "stopPrice"}
    placed = await client.create_order(**order, trailingDelta=1000, newOrderRespType="RESULT")
    assert (placed["trailingDelta"], placed["trailingTime"], placed["stopPrice"]) == (1000, -1, "0.00000000")
    venue.walk(WIF, "0.50", "0.60", "0.55")
    found = await order_of(client, placed)
    assert (found["status"], found["trailingTime"] > 0) == ("NEW", True)
    venue.set_price(WIF, "0.54")
    assert (await order_of(client, placed))["cummulativeQuoteQty"] == "10.80000000"


async def test_a_stop_price_only_starts_the_trailing(venue: Venue, client: Any) -> None:
    """Does not protect at its stop price: it sells a delta below it."""
    placed = await client.create_order(**MARKET_STOP, trailingDelta=1000)
    venue.walk(WIF, "0.60", "0.41", "0.40", "0.37")
    assert (await order_of(client, placed))["status"] == "NEW"
    venue.set_price(WIF, "0.36")
    assert (await order_of(client, placed))["status"] == "FILLED"


@pytest.mark.parametrize(
    ("kind", "stop", "delta", "path"),
    [
        ("STOP_LOSS_LIMIT BUY", "44000", 500, "37000 44000 45000 46000 42000 44100"),
        ("STOP_LOSS_LIMIT SELL", "39000", 1000, "41500 39000 37000 41000 36900"),
        ("TAKE_PROFIT_LIMIT BUY", "38000", 850, "42000 38000 37000 39000 40145"),
    ],
)
async def test_the_scenarios_of_the_documentation(venue: Venue, kind: str, stop: str, delta: int, path: str) -> None:
    name, _, side = kind.partition(" ")
    request = OrderRequest(
        "BTCUSDT", "BUY" if side == "BUY" else "SELL", name, "GTC", Decimal(1), None, Decimal(1), "a", "NONE",
        stop_price=Decimal(stop), trailing_delta=delta,
    )  # fmt: skip
    order = venue.exchange.state.orders.add(venue.account, request)
    prices = [Decimal(price) for price in path.split()]
    assert [follow(order, price, 1) for price in prices] == [False] * (len(prices) - 1) + [True]


# --- filters ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "filter_name"),
    [
        ({"stopPrice": "0.4005"}, "PRICE_FILTER"),
        ({"price": "0.3905"}, "PRICE_FILTER"),
        ({"stopPrice": "0.090"}, "PERCENT_PRICE_BY_SIDE"),
        ({"price": "0.090"}, "PERCENT_PRICE_BY_SIDE"),
        ({"quantity": "20.001"}, "LOT_SIZE"),
        ({"quantity": "2.5"}, "NOTIONAL"),
        ({"trailingDelta": "9"}, "TRAILING_DELTA"),
        ({"trailingDelta": "2001"}, "TRAILING_DELTA"),
    ],
)
async def test_filters_of_a_stop_limit(venue: Venue, client: Any, order: dict[str, str], filter_name: str) -> None:
    failure = client.create_order(**{**LIMIT_STOP, **order})
    await assert_code(failure, -1013, f"Filter failure: {filter_name}")
    assert venue.orders == []


@pytest.mark.parametrize(
    ("order", "filter_name"),
    [
        ({"type": "LIMIT_MAKER", "price": "375"}, "PERCENT_PRICE_BY_SIDE"),
        ({"type": "TAKE_PROFIT", "stopPrice": "375"}, "PERCENT_PRICE_BY_SIDE"),
        ({"type": "STOP_LOSS_LIMIT", "stopPrice": "280", "price": "255", "timeInForce": "GTC"}, "PERCENT_PRICE_BY_SIDE"),
        ({"type": "LIMIT_MAKER", "price": "350", "quantity": "0.014"}, "NOTIONAL"),
    ],
)
async def test_narrow_bands_of_a_symbol_of_2026(venue: Venue, client: Any, order: dict[str, str], filter_name: str) -> None:
    """Refuses exits 25 % above and 15 % below, whether it is a limit or a stop price."""
    venue.add_symbol_of_2026("TSLABUSDT", "300")
    venue.set_balance("TSLAB", "1")
    failure = client.create_order(**{"symbol": "TSLABUSDT", "side": "SELL", "quantity": "1", **order})
    await assert_code(failure, -1013, f"Filter failure: {filter_name}")


async def test_a_trailing_stop_has_no_price_that_a_band_could_refuse(venue: Venue, client: Any) -> None:
    venue.add_symbol_of_2026("TSLABUSDT", "300")
    venue.set_balance("TSLAB", "1")
    await client.create_order(symbol="TSLABUSDT", side="SELL", type="STOP_LOSS", quantity="1", trailingDelta=2000)
    assert len(venue.orders) == 1


async def test_the_older_filters_of_binance_us(venue: Venue, client: Any) -> None:
    venue.add_symbol_of_2026("BTCUSD", "60000")
    venue.set_balance("BTC", "1")
    order = {"symbol": "BTCUSD", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.00001"}
    await assert_code(client.create_order(**order, price="60001"), -1013, "Filter failure: MIN_NOTIONAL")
    far = {**order, "quantity": "0.1"}
    await assert_code(client.create_order(**far, price="300001"), -1013, "Filter failure: PERCENT_PRICE")


async def test_market_kinds_keep_to_the_market_lot(venue: Venue, client: Any) -> None:
    venue.edit_symbol(WIF, market_max_qty="15")
    await assert_refused(client.create_order(**MARKET_STOP), "05_400_1013")
    await client.create_order(**LIMIT_STOP)


async def test_five_stop_orders_a_symbol(venue: Venue, client: Any) -> None:
    for _ in range(5):
        await client.create_order(**MARKET_STOP)
    await assert_code(client.create_order(**MARKET_STOP), -1013, "Filter failure: MAX_NUM_ALGO_ORDERS")
    await client.create_order(**{**LIMIT, "side": "SELL", "price": "0.6"})


async def test_what_a_symbol_does_not_allow(venue: Venue, client: Any) -> None:
    venue.edit_symbol(WIF, allowTrailingStop=False)
    text = "Trailing stop orders are not supported for this symbol."
    await assert_code(client.create_order(**MARKET_STOP, trailingDelta=100), -2010, text)
    old = {**MARKET_STOP, "symbol": "WIFUSDT"}
    await assert_code(client.create_order(**old), -2010, "Stop loss orders are not supported for this symbol.")
    venue.edit_symbol(WIF, status="CANCEL_ONLY")
    await assert_refused(client.create_order(**MARKET_STOP), "08_400_2010")


async def test_a_symbol_that_only_lets_cancel(venue: Venue, client: Any) -> None:
    placed = await client.create_order(**MARKET_STOP)
    venue.edit_symbol(WIF, status="CANCEL_ONLY")
    assert (await client.cancel_order(symbol=WIF, orderId=placed["orderId"]))["status"] == "CANCELED"


async def test_stops_of_two_accounts_do_not_mix(venue: Venue, client: Any) -> None:
    venue.add_account("other", {"WIF": "100"}, key="o" * 64, secret="other")
    async with client_of(venue, "o" * 64, "other") as other:
        for one in (client, other):
            await one.create_order(**MARKET_STOP, newClientOrderId="same")
        venue.set_price(WIF, "0.39")
        assert [len(await one.get_my_trades(symbol=WIF)) for one in (client, other)] == [1, 1]
