"""OCO lists of the loopback Binance: two exits, one amount, one of them wins."""

from typing import Any

import pytest

from tests.venue import Venue
from tests.venue.asking import LIMIT, WIF, assert_code, assert_refused, held, refusal, sample, shape

OCO: dict[str, str] = {
    "symbol": WIF,
    "side": "SELL",
    "quantity": "20",
    "listClientOrderId": "list",
    "aboveType": "LIMIT_MAKER",
    "abovePrice": "0.600",
    "aboveClientOrderId": "target",
    "belowType": "STOP_LOSS",
    "belowStopPrice": "0.400",
    "belowClientOrderId": "stop",
}
UNKNOWN, UNKNOWN_LIST = "Unknown order sent.", "Unknown order list sent."


@pytest.fixture(autouse=True)
def _modern(venue: Venue) -> None:
    venue.modernize(WIF)
    venue.set_balance("WIF", "20")


async def status(client: Any, name: str) -> tuple[str, str | None]:
    found = await client.get_order(symbol=WIF, origClientOrderId=name)
    return found["status"], found.get("expiryReason")


async def list_status(client: Any) -> str:
    found = await client.v3_get_order_list(origClientOrderId="list")
    return str(found["listOrderStatus"])


async def test_a_pair_rests_and_locks_once(venue: Venue, client: Any) -> None:
    limit = {**OCO, "belowType": "STOP_LOSS_LIMIT", "belowPrice": "0.390", "belowTimeInForce": "GTC"}
    placed = await client.create_oco_order(**limit, newOrderRespType="RESULT")
    wanted: Any = shape(sample("orders/doc_oco_sample.json"))
    del wanted["orderReports"][0]["icebergQty"]
    assert shape(placed) == wanted
    stop, target = placed["orderReports"]
    assert (stop["type"], stop["status"], stop["workingTime"]) == ("STOP_LOSS_LIMIT", "NEW", -1)
    assert (target["type"], target["status"], target["workingTime"] > 0) == ("LIMIT_MAKER", "NEW", True)
    assert [leg["clientOrderId"] for leg in placed["orders"]] == ["stop", "target"]
    assert held(venue, "WIF") == ("0", "20")
    assert [order["orderListId"] for order in await client.get_open_orders(symbol=WIF)] == [placed["orderListId"]] * 2


async def test_reports_are_acks_unless_asked_for(client: Any) -> None:
    placed = await client.create_oco_order(**OCO)
    assert [set(report) for report in placed["orderReports"]] == [set(sample("orders/doc_ack_sample.json"))] * 2


async def test_the_target_ends_the_stop(venue: Venue, client: Any) -> None:
    await client.create_oco_order(**OCO)
    venue.set_price(WIF, "0.61")
    assert await status(client, "target") == ("FILLED", None)
    assert await status(client, "stop") == ("EXPIRED", "OCO_TRIGGER")
    assert (await list_status(client), held(venue, "WIF")) == ("ALL_DONE", ("0", "0"))


async def test_the_stop_ends_the_target(venue: Venue, client: Any) -> None:
    await client.create_oco_order(**OCO)
    venue.set_price(WIF, "0.39")
    assert await status(client, "stop") == ("FILLED", None)
    assert await status(client, "target") == ("EXPIRED", "OCO_TRIGGER")
    assert held(venue, "WIF") == ("0", "0")


async def test_a_target_filled_in_part_ends_the_stop_and_leaves_the_rest_bare(venue: Venue, client: Any) -> None:
    await client.create_oco_order(**OCO)
    venue.fill_order(WIF, "target", "5")
    assert await status(client, "target") == ("PARTIALLY_FILLED", None)
    assert await status(client, "stop") == ("EXPIRED", "OCO_TRIGGER")
    assert (await list_status(client), held(venue, "WIF")) == ("EXECUTING", ("0", "15"))


async def test_a_stop_limit_that_was_triggered_rests_alone(venue: Venue, client: Any) -> None:
    limit = {**OCO, "belowType": "STOP_LOSS_LIMIT", "belowPrice": "0.390", "belowTimeInForce": "GTC"}
    await client.create_oco_order(**limit)
    venue.set_price(WIF, "0.350")
    assert await status(client, "stop") == ("NEW", None)
    assert await status(client, "target") == ("EXPIRED", "OCO_TRIGGER")
    assert (await list_status(client), held(venue, "WIF")) == ("EXECUTING", ("0", "20"))
    venue.set_price(WIF, "0.400")
    assert (await status(client, "stop"), await list_status(client)) == (("FILLED", None), "ALL_DONE")


