"""The loopback Binance, asked by the real python-binance over HTTP: shapes, fills, balances, ids."""

from decimal import Decimal
from typing import Any

import pytest

from tests.venue import Venue
from tests.venue.asking import (
    BUY,
    LIMIT,
    WIF,
    assert_code,
    assert_refused,
    refusal,
    sample,
    shape,
)

# --- documented shapes -------------------------------------------------------------------------------


async def test_create_of_the_real_client_pings_and_reads_the_venues_clock(venue: Venue, client: Any) -> None:
    venue.clock.offset_ms = 60_000
    assert await client.ping() == {}
    assert (await client.get_server_time())["serverTime"] == pytest.approx(venue.clock.now_ms(), abs=2_000)


async def test_exchange_info_is_the_recording_with_the_present_time(venue: Venue, client: Any) -> None:
    info, recorded = await client.get_exchange_info(), sample("exchangeInfo_12_symbols.json")
    assert {**info, "serverTime": 0} == {**recorded, "serverTime": 0}
    one = await client._get("exchangeInfo", data={"symbol": WIF})
    assert [entry["symbol"] for entry in one["symbols"]] == [WIF]
    two = await client._get("exchangeInfo", data={"symbols": '["WIFUSDC","BTCUSDT"]'})
    assert [entry["symbol"] for entry in two["symbols"]] == [WIF, "BTCUSDT"]


async def test_tickers_answer_one_or_a_list(client: Any) -> None:
    for get, name in (
        (client.get_symbol_ticker, "ticker_price"),
        (client.get_orderbook_ticker, "ticker_bookTicker"),
        (client.get_ticker, "ticker_24hr"),
    ):
        wanted = shape(sample(f"samples/{name}.json"))
        assert shape(await get(symbol=WIF)) == wanted
        assert shape(await get(symbols='["WIFUSDC"]')) == [wanted]
        assert len(await get()) == 12


async def test_market_data_has_the_documented_shape(client: Any) -> None:
    assert shape(await client.get_order_book(symbol=WIF)) == shape(sample("samples/depth.json"))
    assert shape(await client.get_avg_price(symbol=WIF)) == shape(sample("samples/avgPrice.json"))


async def test_order_answers_have_the_documented_shapes(client: Any) -> None:
    for kind, name in (("ACK", "doc_ack"), ("RESULT", "doc_result"), ("FULL", "doc_full_5fills")):
        wanted = sample(f"orders/{name}_sample.json")
        assert shape(await client.create_order(**BUY, newOrderRespType=kind)) == shape(wanted)
    assert "fills" in await client.create_order(**BUY)
    assert "fills" in await client.create_order(**LIMIT)


async def test_queries_have_the_documented_shapes(client: Any) -> None:
    order = await client.create_order(**LIMIT)
    by_id = {"symbol": WIF, "orderId": order["orderId"]}
    assert shape(await client.get_order(**by_id)) == shape(sample("samples/get_order.json"))
    assert shape(await client.get_open_orders(symbol=WIF)) == shape(sample("samples/openOrders.json"))
    assert shape(await client.get_all_orders(symbol=WIF)) == shape(sample("samples/allOrders.json"))
    assert shape(await client.cancel_order(**by_id)) == shape(sample("samples/cancel.json"))
    await client.create_order(**BUY)
    assert shape(await client.get_my_trades(symbol=WIF)) == shape(sample("orders/doc_myTrades_sample.json"))


async def test_account_endpoints_have_the_documented_shapes(client: Any) -> None:
    assert shape(await client.get_account()) == shape(sample("orders/doc_account_sample.json"))
    commission = await client._get("account/commission", True, data={"symbol": WIF})
    assert shape(commission) == shape(sample("samples/account_commission.json"))
    counts = await client.get_current_order_count()
    assert shape(counts) == shape(sample("samples/rateLimit_order.json"))
    rates = await client.create_test_order(**BUY, computeCommissionRates="true")
    assert shape(rates) == shape(sample("samples/order_test_rates.json"))
    assert (await client.get_account_api_permissions())["enableSpotAndMarginTrading"] is True


async def test_zero_balances_are_left_out_on_request(client: Any) -> None:
    everything = {b["asset"] for b in (await client.get_account())["balances"]}
    held = {b["asset"] for b in (await client.get_account(omitZeroBalances="true"))["balances"]}
    assert "WIF" in everything
    assert held == {"USDC", "USDT"}


