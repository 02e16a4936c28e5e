"""Resting orders of the loopback Binance: what is locked, what fills them, what ends them, and what they answer."""

from typing import Any

import pytest

from tests.venue import Venue
from tests.venue.asking import LIMIT, WIF, assert_code, assert_refused, held, refusal, sample, shape

SELL: dict[str, str] = {**LIMIT, "side": "SELL", "price": "0.600"}


# --- locked money ----------------------------------------------------------------------------------


async def test_a_sell_locks_base_and_a_buy_quote_at_its_own_price(venue: Venue, client: Any) -> None:
    venue.set_balance("WIF", "50")
    await client.create_order(**SELL)
    await client.create_order(**LIMIT)
    assert (held(venue, "WIF"), held(venue, "USDC")) == (("30", "20"), ("99992", "8"))
    shown = {row["asset"]: row for row in (await client.get_account())["balances"]}
    assert shown["WIF"] == {"asset": "WIF", "free": "30.00000000", "locked": "20.00000000"}
    assert shown["USDC"]["locked"] == "8.00000000"
    await assert_refused(client.create_order(**{**SELL, "quantity": "30.01"}), "06_400_2010")


async def test_a_better_price_gives_back_what_was_locked_for_a_worse_one(venue: Venue, client: Any) -> None:
    venue.set_book(WIF, asks=[("0.480", "5")])
    order = await client.create_order(**{**LIMIT, "price": "0.500"})
    assert (order["status"], order["executedQty"]) == ("PARTIALLY_FILLED", "5.00000000")
    assert held(venue, "USDC") == ("99990.1", "7.5")
    await client.cancel_order(symbol=WIF, orderId=order["orderId"])
    assert held(venue, "USDC") == ("99997.6", "0")


# --- fills -----------------------------------------------------------------------------------------


async def test_a_touch_is_not_a_fill_and_a_trade_through_the_price_is(venue: Venue, client: Any) -> None:
    order = await client.create_order(**LIMIT)
    venue.trade(WIF, "0.400")
    assert (await client.get_order(symbol=WIF, orderId=order["orderId"]))["status"] == "NEW"
    venue.trade(WIF, "0.399", "5")
    partly = await client.get_order(symbol=WIF, orderId=order["orderId"])
    assert (partly["status"], partly["executedQty"]) == ("PARTIALLY_FILLED", "5.00000000")
    venue.trade(WIF, "0.399")
    filled = await client.get_order(symbol=WIF, orderId=order["orderId"])
    assert (filled["status"], filled["cummulativeQuoteQty"]) == ("FILLED", "8.00000000")
    trades = await client.get_my_trades(symbol=WIF)
    assert [(t["price"], t["isMaker"], t["commissionAsset"]) for t in trades] == [("0.40000000", True, "WIF")] * 2
    assert held(venue, "USDC") == ("99992", "0")


async def test_a_part_is_filled_on_request(venue: Venue, client: Any) -> None:
    order = await client.create_order(**LIMIT, newClientOrderId="mine")
    venue.fill_order(WIF, "mine", "7.5")
    venue.fill_order(WIF, order["orderId"], "2.5", "0.395")
    found = await client.get_order(symbol=WIF, origClientOrderId="mine")
    assert (found["status"], found["cummulativeQuoteQty"]) == ("PARTIALLY_FILLED", "3.98750000")
    assert held(venue, "USDC")[1] == "4"
    for quantity in ("10.01", "0"):
        with pytest.raises(ValueError, match="on the book"):
            venue.fill_order(WIF, "mine", quantity)
    with pytest.raises(ValueError, match="no open order"):
        venue.fill_order(WIF, "other", "1")


# --- ends ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"timeInForce": "IOC"}, "UNFILLED_IOC_QUANTITY_EXPIRED"),
        ({"timeInForce": "FOK"}, "UNFILLED_FOK_ORDER_EXPIRED"),
        ({"type": "MARKET", "timeInForce": None, "price": None}, "INSUFFICIENT_LIQUIDITY"),
    ],
)
async def test_an_order_that_expires_tells_why(venue: Venue, client: Any, order: dict[str, str | None], reason: str) -> None:
    venue.set_book(WIF, asks=[("0.400", "15")])
    placed = await client.create_order(**{**LIMIT, **order})
    assert (placed["status"], placed["expiryReason"]) == ("EXPIRED", reason)
    found = await client.get_order(symbol=WIF, orderId=placed["orderId"])
    assert found["expiryReason"] == reason
    assert held(venue, "USDC")[1] == "0"


async def test_the_exchange_ends_an_order_by_itself(venue: Venue, client: Any) -> None:
    order = await client.create_order(**LIMIT)
    venue.expire_order(WIF, order["orderId"])
    found = await client.get_order(symbol=WIF, orderId=order["orderId"])
    assert (found["status"], found["expiryReason"]) == ("EXPIRED", "EXCHANGE_CANCELED")
    assert held(venue, "USDC") == ("100000", "0")