async def test_a_buy_pair_locks_what_its_dearer_leg_needs(venue: Venue, client: Any) -> None:
    buy = {
        **OCO, "side": "BUY",
        "aboveType": "STOP_LOSS_LIMIT", "aboveStopPrice": "0.600", "abovePrice": "0.650", "aboveTimeInForce": "GTC",
        "belowType": "LIMIT_MAKER", "belowPrice": "0.400", "belowStopPrice": None,
    }  # fmt: skip
    await client.create_oco_order(**buy)
    assert held(venue, "USDC") == ("99987", "13")
    venue.fill_order(WIF, "stop", "5")
    assert held(venue, "USDC") == ("99992", "6")


async def test_a_trailing_take_profit_above_a_hard_stop(venue: Venue, client: Any) -> None:
    trailing = {**OCO, "aboveType": "TAKE_PROFIT", "abovePrice": None, "aboveStopPrice": "0.600", "aboveTrailingDelta": 500}
    await client.create_oco_order(**trailing)
    venue.walk(WIF, "0.60", "0.70", "0.67")
    assert await status(client, "target") == ("NEW", None)
    venue.set_price(WIF, "0.665")
    assert await status(client, "target") == ("FILLED", None)
    assert await status(client, "stop") == ("EXPIRED", "OCO_TRIGGER")


# --- cancels ---------------------------------------------------------------------------------------


async def test_canceling_a_list_names_the_cancel_and_the_orders(venue: Venue, client: Any) -> None:
    await client.create_oco_order(**OCO)
    canceled = await client.v3_delete_order_list(symbol=WIF, listClientOrderId="list", newClientOrderId="cancel")
    wanted: Any = shape(sample("samples/orderList_cancel.json"))
    assert shape(canceled) == wanted
    reports = canceled["orderReports"]
    assert [(one["origClientOrderId"], one["clientOrderId"], one["status"]) for one in reports] == [
        ("stop", "cancel", "CANCELED"),
        ("target", "cancel", "CANCELED"),
    ]
    assert canceled["listOrderStatus"] == "ALL_DONE"
    assert held(venue, "WIF") == ("20", "0")
    again = client.v3_delete_order_list(symbol=WIF, listClientOrderId="list")
    await assert_code(again, -2011, UNKNOWN_LIST)


async def test_canceling_a_leg_cancels_the_list(venue: Venue, client: Any) -> None:
    await client.create_oco_order(**OCO)
    answer = await client.cancel_order(symbol=WIF, origClientOrderId="target")
    assert shape(answer) == shape(sample("samples/orderList_cancel.json"))
    assert [report["origClientOrderId"] for report in answer["orderReports"]] == ["stop", "target"]
    assert [await status(client, name) for name in ("stop", "target")] == [("CANCELED", None)] * 2
    assert held(venue, "WIF") == ("20", "0")


async def test_canceling_everything_of_a_symbol(venue: Venue, client: Any) -> None:
    await client.create_oco_order(**OCO)
    await client.create_order(**LIMIT)
    answers = await client.cancel_all_open_orders(symbol=WIF)
    assert [("orderReports" in one, one.get("status")) for one in answers] == [(True, None), (False, "CANCELED")]
    assert (await client.get_open_orders(symbol=WIF), await client.v3_get_open_order_list()) == ([], [])
    await assert_code(client.cancel_all_open_orders(symbol=WIF), -2011, UNKNOWN)


# --- queries ---------------------------------------------------------------------------------------


async def test_the_query_of_a_list_lags_behind_by_questions_or_by_time(venue: Venue, client: Any) -> None:
    venue.list_lag.queries = 2
    placed = await client.create_oco_order(**OCO)
    for _ in range(2):
        await assert_code(client.v3_get_order_list(origClientOrderId="list"), -2018, "Order list does not exist.")
    found = await client.v3_get_order_list(origClientOrderId="list")
    assert shape(found) == shape(sample("samples/orderList.json"))
    venue.list_lag.ms = 5_000
    await assert_code(client.v3_get_order_list(orderListId=placed["orderListId"]), -2018, "Order list does not exist.")
    assert await client.get_open_oco_orders() == [found]
    assert await status(client, "stop") == ("NEW", None)
    assert await client.v3_get_all_order_list() == []


