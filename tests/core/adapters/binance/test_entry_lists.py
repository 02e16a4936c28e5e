"""Entries with their exits on Binance, beyond the Venue contract: requests, lost answers, limits, the user data stream."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core.adapters.binance.binance_client import BinanceClient
from core.adapters.binance.rate_limit_budget import ORDERS
from core.domain.order import EntryList, LegRequest, ListPlaced, NotTaken, OrderRequest, Rejected, Unanswered
from core.domain.order_terms import OrderTerms, OrderType, whole_within
from core.domain.plan_leg import LegKind, PlanLeg
from core.domain.signal import Side
from tests.core.adapters.binance.test_unanswered import LOST
from tests.core.adapters.conftest import Connect
from tests.core.adapters.keys import both_kinds
from tests.venue import Venue
from tests.venue.asking import WIF

PLAN = "mf-" + "0" * 29
MARK = 2**53 - 1
PAIR = EntryList(
    PlanLeg(PLAN, LegKind.LIST).client_order_id,
    OrderRequest(PLAN, WIF, Side.BUY, Decimal(20), MARK, whole_within(Decimal("0.484"))),
    LegRequest(PlanLeg(PLAN, LegKind.TARGET).client_order_id, OrderTerms(OrderType.LIMIT_MAKER, limit_price=Decimal("0.6"))),
    LegRequest(PlanLeg(PLAN, LegKind.STOP).client_order_id, OrderTerms(OrderType.STOP_LOSS, stop_price=Decimal("0.4"))),
)
ONE = replace(PAIR, target=None)
ENDPOINTS = {"opoco": PAIR, "opo": ONE}


@pytest.fixture(autouse=True)
def _modern(venue: Venue) -> None:
    venue.modernize(WIF)


def posts(venue: Venue) -> list[Any]:
    return [seen for seen in venue.requests if seen.method == "POST"]


@both_kinds
@pytest.mark.parametrize(("kind", "exits"), [("opoco", 2), ("opo", 1)])
async def test_one_request_places_all_of_them_with_our_ids_and_mark(
    venue: Venue, client: BinanceClient, kind: str, exits: int
) -> None:
    await client.instruments([WIF])
    assert isinstance(await client.place_entry(ENDPOINTS[kind]), ListPlaced)
    (seen,) = posts(venue)
    assert seen.path.endswith(f"/orderList/{kind}")
    assert {order.strategy_id for order in venue.orders} == {MARK}
    names = {PLAN, *(leg.client_order_id for leg in ENDPOINTS[kind].exits)}
    assert {order.client_order_id for order in venue.orders} == names
    assert client.budget.used(ORDERS, 10) <= 1 + exits


@pytest.mark.parametrize("kind", ENDPOINTS)
@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("lost", LOST)
async def test_a_lost_answer_leaves_it_open(venue: Venue, connect: Connect, lost: str, executed: bool, kind: str) -> None:
    client = connect(timeout=1.0)
    await client.measure_clock()
    LOST[lost](venue.faults, f"POST orderList/{kind}", executed=executed)
    result = await client.place_entry(ENDPOINTS[kind])
    assert isinstance(result, Unanswered)
    assert len(posts(venue)) == 1
    assert (await client.find_order(WIF, PLAN) is not None) is executed


@pytest.mark.parametrize("body", ["", "null", "[]", "{}", {"orderReports": []}, {"code": -2010, "msg": "no"}], ids=repr)
async def test_an_answer_that_cannot_be_read_leaves_it_open(venue: Venue, client: BinanceClient, body: object) -> None:
    venue.faults.answer("POST orderList/opoco", 200, body, executed=True)
    assert isinstance(await client.place_entry(PAIR), Unanswered)
    assert await client.find_order(WIF, PLAN) is not None


async def test_it_is_an_entry_and_is_held_back_near_the_order_limit(venue: Venue, client: BinanceClient) -> None:
    await client.instruments([WIF])
    venue.set_limits(orders_10s=2)
    await client.instruments([WIF])
    for number in range(2):
        await client.place(OrderRequest(f"mf-{number}", WIF, Side.BUY, Decimal(20), None, whole_within(Decimal("0.470"))))
    result = await client.place_entry(PAIR)
    assert isinstance(result, NotTaken)
    assert result.reason.code == "held_back"
    assert len(posts(venue)) == 2


async def test_without_money_it_is_the_quote_asset_that_is_missing(venue: Venue, client: BinanceClient) -> None:
    await client.instruments([WIF])
    venue.set_balance("USDC", "1")
    result = await client.place_entry(PAIR)
    assert isinstance(result, Rejected)
    assert (result.reason.code, result.reason.params["asset"]) == ("insufficient_balance", "USDC")


@pytest.mark.parametrize("code", [-1222, -1223, -1224, -1225])
async def test_codes_of_such_lists_are_refusals(venue: Venue, client: BinanceClient, code: int) -> None:
    venue.faults.error("POST orderList/opoco", code, "no", status=400)
    result = await client.place_entry(PAIR)
    assert isinstance(result, Rejected)
    assert result.reason.code == "bad_request"
