"""The refusals of the loopback Binance: filters, parameters, keys, signatures, timestamps."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from tests.venue import Venue, running_venue
from tests.venue.asking import (
    BUY,
    LIMIT,
    WIF,
    assert_code,
    assert_refused,
    client_of,
    raw,
    refusal,
    signed,
)
from tests.venue.model import ApiKey

# --- filters ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "order", "recorded"),
    [
        ({}, {"quantity": "20.001"}, "01_400_1013"),
        ({"min_qty": "30"}, {}, "01_400_1013"),
        ({"max_qty": "10"}, {}, "01_400_1013"),
        ({"min_notional": "10"}, {}, "02_400_1013"),
        ({"max_notional": "9", "apply_max_to_market": True}, {}, "02_400_1013"),
        ({}, {"quantity": "28471.14"}, "05_400_1013"),
        ({"market_step_size": "3"}, {}, "05_400_1013"),
    ],
)
async def test_filters_of_a_market_order(
    venue: Venue, client: Any, changes: dict[str, Any], order: dict[str, str], recorded: str
) -> None:
    venue.edit_symbol(WIF, **changes)
    await assert_refused(client.create_order(**{**BUY, **order}), recorded)
    assert venue.orders == []


@pytest.mark.parametrize(
    ("order", "recorded"),
    [
        ({"price": "0.4005"}, "03_400_1013"),
        ({"price": "1001"}, "03_400_1013"),
        ({"price": "0.096"}, "04_400_1013"),
        ({"price": "2.401"}, "04_400_1013"),
        ({"quantity": "2"}, "02_400_1013"),
    ],
)
async def test_filters_of_a_limit_order(client: Any, order: dict[str, str], recorded: str) -> None:
    await assert_refused(client.create_order(**{**LIMIT, **order}), recorded)


async def test_market_notional_uses_the_average_price_and_can_be_switched_off(venue: Venue, client: Any) -> None:
    venue.edit_symbol(WIF, min_notional="5")
    await assert_refused(client.create_order(**{**BUY, "quantity": "10"}), "02_400_1013")
    venue.set_average(WIF, "0.6")
    await client.create_order(**{**BUY, "quantity": "10"})
    venue.set_average(WIF, None)
    venue.edit_symbol(WIF, apply_min_to_market=False)
    await client.create_order(**{**BUY, "quantity": "10"})
    assert len(venue.orders) == 2


async def test_the_old_min_notional_filter_counts_too(venue: Venue, client: Any) -> None:
    old = {"minNotional": "10", "applyToMarket": True, "avgPriceMins": 0}
    venue.edit_symbol(WIF, filters={"NOTIONAL": None, "MIN_NOTIONAL": old})
    await assert_code(client.create_order(**BUY), -1013, "Filter failure: MIN_NOTIONAL")


async def test_open_orders_and_position_are_bounded(venue: Venue, client: Any) -> None:
    venue.edit_symbol(WIF, max_num_orders=1, max_position="50")
    await client.create_order(**LIMIT)
    await assert_code(client.create_order(**LIMIT), -1013, "Filter failure: MAX_NUM_ORDERS")
    big = client.create_order(**{**BUY, "quantity": "31"})
    await assert_code(big, -1013, "Filter failure: MAX_POSITION")
    await client.create_order(**{**BUY, "quantity": "30"})


async def test_edited_rules_are_announced(venue: Venue, client: Any) -> None:
    name = venue.add_symbol("AAA", price="2")
    venue.edit_symbol(WIF, min_notional="5", status="HALT")
    info = {entry["symbol"]: entry for entry in (await client.get_exchange_info())["symbols"]}
    notional = next(f for f in info[WIF]["filters"] if f["filterType"] == "NOTIONAL")
    assert (info[WIF]["status"], notional["minNotional"]) == ("HALT", "5.00000000")
    assert (info[name]["baseAsset"], info[name]["quoteAsset"]) == ("AAA", "USDC")
    assert (await client.create_order(**{**BUY, "symbol": name}))["cummulativeQuoteQty"] == "40.00000000"
    with pytest.raises(ValueError, match="no 'minimum'"):
        venue.edit_symbol(WIF, minimum="5")


@pytest.mark.parametrize("status", ["HALT", "BREAK"])
async def test_a_closed_market(venue: Venue, client: Any, status: str) -> None:
    venue.edit_symbol(WIF, status=status)
    await assert_refused(client.create_order(**BUY), "08_400_2010")


async def test_too_little_money(venue: Venue, client: Any) -> None:
    venue.set_balance("USDC", "9.60")
    await assert_refused(client.create_order(**BUY), "06_400_2010")
    venue.set_balance("USDC", "9.602")
    assert (await client.create_order(**BUY))["status"] == "FILLED"


async def test_a_test_order_is_checked_and_not_placed(venue: Venue, client: Any) -> None:
    assert await client.create_test_order(**BUY) == {}
    await assert_refused(client.create_test_order(**{**BUY, "quantity": "20.001"}), "01_400_1013")
    assert venue.orders == []


# --- parameters ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"quantity": "1e-05"}, -1100),
        ({"quantity": "-1"}, -1100),
        ({"symbol": "wifusdc"}, -1100),
        ({"newClientOrderId": "no.dots"}, -1100),
        ({"newClientOrderId": "x" * 37}, -1100),
        ({"nonsense": "1"}, -1104),
        ({"quantity": ""}, -1105),
        ({"price": "0.4"}, -1106),
        ({"timeInForce": "GTC"}, -1106),
        ({"quantity": "20.000000001"}, -1111),
        ({"type": "LIMIT", "price": "0.4", "timeInForce": "GTX"}, -1115),
        ({"type": "LIMITED"}, -1116),
        ({"side": "HOLD"}, -1117),
        ({"symbol": "NOSUCH"}, -1121),
        ({"quoteOrderQty": "10"}, -1128),
        ({"newOrderRespType": "SHORT"}, -1130),
        ({"quantity": "0"}, -1013),
        ({"type": "STOP_LOSS_LIMIT"}, -1102),
        ({"icebergQty": "5"}, -1020),
        ({"quantity": None}, -1102),
        ({"side": None}, -1102),
        ({"type": "LIMIT", "price": "0.4"}, -1102),
    ],
)
async def test_parameters_are_checked_one_by_one(venue: Venue, client: Any, order: dict[str, str | None], code: int) -> None:
    error = await refusal(client.create_order(**{**BUY, **order}))
    assert (error.status_code, error.code) == (400, code)
    assert venue.orders == []


async def test_parameter_errors_have_the_documented_texts(client: Any) -> None:
    await assert_refused(client.create_order(**{**BUY, "quantity": "1E-7"}), "18_400_1100")
    await assert_refused(client.create_order(**{**LIMIT, "quantity": None}), "19_400_1102")
    await assert_refused(client.create_order(**{**BUY, "quantity": "20.000000001"}), "20_400_1111")
    await assert_refused(client.create_order(**{**BUY, "symbol": "NOSUCH"}), "21_400_1121")
    missing_id = client.get_order(symbol=WIF)
    text = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
    await assert_code(missing_id, -1102, text)
    unknown = client._get("time", data={"foo": "1"})
    await assert_code(unknown, -1101, "Too many parameters; expected '0' and received '1'.")


# --- identity and time -------------------------------------------------------------------------------


async def test_keys(venue: Venue) -> None:
    for key, secret, recorded in (
        ("short", venue.secret, "13_401_2014"),
        ("u" * 64, venue.secret, "14_401_2015"),
        (venue.key, "wrong", "17_400_1022"),
    ):
        async with client_of(venue, key, secret) as client:
            await assert_refused(client.get_account(), recorded)


async def test_a_read_only_key_reads_and_does_not_trade(venue: Venue) -> None:
    async with client_of(venue, venue.read_only_key) as client:
        assert (await client.get_account())["canTrade"] is True
        assert (await client.get_account_api_permissions())["enableSpotAndMarginTrading"] is False
        await assert_refused(client.create_order(**BUY), "14_401_2015")


async def test_accounts_do_not_see_each_other(venue: Venue, client: Any) -> None:
    order = await client.create_order(**BUY, newClientOrderId="mine")
    venue.add_account("other", {"USDC": "10"}, key="o" * 64, secret="other")
    async with client_of(venue, "o" * 64, "other") as other:
        await assert_refused(other.get_order(symbol=WIF, orderId=order["orderId"]), "12_400_2013")
        await assert_refused(other.get_order(symbol=WIF, origClientOrderId="mine"), "12_400_2013")
        assert await other.get_my_trades(symbol=WIF) == []
        await other.create_order(**BUY, newClientOrderId="mine")
        await assert_refused(other.create_order(**BUY), "06_400_2010")
    assert venue.balances["WIF"].free == Decimal("19.98")


async def test_a_key_used_from_elsewhere_and_an_account_that_may_not_trade(venue: Venue, client: Any) -> None:
    venue.account.can_trade = False
    text = "This account may not place or cancel orders."
    await assert_code(client.create_order(**BUY), -2010, text)
    venue.keys[venue.key] = ApiKey(venue.key, venue.secret, venue.account, ip_allowed=False)
    await assert_refused(client.get_account(), "14_401_2015")


async def test_the_signature_covers_query_and_body_as_sent(venue: Venue) -> None:
    query = "symbol=WIFUSDC&side=BUY&type=MARKET"
    body = f"timestamp={venue.clock.now_ms()}&quantity=20"
    good = signed(venue, query, body)
    status, _ = await raw(venue, "POST", f"order?{query}", f"{body}&signature={good.upper()}")
    assert status == 200
    for bad in (f"{body}&signature={'0' * 64}", f"signature={good}&{body}", f"{body}0&signature={good}"):
        status, answer = await raw(venue, "POST", f"order?{query}", bad)
        assert (status, answer["code"]) == (400, -1022)
    status, answer = await raw(venue, "POST", f"order?{query}", body)
    assert answer["msg"] == "Mandatory parameter 'signature' was not sent, was empty/null, or malformed."
    assert len(venue.orders) == 1


async def test_the_query_wins_over_the_body_and_no_name_comes_twice(venue: Venue) -> None:
    query, stamp = "symbol=WIFUSDC&quantity=30", venue.clock.now_ms()
    body = f"quantity=20&side=BUY&type=MARKET&timestamp={stamp}"
    status, order = await raw(venue, "POST", f"order?{query}", f"{body}&signature={signed(venue, query, body)}")
    assert (status, order["origQty"]) == (200, "30.00000000")
    status, answer = await raw(venue, "POST", f"order?{query}&symbol=BTCUSDT", body)
    assert (status, answer["code"]) == (400, -1101)


async def test_timestamps_of_a_clock_that_is_off(venue: Venue, client: Any) -> None:
    client.REQUEST_RECVWINDOW = 3_000
    venue.clock.offset_ms = 3_500
    await assert_refused(client.create_order(**BUY), "15_400_1021")
    venue.clock.offset_ms = -1_500
    await assert_refused(client.create_order(**BUY), "16_400_1021")
    venue.clock.offset_ms = 2_000
    assert (await client.create_order(**BUY))["status"] == "FILLED"
    client.REQUEST_RECVWINDOW = 60_001
    await assert_code(client.get_account(), -1131, "'recvWindow' must be less than 60000.")


async def test_the_edges_of_the_time_window_are_exact() -> None:
    async with running_venue(clock=lambda: 1_800_000_000.0) as venue:
        for offset, code in ((-2_000, 200), (-2_001, -1021), (999, 200), (1_000, -1021)):
            query = f"recvWindow=2000&timestamp={1_800_000_000_000 + offset}"
            status, answer = await raw(venue, "GET", f"account?{query}&signature={signed(venue, query)}")
            assert answer.get("code", status) == code


async def test_the_window_is_checked_again_at_the_matching_engine(venue: Venue, client: Any) -> None:
    client.REQUEST_RECVWINDOW = 2_000
    held = venue.faults.hold("POST order")
    task = asyncio.create_task(client.create_order(**BUY, newClientOrderId="held"))
    await held.arrived.wait()
    await assert_refused(client.get_order(symbol=WIF, origClientOrderId="held"), "12_400_2013")
    venue.clock.offset_ms = 2_500
    held.release()
    await assert_refused(task, "15_400_1021")
    assert venue.orders == []