# --- fills, commission, balances -------------------------------------------------------------------


async def test_bought_is_less_the_fee_and_no_more_can_be_sold(venue: Venue, client: Any) -> None:
    bought = await client.create_order(**BUY, newClientOrderId="entry-1")
    assert bought["fills"] == [
        {
            "price": "0.48010000",
            "qty": "20.00000000",
            "commission": "0.02000000",
            "commissionAsset": "WIF",
            "tradeId": 56,
        }
    ]
    assert bought["cummulativeQuoteQty"] == "9.60200000"
    assert venue.balances["WIF"].free == Decimal("19.98")
    assert venue.balances["USDC"].free == Decimal("99990.398")
    await assert_refused(client.create_order(**{**BUY, "side": "SELL"}), "06_400_2010")
    venue.set_price(WIF, "0.5220")
    sold = await client.create_order(**{**BUY, "side": "SELL", "quantity": "19.98"})
    assert sold["fills"][0]["commission"] == "0.01042956"
    assert sold["fills"][0]["commissionAsset"] == "USDC"
    assert venue.balances["WIF"].free == 0
    assert venue.balances["USDC"].free == Decimal("99990.398") + Decimal("10.42956") - Decimal("0.01042956")


async def test_a_market_order_walks_the_levels(venue: Venue, client: Any) -> None:
    venue.set_book(WIF, bids=[("0.480", "5")], asks=[("0.482", "100"), ("0.481", "12.5")])
    order = await client.create_order(**BUY)
    assert [(fill["price"], fill["qty"]) for fill in order["fills"]] == [
        ("0.48100000", "12.50000000"),
        ("0.48200000", "7.50000000"),
    ]
    assert Decimal(order["cummulativeQuoteQty"]) == Decimal("0.481") * Decimal("12.5") + Decimal("3.615")
    assert [trade.qty for trade in venue.trades] == [Decimal("12.5"), Decimal("7.5")]


async def test_what_the_book_cannot_fill_expires(venue: Venue, client: Any) -> None:
    venue.set_book(WIF, asks=[("0.48", "15")])
    order = await client.create_order(**BUY)
    assert (order["status"], order["executedQty"], order["origQty"]) == (
        "EXPIRED",
        "15.00000000",
        "20.00000000",
    )
    assert venue.balances["WIF"].free == Decimal("14.985")


async def test_a_quote_amount_buys_whole_steps(venue: Venue, client: Any) -> None:
    order = await client.create_order(symbol=WIF, side="BUY", type="MARKET", quoteOrderQty="10")
    assert (order["executedQty"], order["origQuoteOrderQty"]) == ("20.82000000", "10.00000000")
    assert Decimal(order["cummulativeQuoteQty"]) == Decimal("20.82") * Decimal("0.4801")
    venue.set_book(WIF)
    error = await refusal(client.create_order(symbol=WIF, side="BUY", type="MARKET", quoteOrderQty="10"))
    assert error.code == -2010


async def test_bnb_pays_the_fee_at_a_discount_while_there_is_enough(venue: Venue, client: Any) -> None:
    venue.set_rates(bnb_burn=True)
    venue.set_bnb_price("USDC", "600")
    venue.set_balance("BNB", "0.00001201")
    first = (await client.create_order(**BUY))["fills"][0]
    assert (first["commission"], first["commissionAsset"]) == ("0.00001200", "BNB")
    assert (venue.balances["WIF"].free, venue.balances["BNB"].free) == (Decimal(20), Decimal("0.00000001"))
    second = (await client.create_order(**BUY))["fills"][0]
    assert (second["commission"], second["commissionAsset"]) == ("0.02000000", "WIF")


async def test_a_resting_order_locks_and_is_filled_as_maker(venue: Venue, client: Any) -> None:
    order = await client.create_order(**LIMIT)
    assert (order["status"], order["fills"]) == ("NEW", [])
    assert (venue.balances["USDC"].free, venue.balances["USDC"].locked) == (Decimal(99992), Decimal(8))
    venue.set_price(WIF, "0.399")
    found = await client.get_order(symbol=WIF, orderId=order["orderId"])
    assert (found["status"], found["cummulativeQuoteQty"]) == ("FILLED", "8.00000000")
    assert (await client.get_my_trades(symbol=WIF))[0]["isMaker"] is True
    assert venue.balances["USDC"].locked == 0


