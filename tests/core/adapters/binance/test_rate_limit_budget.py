"""The exchange's limits are kept by its own counts: no refusal for too many requests, and no order delayed for its weight."""

import asyncio
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.binance import requests as asking
from core.adapters.binance.rate_limit_budget import ORDERS, WEIGHT, RateLimit, RateLimitBudget, Request, counts_of
from core.domain.errors import ExchangeUnavailable
from core.domain.order import ExecutionReport, NotTaken, OrderRequest
from core.domain.signal import Side
from tests.core.adapters.conftest import Connect
from tests.venue.asking import WIF
from tests.venue.venue import Venue

ORDER = Request(1, orders=1)


def asked(budget: RateLimitBudget, weight: int, heard: int | None = None) -> None:
    request = Request(weight)
    budget.begin(request)
    budget.end(request, {} if heard is None else {(WEIGHT, 60): heard}, taken=True)


def placed(budget: RateLimitBudget, count: int | None = None) -> None:
    budget.begin(ORDER)
    budget.end(ORDER, {} if count is None else {(ORDERS, 10): count}, taken=True)


def test_a_window_that_is_used_up_is_waited_out() -> None:
    now = 1_000_003.0
    budget = RateLimitBudget(lambda: now)
    budget.learn([RateLimit(ORDERS, 10, 9)])
    for _ in range(9):
        assert budget.wait_for_order() == 0
        placed(budget)
    assert budget.wait_for_order() == 7.0
    assert budget.wait_for_question(1, 1.0) == 0
    now += 7.0
    assert budget.wait_for_order() == 0


def test_the_used_part_of_each_order_limit_is_known_by_its_window() -> None:
    now = 1_000_003.0
    budget = RateLimitBudget(lambda: now)
    budget.learn(
        [RateLimit(ORDERS, 10, 8), RateLimit(ORDERS, 86_400, 1_000), RateLimit(ORDERS, 90, 10), RateLimit(WEIGHT, 60, 9)]
    )
    placed(budget, 2)
    assert budget.order_limits() == {"10s": 0.25, "90s": 0.1, "1d": 0.001}
    now += 10
    assert budget.order_limits()["10s"] == 0


def test_an_order_that_traded_counts_no_more() -> None:
    budget = RateLimitBudget(lambda: 1_000_003.0)
    budget.learn([RateLimit(ORDERS, 10, 1)])
    for _ in range(50):
        assert budget.wait_for_order() == 0
        placed(budget, 1)
        budget.order_traded()


def test_what_is_under_way_counts_until_it_is_answered() -> None:
    budget = RateLimitBudget(lambda: 1_000_003.0)
    budget.learn([RateLimit(ORDERS, 10, 2)])
    budget.begin(ORDER)
    budget.begin(ORDER)
    assert budget.wait_for_order() == 7.0
    budget.end(ORDER, {}, taken=False)
    assert budget.wait_for_order() == 0


def test_the_exchanges_own_count_is_the_truth_whatever_was_assumed() -> None:
    now = 1_000_020.0
    budget = RateLimitBudget(lambda: now)
    budget.learn([RateLimit(WEIGHT, 60, 100)])
    for _ in range(50):
        asked(budget, 20, heard=3)  # lighter than assumed, as orders are since April 2026
    assert budget.wait_for_question(4, 0.9) == 0
    asked(budget, 1, heard=95)  # another program uses this address
    assert budget.wait_for_question(4, 0.9) > 0
    now += 60
    assert budget.wait_for_question(4, 0.9) == 0


@pytest.mark.parametrize("used", [0, 5_999, 6_000, 10**9])
def test_nothing_that_was_asked_or_heard_holds_an_order_back_for_its_weight(used: int) -> None:
    budget = RateLimitBudget(lambda: 1_000_030.0)
    asked(budget, used, heard=used)
    asked(budget, used)
    assert budget.wait_for_order() == 0