# --- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aboveType": "MARKET", "abovePrice": None}, -1158),
        ({"belowType": "LIMIT_MAKER", "belowPrice": "0.4", "belowStopPrice": None}, -1168),
        ({"belowType": "TAKE_PROFIT"}, -1199),
        ({"aboveType": "STOP_LOSS", "abovePrice": None, "aboveStopPrice": "0.6"}, -1197),
        ({"side": "BUY"}, -1165),
        ({"aboveTimeInForce": "GTC"}, -1114),
        ({"belowType": "STOP_LOSS_LIMIT", "belowPrice": "0.39"}, -1102),
        ({"belowStopPrice": None}, -1102),
        ({"belowPrice": "0.39"}, -1106),
        ({"belowTimeinForce": "GTC"}, -1104),
        ({"aboveType": None}, -1102),
        ({"quantity": None}, -1102),
    ],
)
async def test_parameters_of_a_pair(venue: Venue, client: Any, changes: dict[str, str | None], code: int) -> None:
    order = {**OCO, **changes}
    with pytest.raises(Exception) as caught:  # noqa: PT011
        await client.create_oco_order(**order)
    assert getattr(caught.value, "code", None) == code
    assert venue.orders == []


@pytest.mark.parametrize("changes", [{"abovePrice": "0.480"}, {"belowStopPrice": "0.481"}, {"abovePrice": "0.3"}])
async def test_the_last_trade_is_between_the_prices(venue: Venue, client: Any, changes: dict[str, str]) -> None:
    text = "The relationship of the prices for the orders is not correct."
    await assert_code(client.create_oco_order(**{**OCO, **changes}), -2010, text)
    assert (venue.orders, held(venue, "WIF")) == ([], ("20", "0"))


async def test_a_list_is_refused_as_a_whole(venue: Venue, client: Any) -> None:
    await assert_refused(client.create_oco_order(**{**OCO, "quantity": "20.01"}), "06_400_2010")
    await assert_code(
        client.create_oco_order(**{**OCO, "belowStopPrice": "0.09"}), -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"
    )
    venue.edit_symbol(WIF, max_num_orders=1)
    await assert_code(client.create_oco_order(**OCO), -1013, "Filter failure: MAX_NUM_ORDERS")
    venue.edit_symbol(WIF, max_num_orders=200, max_num_algo_orders=1)
    trailing = {**OCO, "aboveType": "TAKE_PROFIT", "abovePrice": None, "aboveStopPrice": "0.600"}
    await assert_code(client.create_oco_order(**trailing), -1013, "Filter failure: MAX_NUM_ALGO_ORDERS")
    venue.edit_symbol(WIF, ocoAllowed=False)
    await assert_code(client.create_oco_order(**OCO), -2010, "OCO orders are not supported for this symbol")
    assert venue.orders == []


async def test_ids_are_unique_among_open_lists_and_orders(venue: Venue, client: Any) -> None:
    venue.set_balance("WIF", "60")
    await client.create_oco_order(**OCO)
    for changes in ({}, {"listClientOrderId": "other"}, {"aboveClientOrderId": "a", "belowClientOrderId": "b"}):
        await assert_refused(client.create_oco_order(**{**OCO, **changes}), "07_400_2010")
    same = {**OCO, "listClientOrderId": "third", "aboveClientOrderId": "x", "belowClientOrderId": "x"}
    await assert_refused(client.create_oco_order(**same), "07_400_2010")
    venue.set_price(WIF, "0.61")
    await client.create_oco_order(**{**OCO, "abovePrice": "0.7"})


async def test_as_many_lists_as_the_symbol_allows(venue: Venue, client: Any) -> None:
    venue.edit_symbol(WIF, max_num_order_lists=1)
    venue.set_balance("WIF", "60")
    await client.create_oco_order(**OCO)
    other = {**OCO, "listClientOrderId": "2", "aboveClientOrderId": "a", "belowClientOrderId": "b"}
    await assert_code(client.create_oco_order(**other), -1013, "Filter failure: MAX_NUM_ORDER_LISTS")


async def test_a_pair_counts_as_two_unfilled_orders(venue: Venue, client: Any) -> None:
    await client.create_oco_order(**OCO)
    assert client.response.headers["X-MBX-ORDER-COUNT-10S"] == "2"
    venue.set_limits(orders_10s=1)
    await client.cancel_all_open_orders(symbol=WIF)
    error = await refusal(client.create_oco_order(**OCO))
    assert (error.status_code, error.code) == (429, -1015)