async def test_a_cancel_answers_with_its_own_id(venue: Venue, client: Any) -> None:
    await client.create_order(**LIMIT, newClientOrderId="mine")
    canceled = await client.cancel_order(symbol=WIF, origClientOrderId="mine", newClientOrderId="the-cancel")
    assert (canceled["clientOrderId"], canceled["origClientOrderId"]) == ("the-cancel", "mine")
    assert shape(canceled) == shape(sample("samples/cancel.json"))


async def test_a_canceled_order_may_be_found_by_the_cancels_id_only(venue: Venue, client: Any) -> None:
    venue.set_cancels_rename()
    placed = await client.create_order(**LIMIT, newClientOrderId="mine")
    canceled = await client.cancel_order(symbol=WIF, origClientOrderId="mine", newClientOrderId="the-cancel")
    assert (canceled["clientOrderId"], canceled["origClientOrderId"]) == ("the-cancel", "mine")
    await assert_refused(client.get_order(symbol=WIF, origClientOrderId="mine"), "12_400_2013")
    found = await client.get_order(symbol=WIF, orderId=placed["orderId"])
    assert (found["status"], found["clientOrderId"]) == ("CANCELED", "the-cancel")


async def test_a_cancel_may_be_restricted_to_a_status(venue: Venue, client: Any) -> None:
    order = await client.create_order(**LIMIT)
    by_id = {"symbol": WIF, "orderId": order["orderId"]}
    venue.fill_order(WIF, order["orderId"], "1")
    text = "Order was not canceled due to cancel restrictions."
    await assert_code(client.cancel_order(**by_id, cancelRestrictions="ONLY_NEW"), -2011, text)
    await assert_code(client.cancel_order(**by_id, cancelRestrictions="ONLY"), -1145, "Invalid cancelRestrictions")
    assert (await client.cancel_order(**by_id, cancelRestrictions="ONLY_PARTIALLY_FILLED"))["executedQty"] == "1.00000000"


# --- answers and parameters ------------------------------------------------------------------------


async def test_only_market_and_limit_orders_answer_in_full_unasked(venue: Venue, client: Any) -> None:
    maker = {key: value for key, value in LIMIT.items() if key != "timeInForce"} | {"type": "LIMIT_MAKER"}
    assert shape(await client.create_order(**maker)) == shape(sample("orders/doc_ack_sample.json"))
    asked = await client.create_order(**maker, newOrderRespType="RESULT")
    assert shape(asked) == shape(sample("orders/doc_result_sample.json"))
    full = await client.create_order(**LIMIT)
    assert full["fills"] == []
    assert full["workingTime"] == full["transactTime"]


async def test_the_strategy_comes_back(venue: Venue, client: Any) -> None:
    placed = await client.create_order(**LIMIT, strategyId=7, strategyType=1_000_000)
    found = await client.get_order(symbol=WIF, orderId=placed["orderId"])
    assert [(o["strategyId"], o["strategyType"]) for o in (placed, found)] == [(7, 1_000_000)] * 2
    small = client.create_order(**LIMIT, strategyId=7, strategyType=999_999)
    await assert_code(small, -1134, "strategyType was less than 1000000.")


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"stopPrice": "0.5"}, -1106),
        ({"trailingDelta": "100"}, -1106),
        ({"quoteOrderQty": "10", "quantity": None}, -1106),
        ({"timeInForce": None}, -1102),
        ({"type": "LIMIT_MAKER"}, -1114),
        ({"type": "STOP_LOSS"}, -1114),
        ({"type": "STOP_LOSS", "timeInForce": None, "stopPrice": "0.5"}, -1106),
        ({"type": "TAKE_PROFIT", "timeInForce": None, "price": None}, -1102),
        ({"type": "STOP_LOSS_LIMIT", "stopPrice": "0.5", "timeInForce": None}, -1102),
        ({"type": "TAKE_PROFIT_LIMIT", "stopPrice": "0.3", "price": None}, -1102),
        ({"type": "STOP_LOSS_LIMIT", "stopPrice": "0"}, -1013),
        ({"type": "STOP_LOSS_LIMIT", "stopPrice": "0.123456789"}, -1111),
        ({"type": "STOP_LOSS_LIMIT", "trailingDelta": "1.5"}, -1100),
    ],
)
async def test_each_type_requires_and_forbids_parameters(
    venue: Venue, client: Any, order: dict[str, str | None], code: int
) -> None:
    error = await refusal(client.create_order(**{**LIMIT, **order}))
    assert (error.status_code, error.code) == (400, code)
    assert venue.orders == []
