"""Every endpoint that trades or asks about it can fail in every way: before it did its work, after it, or half-way."""

import asyncio
from typing import Any

import aiohttp
import pytest

from tests.venue import Venue
from tests.venue.asking import LIMIT, WIF, assert_refused, held, refusal, sample
from tests.venue.test_changes import REPLACE, SELL, amend
from tests.venue.test_oco import OCO
from tests.venue.test_pending import OPO, OPOCO, OTO, OTOCO, place

LISTS: dict[str, dict[str, str]] = {"oco": OCO, "oto": OTO, "otoco": OTOCO, "opo": OPO, "opoco": OPOCO}
ENDPOINTS = [
    *(f"POST orderList/{kind}" for kind in LISTS),
    "DELETE orderList",
    "DELETE order",
    "DELETE openOrders",
    "POST order/cancelReplace",
    "PUT order/amend/keepPriority",
]
UNKNOWN = ["25_504_1007", "26_500_1000", "27_503_1008", "28_500_1001"]


@pytest.fixture(autouse=True)
def _modern(venue: Venue) -> None:
    venue.modernize(WIF)
    venue.set_balance("WIF", "20")


async def prepare(client: Any, endpoint: str) -> None:
    """Places what the endpoint changes."""
    if endpoint == "DELETE orderList":
        await client.create_oco_order(**OCO)
    elif not endpoint.startswith("POST orderList"):
        await client.create_order(**SELL)


async def ask(client: Any, endpoint: str) -> Any:
    """Sends the endpoint's request."""
    if endpoint.startswith("POST orderList/"):
        kind = endpoint.removeprefix("POST orderList/")
        return await place(client, kind, LISTS[kind])
    if endpoint == "DELETE orderList":
        return await client.v3_delete_order_list(symbol=WIF, listClientOrderId="list")
    if endpoint == "DELETE order":
        return await client.cancel_order(symbol=WIF, origClientOrderId="old")
    if endpoint == "DELETE openOrders":
        return await client.cancel_all_open_orders(symbol=WIF)
    if endpoint == "POST order/cancelReplace":
        return await client.cancel_replace_order(**REPLACE)
    return await amend(client, origClientOrderId="old", newQty="15")


def picture(venue: Venue) -> object:
    """Returns everything that a request can change."""
    orders = [(order.client_order_id, order.status, order.orig_qty) for order in venue.orders]
    return orders, held(venue, "WIF"), held(venue, "USDC"), len(venue.lists)


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_an_answer_that_is_cut_off(venue: Venue, client: Any, endpoint: str, executed: bool) -> None:
    await prepare(client, endpoint)
    before = picture(venue)
    venue.faults.cut(endpoint, executed=executed, times=1 if endpoint.startswith("POST") else 2)
    with pytest.raises(aiohttp.ClientError):
        await ask(client, endpoint)
    assert (picture(venue) != before) == executed


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("recorded", UNKNOWN)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_an_answer_that_says_nothing(venue: Venue, client: Any, endpoint: str, recorded: str, executed: bool) -> None:
    await prepare(client, endpoint)
    before = picture(venue)
    venue.faults.error(endpoint, sample(f"errors/{recorded}.json")["body"]["code"], executed=executed)
    await assert_refused(ask(client, endpoint), recorded)
    assert (picture(venue) != before) == executed


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_an_answer_that_never_comes_or_is_no_json(venue: Venue, client: Any, endpoint: str) -> None:
    await prepare(client, endpoint)
    venue.faults.bad_gateway(endpoint, executed=False)
    assert (await refusal(ask(client, endpoint))).status_code == 502
    before = picture(venue)
    venue.faults.hang(endpoint)
    client.REQUEST_TIMEOUT = 0.2
    with pytest.raises(asyncio.TimeoutError):
        await ask(client, endpoint)
    assert picture(venue) != before


async def test_a_list_is_asked_for_by_its_first_leg_after_a_lost_answer(venue: Venue, client: Any) -> None:
    venue.list_lag.queries = 100
    venue.faults.error("POST orderList/oco", -1007, executed=True)
    assert (await refusal(client.create_oco_order(**OCO))).code == -1007
    assert (await refusal(client.v3_get_order_list(origClientOrderId="list"))).code == -2018
    assert (await client.get_order(symbol=WIF, origClientOrderId="stop"))["status"] == "NEW"
    again = await refusal(client.create_oco_order(**OCO))
    assert (again.code, again.message) == (-2010, "Duplicate order sent.")


async def test_a_late_list_enters_after_its_client_gave_up(venue: Venue, client: Any) -> None:
    client.REQUEST_TIMEOUT = 0.1
    late = venue.faults.hold("POST orderList/oco")
    with pytest.raises(asyncio.TimeoutError):
        await client.create_oco_order(**OCO)
    client.REQUEST_TIMEOUT = 5
    assert (await refusal(client.get_order(symbol=WIF, origClientOrderId="stop"))).code == -2013
    late.release()
    assert (await client.get_order(symbol=WIF, origClientOrderId="stop"))["status"] == "NEW"


async def test_a_cancel_whose_answer_was_cut_off_is_sent_again_and_finds_nothing(venue: Venue, client: Any) -> None:
    """Shows that -2011 can be the answer to one's own success: aiohttp repeats DELETE and PUT on a kept-alive connection."""
    await client.create_order(**LIMIT, newClientOrderId="mine")
    venue.faults.cut("DELETE order")
    await assert_refused(client.cancel_order(symbol=WIF, origClientOrderId="mine"), "11_400_2011")
    assert (await client.get_order(symbol=WIF, origClientOrderId="mine"))["status"] == "CANCELED"
    assert [seen.method for seen in venue.requests].count("DELETE") == 2


async def test_a_cancel_that_comes_too_late(venue: Venue, client: Any) -> None:
    await client.create_order(**LIMIT, newClientOrderId="mine")
    late = venue.faults.hold("DELETE order")
    task = asyncio.create_task(client.cancel_order(symbol=WIF, origClientOrderId="mine"))
    await late.arrived.wait()
    venue.set_price(WIF, "0.399")
    late.release()
    await assert_refused(task, "11_400_2011")
    assert (await client.get_order(symbol=WIF, origClientOrderId="mine"))["status"] == "FILLED"
