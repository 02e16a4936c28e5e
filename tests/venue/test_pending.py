"""OTO, OTOCO, OPO and OPOCO lists of the loopback Binance: exits that wait for their entry."""

from decimal import Decimal
from typing import Any

import pytest

from tests.venue import Venue
from tests.venue.asking import WIF, assert_code, assert_refused, held, refusal, sample, shape

WORKING: dict[str, str] = {
    "symbol": WIF,
    "listClientOrderId": "list",
    "workingType": "LIMIT",
    "workingSide": "BUY",
    "workingClientOrderId": "entry",
    "workingPrice": "0.400",
    "workingQuantity": "20",
    "workingTimeInForce": "GTC",
    "pendingSide": "SELL",
    "newOrderRespType": "RESULT",
}
ONE: dict[str, str] = {
    "pendingType": "STOP_LOSS",
    "pendingStopPrice": "0.300",
    "pendingClientOrderId": "stop",
}
PAIR: dict[str, str] = {
    "pendingAboveType": "LIMIT_MAKER",
    "pendingAbovePrice": "0.600",
    "pendingAboveClientOrderId": "target",
    "pendingBelowType": "STOP_LOSS",
    "pendingBelowStopPrice": "0.300",
    "pendingBelowClientOrderId": "stop",
}
OTO = {**WORKING, **ONE, "pendingQuantity": "10"}
OTOCO = {**WORKING, **PAIR, "pendingQuantity": "10"}
OPO = {**WORKING, **ONE}
OPOCO = {**WORKING, **PAIR}


@pytest.fixture(autouse=True)
def _modern(venue: Venue) -> None:
    venue.modernize(WIF)


async def place(client: Any, kind: str, order: dict[str, Any]) -> Any:
    return await client._post(f"orderList/{kind}", True, data=dict(order))


async def status(client: Any, name: str) -> tuple[str, str | None]:
    found = await client.get_order(symbol=WIF, origClientOrderId=name)
    return found["status"], found.get("expiryReason")


async def statuses(client: Any) -> list[str]:
    return [(await status(client, name))[0] for name in ("entry", "stop", "target")]


@pytest.mark.parametrize(
    ("kind", "order", "name"),
    [("oto", OTO, "oto"), ("otoco", OTOCO, "otoco"), ("opo", OPO, "opo"), ("opoco", OPOCO, "opoco")],
)
async def test_answers_have_the_documented_shape(client: Any, kind: str, order: dict[str, str], name: str) -> None:
    placed = await place(client, kind, order)
    documented: Any = sample(f"samples/orderList_{name}.json")
    assert shape(placed) == shape(documented)
    ours, theirs = placed["orderReports"], documented["orderReports"]
    stops = {"stopPrice"} if kind in ("oto", "opo") else set()
    assert [set(one) for one in ours] == [set(theirs[0]), set(theirs[1]) | stops, *(set(one) for one in theirs[2:])]
    assert [one["status"] for one in ours] == ["NEW", *["PENDING_NEW"] * (len(ours) - 1)]
    assert [one["workingTime"] for one in ours[1:]] == [-1] * (len(ours) - 1)
    assert placed["contingencyType"] == "OTO"


async def test_the_librarys_own_calls(client: Any) -> None:
    assert (await client.v3_post_order_list_oto(**OTO))["orderListId"] == 0
    renamed = {key: f"{value}-2" if key.endswith("ClientOrderId") else value for key, value in OTOCO.items()}
    assert (await client.v3_post_order_list_otoco(**renamed))["orderListId"] == 1


# --- one after the other ---------------------------------------------------------------------------


async def test_exits_wait_for_the_whole_entry(venue: Venue, client: Any) -> None:
    await place(client, "otoco", OTOCO)
    assert (held(venue, "USDC"), held(venue, "WIF")) == (("99992", "8"), ("0", "0"))
    venue.fill_order(WIF, "entry", "19")
    assert await statuses(client) == ["PARTIALLY_FILLED", "PENDING_NEW", "PENDING_NEW"]
    venue.set_price(WIF, "0.29")
    assert await statuses(client) == ["FILLED", "EXPIRED", "EXPIRED"]


async def test_a_full_fill_places_the_exits(venue: Venue, client: Any) -> None:
    await place(client, "otoco", OTOCO)
    venue.fill_order(WIF, "entry", "20")
    assert await statuses(client) == ["FILLED", "NEW", "NEW"]
    assert held(venue, "WIF") == ("9.98", "10")
    found = await client.get_order(symbol=WIF, origClientOrderId="target")
    assert (found["isWorking"], found["workingTime"] > 0) == (True, True)
    venue.set_price(WIF, "0.61")
    assert await statuses(client) == ["FILLED", "EXPIRED", "FILLED"]
    assert (await client.v3_get_order_list(origClientOrderId="list"))["listOrderStatus"] == "ALL_DONE"