async def test_canceling_gives_back_what_was_locked(venue: Venue, client: Any) -> None:
    order = await client.create_order(**LIMIT)
    canceled = await client.cancel_order(symbol=WIF, orderId=order["orderId"])
    assert canceled["status"] == "CANCELED"
    assert (venue.balances["USDC"].free, venue.balances["USDC"].locked) == (Decimal(100_000), Decimal(0))
    again = client.cancel_order(symbol=WIF, orderId=order["orderId"])
    await assert_refused(again, "11_400_2011")


@pytest.mark.parametrize(("tif", "executed"), [("IOC", "15.00000000"), ("FOK", "0.00000000")])
async def test_ioc_takes_what_there_is_and_fok_all_or_nothing(venue: Venue, client: Any, tif: str, executed: str) -> None:
    venue.set_book(WIF, asks=[("0.480", "15")])
    order = await client.create_order(**{**LIMIT, "timeInForce": tif, "price": "0.480"})
    assert (order["status"], order["executedQty"]) == ("EXPIRED", executed)


async def test_limit_maker_never_takes(client: Any) -> None:
    order = {k: v for k, v in LIMIT.items() if k != "timeInForce"}
    call = client.create_order(**{**order, "type": "LIMIT_MAKER", "price": "0.481"})
    await assert_refused(call, "09_400_2010")


async def test_order_and_trade_ids_count_per_symbol(venue: Venue, client: Any) -> None:
    one = await client.create_order(**BUY)
    two = await client.create_order(**{**BUY, "symbol": "WIFUSDT"})
    assert (one["orderId"], one["fills"][0]["tradeId"]) == (two["orderId"], two["fills"][0]["tradeId"])


async def test_a_small_quantity_precision_shows_in_the_answer(client: Any) -> None:
    order = await client.create_order(symbol="PEPEUSDT", side="BUY", type="MARKET", quantity="1000000")
    assert (order["origQty"], order["cummulativeQuoteQty"]) == ("1000000.00", "10.00000000")


# --- one id, one order -----------------------------------------------------------------------------


async def test_a_client_id_is_refused_while_open_and_accepted_again_once_filled(venue: Venue, client: Any) -> None:
    await client.create_order(**LIMIT, newClientOrderId="mf-1")
    await assert_refused(client.create_order(**BUY, newClientOrderId="mf-1"), "07_400_2010")
    venue.set_price(WIF, "0.399")
    await client.create_order(**BUY, newClientOrderId="mf-1")
    assert [order.client_order_id for order in venue.orders] == ["mf-1", "mf-1"]
    newest = await client.get_order(symbol=WIF, origClientOrderId="mf-1")
    assert newest["orderId"] == venue.orders[-1].order_id


async def test_an_order_that_does_not_exist(client: Any) -> None:
    await assert_refused(client.get_order(symbol=WIF, origClientOrderId="never"), "12_400_2013")
    await assert_refused(client.cancel_order(symbol=WIF, origClientOrderId="never"), "11_400_2011")


async def test_an_order_can_take_time_to_be_found(venue: Venue, client: Any) -> None:
    venue.exchange.visible_after_ms = 5_000
    await client.create_order(**BUY, newClientOrderId="late")
    await assert_refused(client.get_order(symbol=WIF, origClientOrderId="late"), "12_400_2013")
    venue.clock.offset_ms += 5_000
    client.timestamp_offset = 5_000
    assert (await client.get_order(symbol=WIF, origClientOrderId="late"))["status"] == "FILLED"


# --- trades and orders by range ----------------------------------------------------------------------


async def test_my_trades_by_order_and_from_an_id(client: Any) -> None:
    orders = [await client.create_order(**BUY) for _ in range(3)]
    of_second = await client.get_my_trades(symbol=WIF, orderId=orders[1]["orderId"])
    assert [trade["id"] for trade in of_second] == [57]
    assert [t["id"] for t in await client.get_my_trades(symbol=WIF, fromId=57)] == [57, 58]
    assert [t["id"] for t in await client.get_my_trades(symbol=WIF, limit=1)] == [58]
    start = of_second[0]["time"] + 60_000
    assert await client.get_my_trades(symbol=WIF, startTime=start) == []
    bad = client.get_my_trades(symbol=WIF, fromId=57, startTime=start)
    await assert_code(bad, -1128, "Combination of optional parameters invalid.")
    long = client.get_my_trades(symbol=WIF, startTime=1, endTime=1 + 25 * 3_600_000)
    await assert_code(long, -1127, "More than 24 hours between startTime and endTime.")