def test_what_is_only_nice_to_know_leaves_room_for_the_rest() -> None:
    budget = RateLimitBudget(lambda: 1_000_030.0)
    budget.learn([RateLimit(WEIGHT, 60, 100)])
    asked(budget, 70)
    assert budget.wait_for_question(4, asking.FOR_COMPARING) > 0
    assert budget.wait_for_question(4, asking.FOR_PRICES) == 0


def test_counts_are_read_by_kind_and_window() -> None:
    headers = {"X-MBX-USED-WEIGHT-1M": "17", "x-mbx-order-count-10S": "2", "X-MBX-ORDER-COUNT-1D": "30", "Date": "x"}
    assert counts_of(headers) == {(WEIGHT, 60): 17, (ORDERS, 10): 2, (ORDERS, 86_400): 30}


@given(
    st.sampled_from([f"X-MBX-{kind}" for kind in ("USED-WEIGHT-1M", "USED-WEIGHT", "ORDER-COUNT-10S", "USED-WEIGHT-0M", "-1M")]),
    st.text(max_size=20) | st.sampled_from(["-5", "1e9", "NaN", "9" * 400, "", "٣"]),
)
def test_an_odd_header_is_no_count_and_breaks_nothing(name: str, value: str) -> None:
    budget = RateLimitBudget(lambda: 1_000_030.0)
    budget.begin(ORDER)
    budget.end(ORDER, counts_of({name: value}), taken=True)
    assert budget.wait_for_order() >= 0


async def test_a_burst_of_orders_earns_no_refusal(venue: Venue, connect: Connect) -> None:
    venue.set_limits(orders_10s=10)
    client = connect()
    await client.instruments([WIF])
    held = venue.faults.hold("POST order", times=None)
    placing = [asyncio.create_task(client.place(OrderRequest(f"mf-{n}", WIF, Side.BUY, Decimal(20)))) for n in range(30)]
    async with asyncio.timeout(10):
        while sum(one.done() for one in placing) < 20:  # noqa: ASYNC110 - those that are turned away tell nobody else
            await asyncio.sleep(0.01)
    held.release()
    results = await asyncio.gather(*placing)
    venue.faults.clear()
    taken = [one for one in results if isinstance(one, ExecutionReport)]
    turned_away = [one for one in results if isinstance(one, NotTaken)]
    assert len(taken) == len(venue.orders) == 10
    assert len(turned_away) == 20
    assert all(0 < one.retry_after <= 10 for one in turned_away)
    assert {one.reason.code for one in turned_away} == {"held_back"}  # not by the exchange
    assert sum(seen.method == "POST" for seen in venue.requests) == 10


async def test_polling_stops_short_of_the_weight_and_orders_go_on(venue: Venue, connect: Connect) -> None:
    venue.set_limits(weight_1m=200)
    client = connect()
    await client.instruments([WIF])
    with pytest.raises(ExchangeUnavailable, match="MarketFlow waits") as refused:
        await asyncio.gather(*(client.quotes([WIF]) for _ in range(100)))  # more than two minutes allow
    assert 0 < refused.value.retry_after <= 60
    for number, (side, qty) in product(range(30), ((Side.BUY, 16), (Side.SELL, 15))):
        assert isinstance(await client.place(OrderRequest(f"mf-{number}{side}", WIF, side, Decimal(qty))), ExecutionReport)
    assert await client.find_order(WIF, "mf-1BUY") is not None


async def test_each_answer_is_read_with_its_own_headers(venue: Venue, connect: Connect) -> None:
    """Matters because python-binance keeps only the answer that came last, whoever asked."""
    venue.set_limits(weight_1m=10_000)
    client = connect()
    await client.instruments([WIF])
    slow = venue.faults.hold("GET ticker/bookTicker")
    waiting = asyncio.create_task(client.quotes([WIF]))
    await slow.arrived.wait()
    assert await asyncio.gather(*(client.server_time() for _ in range(20)))
    slow.release()
    await waiting
    assert client.budget.used(WEIGHT, 60) == int(venue.limits.headers()["X-MBX-USED-WEIGHT-1M"])