async def test_an_entry_filled_at_once_answers_with_its_exits_still_pending(client: Any) -> None:
    placed = await place(client, "otoco", {**OTOCO, "workingPrice": "0.500", "newOrderRespType": "FULL"})
    assert [one["status"] for one in placed["orderReports"]] == ["FILLED", "PENDING_NEW", "PENDING_NEW"]
    assert len(placed["orderReports"][0]["fills"]) == 1
    assert placed["listOrderStatus"] == "EXECUTING"
    assert await statuses(client) == ["FILLED", "NEW", "NEW"]


async def test_as_much_as_was_bought_is_more_than_is_there_after_the_fee(venue: Venue, client: Any) -> None:
    await place(client, "otoco", {**OTOCO, "pendingQuantity": "20"})
    venue.fill_order(WIF, "entry", "20")
    assert await status(client, "stop") == ("EXPIRED", "REJECTED")
    assert await status(client, "target") == ("EXPIRED", "OCO_TRIGGER")
    assert held(venue, "WIF") == ("19.98", "0")


async def test_pending_orders_are_judged_again_when_they_are_placed(venue: Venue, client: Any) -> None:
    await place(client, "oto", OTO)
    venue.set_average(WIF, "2")
    venue.fill_order(WIF, "entry", "20")
    assert (await status(client, "entry"), await status(client, "stop")) == (("FILLED", None), ("EXPIRED", "REJECTED"))
    assert (await client.v3_get_order_list(origClientOrderId="list"))["listOrderStatus"] == "ALL_DONE"


async def test_a_pending_market_order_sells_at_once(venue: Venue, client: Any) -> None:
    await place(client, "oto", {**OTO, "pendingType": "MARKET", "pendingStopPrice": None})
    venue.set_price(WIF, "0.400")
    assert await status(client, "stop") == ("FILLED", None)


@pytest.mark.parametrize("tif", ["IOC", "FOK"])
async def test_an_entry_that_expires_ends_the_list(venue: Venue, client: Any, tif: str) -> None:
    venue.set_book(WIF, asks=[("0.400", "15")])
    await place(client, "otoco", {**OTOCO, "workingTimeInForce": tif})
    assert (await statuses(client))[0] == "EXPIRED"
    for name in ("stop", "target"):
        assert await status(client, name) == ("EXPIRED", "OTO_PHASE_ONE_EXPIRED")
    bought = "14.985" if tif == "IOC" else "0"
    assert held(venue, "WIF") == (bought, "0")


@pytest.mark.parametrize("name", ["entry", "stop"])
async def test_canceling_any_leg_cancels_the_list(venue: Venue, client: Any, name: str) -> None:
    await place(client, "otoco", OTOCO)
    venue.fill_order(WIF, "entry", "5")
    await client.cancel_order(symbol=WIF, origClientOrderId=name)
    assert await statuses(client) == ["CANCELED"] * 3
    assert (held(venue, "USDC"), held(venue, "WIF")) == (("99998", "0"), ("4.995", "0"))


# --- one pays the other ----------------------------------------------------------------------------


async def test_the_exits_of_an_opoco_are_what_was_received_after_the_fee(venue: Venue, client: Any) -> None:
    await place(client, "opoco", OPOCO)
    venue.fill_order(WIF, "entry", "20")
    stop = await client.get_order(symbol=WIF, origClientOrderId="stop")
    assert (stop["status"], stop["origQty"]) == ("NEW", "19.98000000")
    assert held(venue, "WIF") == ("0", "19.98")


async def test_what_does_not_fill_a_lot_is_free(venue: Venue, client: Any) -> None:
    await place(client, "opoco", {**OPOCO, "workingQuantity": "20.01"})
    venue.fill_order(WIF, "entry", "20.01")
    assert held(venue, "WIF") == ("0.00999", "19.98")


async def test_a_fee_is_taken_from_what_is_free_if_there_is_enough(venue: Venue, client: Any) -> None:
    venue.set_balance("WIF", "0.02")
    await place(client, "opoco", OPOCO)
    venue.fill_order(WIF, "entry", "20")
    assert held(venue, "WIF") == ("0", "20")


async def test_a_fee_in_bnb_leaves_what_was_bought_whole(venue: Venue, client: Any) -> None:
    venue.set_rates(bnb_burn=True)
    venue.set_bnb_price("USDC", "600")
    venue.set_balance("BNB", "1")
    await place(client, "opo", OPO)
    venue.fill_order(WIF, "entry", "20")
    assert held(venue, "WIF") == ("0", "20")


