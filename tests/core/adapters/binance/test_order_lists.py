"""Order lists and resting orders on Binance, beyond the Venue contract: requests, lost answers, refusals, limits."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core.adapters.binance.binance_client import BinanceClient
from core.adapters.binance.rate_limit_budget import ORDERS
from core.domain.errors import ExchangeUnavailable
from core.domain.order import (
    LegRequest,
    ListPlaced,
    ListRequest,
    NotTaken,
    OrderRequest,
    PlaceListResult,
    Rejected,
    Unanswered,
)
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms, OrderType, TimeInForce
from core.domain.plan_leg import LegKind, PlanLeg
from core.domain.signal import Side
from tests.core.adapters.binance.test_unanswered import LOST
from tests.core.adapters.clocks import RealClock
from tests.core.adapters.conftest import Connect
from tests.core.adapters.keys import both_kinds
from tests.venue import Venue
from tests.venue.asking import WIF

PLAN = "mf-" + "0" * 29
MARK = 2**53 - 1
LIST = ListRequest(
    PlanLeg(PLAN, LegKind.LIST).client_order_id,
    WIF,
    Decimal(20),
    LegRequest(PlanLeg(PLAN, LegKind.TARGET).client_order_id, OrderTerms(OrderType.LIMIT_MAKER, limit_price=Decimal("0.6"))),
    LegRequest(PlanLeg(PLAN, LegKind.STOP).client_order_id, OrderTerms(OrderType.STOP_LOSS, stop_price=Decimal("0.4"))),
    MARK,
)
OCO = "POST orderList/oco"
TRAILING = OrderTerms(OrderType.TAKE_PROFIT, stop_price=Decimal("0.6"), trailing_delta=100)
STOP_LIMIT = OrderTerms(OrderType.STOP_LOSS_LIMIT, TimeInForce.GTC, Decimal("0.39"), Decimal("0.4"))


@pytest.fixture(autouse=True)
def _modern(venue: Venue) -> None:
    venue.modernize(WIF)
    venue.set_balance("WIF", "20")


def with_terms(*, above: OrderTerms = LIST.above.terms, below: OrderTerms = LIST.below.terms) -> ListRequest:
    return replace(LIST, above=replace(LIST.above, terms=above), below=replace(LIST.below, terms=below))


def posts(venue: Venue) -> list[Any]:
    return [seen for seen in venue.requests if seen.method == "POST"]


def refused(result: PlaceListResult) -> tuple[str, str]:
    assert isinstance(result, Rejected), result
    return result.reason.code, str(result.reason)


@both_kinds
async def test_every_leg_has_its_id_its_price_and_the_mark(venue: Venue, client: BinanceClient) -> None:
    assert isinstance(await client.place_list(with_terms(above=TRAILING, below=STOP_LIMIT)), ListPlaced)
    (seen,) = [seen.params for seen in posts(venue)]
    assert {name: value for name, value in seen.items() if name not in ("timestamp", "recvWindow")} == {
        "symbol": WIF, "side": "SELL", "quantity": "20", "newOrderRespType": "FULL", "listClientOrderId": LIST.list_id,
        "aboveType": "TAKE_PROFIT", "aboveStopPrice": "0.6", "aboveTrailingDelta": "100", "aboveStrategyId": str(MARK),
        "aboveClientOrderId": LIST.above.client_order_id,
        "belowType": "STOP_LOSS_LIMIT", "belowStopPrice": "0.4", "belowPrice": "0.39", "belowTimeInForce": "GTC",
        "belowStrategyId": str(MARK), "belowClientOrderId": LIST.below.client_order_id,
    }  # fmt: skip
    assert {order.strategy_id for order in venue.orders} == {MARK}


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("lost", LOST)
async def test_a_lost_answer_leaves_it_open(venue: Venue, connect: Connect, lost: str, executed: bool) -> None:
    client = connect(timeout=1.0)
    await client.measure_clock()
    LOST[lost](venue.faults, OCO, executed=executed)
    result = await client.place_list(LIST)
    assert isinstance(result, Unanswered)
    assert result.detail
    assert len(posts(venue)) == 1
    found = await client.find_order(WIF, LIST.above.client_order_id)
    assert (found is not None) is executed


@pytest.mark.parametrize("body", ["", "null", "[]", "{}", {"orderReports": []}, {"code": -2010, "msg": "no"}], ids=repr)
async def test_an_answer_that_cannot_be_read_leaves_it_open(venue: Venue, client: BinanceClient, body: object) -> None:
    venue.faults.answer(OCO, 200, body, executed=True)
    assert isinstance(await client.place_list(LIST), Unanswered)
    found = await client.find_order(WIF, LIST.below.client_order_id)
    assert found is not None
    assert found.state is OrderState.ACCEPTED


@pytest.mark.parametrize("taken", ["list", "above", "below"])
async def test_an_id_that_is_in_use_leaves_it_open(client: BinanceClient, taken: str) -> None:
    """Repeats part of a list: somebody has these ids, and they are ours alone."""
    assert isinstance(await client.place_list(replace(LIST, qty=Decimal(10))), ListPlaced)
    other = ListRequest(
        "mf-list", WIF, Decimal(10), replace(LIST.above, client_order_id="mf-a"), replace(LIST.below, client_order_id="mf-b")
    )
    again = replace(other, **({"list_id": LIST.list_id} if taken == "list" else {taken: getattr(LIST, taken)}))
    assert isinstance(await client.place_list(again), Unanswered)


async def test_a_list_is_an_exit_and_is_sent_whatever_is_left_of_the_order_limit(venue: Venue, client: BinanceClient) -> None:
    await client.instruments([WIF])
    venue.set_limits(orders_10s=2)
    await client.instruments([WIF])
    assert isinstance(await client.place_list(LIST), ListPlaced)
    assert client.budget.used(ORDERS, 10) == 2
    entry = await client.place(OrderRequest("mf-2", WIF, Side.BUY, Decimal(20)))
    assert isinstance(entry, NotTaken)
    assert entry.reason.code == "held_back"
    venue.faults.error(OCO, -1008, status=503)
    assert isinstance(await client.place_list(replace(LIST, list_id="mf-3")), NotTaken)
    assert len(posts(venue)) == 2  # it was sent, and the exchange itself had no room


async def test_a_pause_that_the_exchange_asks_for_holds_a_list_too(venue: Venue, client: BinanceClient, clock: RealClock) -> None:
    venue.faults.too_many(OCO, retry_after=7)
    result = await client.place_list(LIST)
    assert isinstance(result, NotTaken)
    assert (result.reason.code, result.retry_after) == ("rate_limited", 7)
    assert isinstance(await client.place_list(LIST), NotTaken)
    assert len(posts(venue)) == 1
    clock.pass_time(7)
    assert isinstance(await client.place_list(LIST), ListPlaced)


@both_kinds
async def test_no_list_leaves_once_the_right_to_send_it_is_gone(connect: Connect, venue: Venue) -> None:
    rights = [False, True]
    client = connect(may_send=lambda: rights.pop(0))
    result = await client.place_list(LIST)
    assert isinstance(result, NotTaken)
    assert "the right to trade is in doubt" in str(result.reason)
    assert posts(venue) == []
    assert isinstance(await client.place_list(LIST), ListPlaced)


async def test_without_a_key_no_list_is_sent(connect: Connect, venue: Venue) -> None:
    assert refused(await connect(key="", secret="").place_list(LIST))[0] == "bad_key"
    assert venue.requests == []


async def test_too_many_open_orders_are_said_so(venue: Venue, client: BinanceClient) -> None:
    venue.edit_symbol(WIF, filters={"MAX_NUM_ALGO_ORDERS": {"maxNumAlgoOrders": 0}})
    code, sentence = refused(await client.place_list(LIST))
    assert code == "too_many_open"
    assert "MAX_NUM_ALGO_ORDERS" in sentence


@pytest.mark.parametrize(
    ("change", "terms"),
    [
        ({"ocoAllowed": False}, {}),
        ({"orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT"]}, {}),
        ({"allowTrailingStop": False}, {"above": TRAILING}),
    ],
)
async def test_what_a_symbol_does_not_have_is_said_so(
    venue: Venue, client: BinanceClient, change: dict[str, Any], terms: dict[str, OrderTerms]
) -> None:
    venue.edit_symbol(WIF, **change)
    code, sentence = refused(await client.place_list(with_terms(**terms)))
    assert code in {"order_type_off", "bad_request"}
    assert "-" in sentence
    assert venue.orders == []


async def test_open_orders_of_one_symbol_cost_less(venue: Venue, client: BinanceClient) -> None:
    await client.place_list(LIST)
    await client.server_time()
    before = client.budget.used("REQUEST_WEIGHT", 60)
    assert len(await client.open_orders(WIF)) == 2
    assert client.budget.used("REQUEST_WEIGHT", 60) == before + 6
    assert await client.open_orders("WIFUSDT") == []
    assert len(await client.open_orders()) == 2
    venue.faults.answer("GET openOrders", 200, [_other_symbol(venue)])
    with pytest.raises(ExchangeUnavailable):
        await client.open_orders("WIFUSDT")


def _other_symbol(venue: Venue) -> dict[str, object]:
    order = venue.orders[0]
    return {
        "symbol": WIF, "orderId": order.order_id, "clientOrderId": "x", "executedQty": "0", "cummulativeQuoteQty": "0",
        "status": "NEW", "side": "SELL", "updateTime": order.update_time,
    }  # fmt: skip
