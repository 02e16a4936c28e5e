"""cancelReplace and amend keep priority of the loopback Binance."""

import json
from typing import Any

import aiohttp
import pytest
from binance.exceptions import BinanceAPIException

from tests.venue import Venue
from tests.venue.asking import LIMIT, WIF, assert_code, held, refusal, sample, shape
from tests.venue.test_oco import OCO
from tests.venue.test_pending import OPO, OTOCO, place
from tests.venue.wire import wire_of

SELL: dict[str, str] = {**LIMIT, "side": "SELL", "price": "0.600", "newClientOrderId": "old"}
REPLACE: dict[str, str] = {
    **SELL,
    "price": "0.700",
    "newClientOrderId": "new",
    "cancelReplaceMode": "STOP_ON_FAILURE",
    "cancelOrigClientOrderId": "old",
    "cancelNewClientOrderId": "the-cancel",
}
EXIT: dict[str, str | None] = {**REPLACE, "type": "MARKET", "timeInForce": None, "price": None}


@pytest.fixture(autouse=True)
def _modern(venue: Venue) -> None:
    venue.modernize(WIF)
    venue.set_balance("WIF", "20")


def told(error: BinanceAPIException) -> tuple[int, int, str, str]:
    """Returns status, code and both results; the library drops `data`, the answer's text has it."""
    body = json.loads(error.args[2])
    return error.status_code, body["code"], body["data"]["cancelResult"], body["data"]["newOrderResult"]


async def status(client: Any, name: str) -> str:
    return str((await client.get_order(symbol=WIF, origClientOrderId=name))["status"])


# --- cancel and replace ----------------------------------------------------------------------------


