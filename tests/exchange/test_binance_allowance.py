"""The exchange's limits are kept by counting: a refusal for too much is never earned."""

import asyncio
from decimal import Decimal

import pytest

from core.adapters.binance_allowance import ORDERS, WEIGHT, Allowance, RateLimit
from core.domain.errors import ExchangeUnavailable
from core.domain.order import ExecutionReport, NotTaken, OrderRequest
from core.domain.signal import Side
from tests.exchange.conftest import Connect
from tests.venue.asking import WIF
from tests.venue.venue import Venue


def test_a_window_that_is_used_up_is_waited_out() -> None:
    now = 1_000_003.0
    allowance = Allowance(lambda: now)
    allowance.learn([RateLimit(ORDERS, 10, 10)])
    for _ in range(9):
        assert allowance.wait(weight=1, orders=1) == 0
        allowance.spend(weight=1, orders=1)
    assert allowance.wait(weight=1, orders=1) == 7.0
    assert allowance.wait(weight=1) == 0
    now += 7.0
    assert allowance.wait(weight=1, orders=1) == 0


def test_an_order_that_traded_counts_no_more() -> None:
    allowance = Allowance(lambda: 1_000_003.0)
    allowance.learn([RateLimit(ORDERS, 10, 2)])
    for _ in range(50):
        assert allowance.wait(weight=1, orders=1) == 0
        allowance.spend(weight=1, orders=1)
        allowance.order_traded()


def test_what_is_only_nice_to_know_leaves_room_for_orders() -> None:
    allowance = Allowance(lambda: 1_000_030.0)
    allowance.learn([RateLimit(WEIGHT, 60, 100)])
    for _ in range(18):
        allowance.spend(weight=4)
    assert allowance.wait(weight=4, share=0.8) > 0
    assert allowance.wait(weight=4) == 0


async def test_a_burst_of_orders_earns_no_refusal(venue: Venue, connect: Connect) -> None:
    venue.set_limits(orders_10s=10)
    client = connect()
    await client.instruments([WIF])
    held = venue.faults.hold("POST order", times=None)
    placing = [asyncio.create_task(client.place(OrderRequest(f"mf-{n}", WIF, Side.BUY, Decimal(20)))) for n in range(30)]
    async with asyncio.timeout(10):
        while sum(one.done() for one in placing) < 21:  # noqa: ASYNC110 - those that are turned away tell nobody else
            await asyncio.sleep(0.01)
    held.release()
    results = await asyncio.gather(*placing)
    venue.faults.clear()
    taken = [one for one in results if isinstance(one, ExecutionReport)]
    turned_away = [one for one in results if isinstance(one, NotTaken)]
    assert len(taken) == len(venue.orders) == 9
    assert len(turned_away) == 21
    assert all(0 < one.retry_after <= 10 for one in turned_away)
    assert sum(seen.method == "POST" for seen in venue.requests) == 9


async def test_polling_stops_short_of_the_weight_and_orders_go_on(venue: Venue, connect: Connect) -> None:
    venue.set_limits(weight_1m=200)
    client = connect()
    await client.instruments([WIF])
    for _ in range(30):
        await client.quotes([WIF])
    with pytest.raises(ExchangeUnavailable) as refused:
        await asyncio.gather(*(client.quotes([WIF]) for _ in range(5)))
    assert 0 < refused.value.retry_after <= 60
    assert isinstance(await client.place(OrderRequest("mf-1", WIF, Side.BUY, Decimal(20))), ExecutionReport)
    assert await client.find_order(WIF, "mf-1") is not None