async def test_what_a_part_of_an_opo_entry_brought_is_locked_until_the_list_ends(venue: Venue, client: Any) -> None:
    await place(client, "opoco", OPOCO)
    venue.fill_order(WIF, "entry", "10")
    assert held(venue, "WIF") == ("0", "9.99")
    await client.v3_delete_order_list(symbol=WIF, listClientOrderId="list")
    assert (held(venue, "WIF"), held(venue, "USDC")) == (("9.99", "0"), ("99996", "0"))


async def test_too_little_for_the_filters_is_rejected_when_it_is_placed(venue: Venue, client: Any) -> None:
    await place(client, "opo", {**OPO, "workingQuantity": "2.5", "pendingStopPrice": "0.390"})
    venue.set_average(WIF, "0.3")
    venue.fill_order(WIF, "entry", "2.5")
    assert await status(client, "stop") == ("EXPIRED", "REJECTED")
    assert held(venue, "WIF") == ("2.4975", "0")


@pytest.mark.parametrize("refused", ["stop", "target"])
async def test_pending_orders_may_be_refused_as_a_fault(venue: Venue, client: Any, refused: str) -> None:
    venue.exchange.lists.refuses_pending = lambda order: order.client_order_id == refused
    await place(client, "opoco", OPOCO)
    venue.fill_order(WIF, "entry", "20")
    other = "target" if refused == "stop" else "stop"
    assert await status(client, refused) == ("EXPIRED", "REJECTED")
    assert await status(client, other) == ("EXPIRED", "OCO_TRIGGER")
    assert held(venue, "WIF") == ("19.98", "0")
    assert (await client.v3_get_order_list(origClientOrderId="list"))["listOrderStatus"] == "ALL_DONE"


async def test_a_bracket_at_the_bands_edge_is_bought_whole_and_guarded(venue: Venue, client: Any) -> None:
    band = {**OPOCO, "workingPrice": "0.500", "workingTimeInForce": "FOK"}
    await place(client, "opoco", band)
    assert await statuses(client) == ["FILLED", "NEW", "NEW"]
    assert (venue.balances["USDC"].locked, venue.balances["WIF"].locked) == (Decimal(0), Decimal("19.98"))


@pytest.mark.parametrize(
    ("kind", "order", "code"),
    [
        ("opo", {**OPO, "workingSide": "SELL"}, -1222),
        ("opo", {**OPO, "pendingSide": "BUY"}, -1223),
        ("opo", {**OPO, "pendingQuantity": "20"}, -1104),
        ("opoco", {**OPOCO, "pendingTimeInForce": "GTC"}, -1104),
        ("otoco", {**OTOCO, "pendingQuantity": None}, -1102),
        ("otoco", {**OTOCO, "pendingBelowStopPrice": None}, -1102),
        ("otoco", {**OTOCO, "workingType": "MARKET", "workingPrice": None, "workingTimeInForce": None}, -1014),
        ("otoco", {**OTOCO, "workingTimeInForce": None}, -1102),
        ("otoco", {**OTOCO, "pendingBelowType": "TAKE_PROFIT"}, -1199),
        ("oto", {**OTO, "pendingQuoteOrderQty": "5"}, -1104),
    ],
)
async def test_parameters_of_pending_lists(venue: Venue, client: Any, kind: str, order: dict[str, str | None], code: int) -> None:
    assert (await refusal(place(client, kind, order))).code == code
    assert venue.orders == []


async def test_what_a_symbol_must_allow(venue: Venue, client: Any) -> None:
    venue.edit_symbol(WIF, opoAllowed=False)
    await assert_code(place(client, "opoco", OPOCO), -2010, "OPO orders are not supported for this symbol.")
    venue.edit_symbol(WIF, otoAllowed=False)
    await assert_code(place(client, "oto", OTO), -2010, "OTO orders are not supported for this symbol.")
    old = {**OPO, "symbol": "WIFUSDT", "pendingType": "STOP_LOSS_LIMIT", "pendingPrice": "0.3", "pendingTimeInForce": "GTC"}
    await assert_code(place(client, "opo", old), -2010, "OPO orders are not supported for this symbol.")


async def test_only_the_entry_needs_money_when_a_list_is_placed(venue: Venue, client: Any) -> None:
    venue.set_balance("USDC", "7.99")
    await assert_refused(place(client, "opoco", OPOCO), "06_400_2010")
    venue.set_balance("USDC", "8")
    await place(client, "opoco", OPOCO)
    assert client.response.headers["X-MBX-ORDER-COUNT-10S"] == "3"