async def test_both_happen(venue: Venue, client: Any) -> None:
    await client.create_order(**SELL)
    answer = await client.cancel_replace_order(**REPLACE)
    assert shape(answer) == shape({**sample("samples/cancelReplace.json")})
    assert (answer["cancelResult"], answer["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    canceled, new = answer["cancelResponse"], answer["newOrderResponse"]
    assert (canceled["origClientOrderId"], canceled["clientOrderId"], new["clientOrderId"]) == ("old", "the-cancel", "new")
    assert [await status(client, name) for name in ("old", "new")] == ["CANCELED", "NEW"]
    assert held(venue, "WIF") == ("0", "20")


async def test_a_protected_position_is_sold_in_one_request(venue: Venue, client: Any) -> None:
    await client.create_oco_order(**OCO)
    answer = await client.cancel_replace_order(**{**EXIT, "cancelOrigClientOrderId": "stop"})
    assert answer["newOrderResponse"]["status"] == "FILLED"
    assert [await status(client, name) for name in ("stop", "target")] == ["CANCELED", "CANCELED"]
    assert held(venue, "WIF") == ("0", "0")


@pytest.mark.parametrize(
    ("mode", "results"),
    [("STOP_ON_FAILURE", (400, -2022, "FAILURE", "NOT_ATTEMPTED")), ("ALLOW_FAILURE", (409, -2021, "FAILURE", "SUCCESS"))],
)
async def test_nothing_to_cancel(venue: Venue, client: Any, mode: str, results: tuple[int, int, str, str]) -> None:
    error = await refusal(client.cancel_replace_order(**{**REPLACE, "cancelReplaceMode": mode}))
    assert told(error) == results
    data = json.loads(error.args[2])["data"]
    assert data["cancelResponse"] == {"code": -2011, "msg": "Unknown order sent."}
    assert (data["newOrderResponse"] is None) == (mode == "STOP_ON_FAILURE")
    assert len(venue.orders) == (mode == "ALLOW_FAILURE")
    assert (await client.get_current_order_count())[0]["count"] == 1


async def test_canceled_and_not_placed(venue: Venue, client: Any) -> None:
    await client.create_order(**SELL)
    error = await refusal(client.cancel_replace_order(**{**REPLACE, "quantity": "20.01"}))
    assert told(error) == (409, -2021, "SUCCESS", "FAILURE")
    data = json.loads(error.args[2])["data"]
    assert data["cancelResponse"]["status"] == "CANCELED"
    assert data["newOrderResponse"] == {"code": -2010, "msg": "Account has insufficient balance for requested action."}
    assert await status(client, "old") == "CANCELED"


async def test_neither(client: Any) -> None:
    error = await refusal(client.cancel_replace_order(**{**REPLACE, "quantity": "20.01", "cancelReplaceMode": "ALLOW_FAILURE"}))
    assert told(error) == (400, -2022, "FAILURE", "FAILURE")


async def test_filters_are_judged_before_the_cancel(venue: Venue, client: Any) -> None:
    stop = {"symbol": WIF, "side": "SELL", "type": "STOP_LOSS", "quantity": "4", "stopPrice": "0.400"}
    for number in range(5):
        await client.create_order(**stop, newClientOrderId=f"stop-{number}")
    replace = {**stop, "stopPrice": "0.410", "cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrigClientOrderId": "stop-0"}
    await assert_code(client.cancel_replace_order(**replace), -1013, "Filter failure: MAX_NUM_ALGO_ORDERS")
    assert await status(client, "stop-0") == "NEW"


async def test_a_replacement_may_be_restricted_to_an_untouched_order(venue: Venue, client: Any) -> None:
    await client.create_order(**SELL)
    venue.fill_order(WIF, "old", "1")
    error = await refusal(client.cancel_replace_order(**REPLACE, cancelRestrictions="ONLY_NEW"))
    assert told(error)[1:] == (-2022, "FAILURE", "NOT_ATTEMPTED")
    assert await status(client, "old") == "PARTIALLY_FILLED"


async def test_too_many_orders(venue: Venue, client: Any) -> None:
    await client.create_order(**SELL)
    venue.set_limits(orders_10s=0)
    error = await refusal(client.cancel_replace_order(**REPLACE))
    assert (error.status_code, error.code, await status(client, "old")) == (429, -1015, "NEW")
    error = await refusal(client.cancel_replace_order(**REPLACE, orderRateLimitExceededMode="CANCEL_ONLY"))
    assert told(error) == (429, -2021, "SUCCESS", "FAILURE")
    assert await status(client, "old") == "CANCELED"


async def test_what_a_replacement_needs(venue: Venue, client: Any) -> None:
    for name in ("cancelReplaceMode", "cancelOrigClientOrderId"):
        assert (await refusal(client.cancel_replace_order(**{**REPLACE, name: None}))).code == -1102
    venue.edit_symbol(WIF, cancelReplaceAllowed=False)
    text = "Order cancel-replace is not supported for this symbol."
    await assert_code(client.cancel_replace_order(**REPLACE), -2010, text)


@pytest.mark.parametrize("half", [True, False])
async def test_an_answer_lost_after_one_step_or_after_both(venue: Venue, client: Any, half: bool) -> None:
    await client.create_order(**SELL)
    venue.faults.cut("POST order/cancelReplace", half=half)
    with pytest.raises(aiohttp.ClientError):
        await client.cancel_replace_order(**REPLACE)
    assert await status(client, "old") == "CANCELED"
    assert len(venue.orders) == 2 - half


# --- amend -----------------------------------------------------------------------------------------


async def amend(client: Any, **params: Any) -> Any:
    return await client._put("order/amend/keepPriority", True, data={"symbol": WIF, **params})


async def test_an_order_becomes_smaller_and_gets_another_id(venue: Venue, client: Any) -> None:
    placed = await client.create_order(**SELL)
    venue.fill_order(WIF, "old", "2")
    async with wire_of(venue, subscribed=True) as wire:
        answer = await amend(client, origClientOrderId="old", newQty="15")
        assert shape(answer) == shape(sample("samples/amend.json"))
        event, balances = await wire.heard(2)
    amended = answer["amendedOrder"]
    assert (amended["orderId"], amended["qty"], amended["origClientOrderId"]) == (placed["orderId"], "15.00000000", "old")
    assert (event["x"], event["X"], event["c"], event["C"], event["q"]) == (
        "REPLACED", "PARTIALLY_FILLED", amended["clientOrderId"], "old", "15.00000000",
    )  # fmt: skip
    assert event["I"] == answer["executionId"]
    assert balances["B"] == [{"a": "WIF", "f": "5.00000000", "l": "13.00000000"}]
    assert (await refusal(client.get_order(symbol=WIF, origClientOrderId="old"))).code == -2013
    history = await client._get("order/amendments", True, data={"symbol": WIF, "orderId": placed["orderId"]})
    assert shape(history) == shape(sample("samples/amendments.json"))


async def test_the_id_can_be_kept(client: Any) -> None:
    await client.create_order(**SELL)
    await amend(client, origClientOrderId="old", newClientOrderId="old", newQty="15")
    assert (await client.get_order(symbol=WIF, origClientOrderId="old"))["origQty"] == "15.00000000"


async def test_both_legs_of_a_pair_become_smaller(venue: Venue, client: Any) -> None:
    await client.create_oco_order(**OCO)
    async with wire_of(venue, subscribed=True) as wire:
        answer = await amend(client, origClientOrderId="target", newClientOrderId="smaller", newQty="15")
        events = await wire.heard(4)
    assert [(event["e"], event.get("l")) for event in events][2] == ("listStatus", "UPDATED")
    wanted: Any = shape(sample("samples/amend_list.json"))
    wanted["amendedOrder"]["workingTime"] = "int"
    assert shape(answer) == wanted
    legs = [await client.get_order(symbol=WIF, origClientOrderId=name) for name in ("smaller", "stop")]
    assert [leg["origQty"] for leg in legs] == ["15.00000000"] * 2
    assert held(venue, "WIF") == ("5", "15")


@pytest.mark.parametrize(
    ("quantity", "code", "text"),
    [
        ("20.01", -2038, "Order amend (quantity increase) is not supported."),
        ("20", -2038, "The requested action would change no state; rejecting"),
        ("15.001", -1013, "Filter failure: LOT_SIZE"),
        ("1", -1013, "Filter failure: NOTIONAL"),
        ("0", -1013, "Invalid quantity."),
    ],
)
async def test_an_order_only_becomes_smaller(client: Any, quantity: str, code: int, text: str) -> None:
    await client.create_order(**SELL)
    await assert_code(amend(client, origClientOrderId="old", newQty=quantity), code, text)
    assert (await client.get_order(symbol=WIF, origClientOrderId="old"))["origQty"] == "20.00000000"


async def test_an_order_is_amended_so_many_times_and_where_it_is_allowed(venue: Venue, client: Any) -> None:
    venue.edit_symbol(WIF, max_num_order_amends=1)
    placed = await client.create_order(**SELL)
    await amend(client, orderId=placed["orderId"], newQty="19")
    again = amend(client, orderId=placed["orderId"], newQty="18")
    await assert_code(again, -2038, "Filter failure: MAX_NUM_ORDER_AMENDS")
    await assert_code(amend(client, orderId=999, newQty="18"), -2038, "Unknown order sent.")
    venue.edit_symbol(WIF, amendAllowed=False)
    await assert_code(
        amend(client, orderId=placed["orderId"], newQty="18"), -2038, "Order amend is not supported for this symbol."
    )


async def test_pending_orders(venue: Venue, client: Any) -> None:
    await place(client, "otoco", OTOCO)
    await amend(client, origClientOrderId="entry", newClientOrderId="entry", newQty="18")
    await amend(client, origClientOrderId="stop", newClientOrderId="stop", newQty="9")
    venue.fill_order(WIF, "entry", "18")
    found = [await client.get_order(symbol=WIF, origClientOrderId=name) for name in ("entry", "stop", "target")]
    assert [order["origQty"] for order in found] == ["18.00000000", "9.00000000", "9.00000000"]
    await client.cancel_all_open_orders(symbol=WIF)
    await place(client, "opo", OPO)
    text = "Order amend (pending OPO order) is not supported."
    await assert_code(amend(client, origClientOrderId="stop", newQty="9"), -2038, text)
