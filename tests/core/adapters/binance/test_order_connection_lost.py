"""Answers to orders over the WebSocket API that are lost: unknown, found by their id, never sent again."""

import asyncio
from dataclasses import replace

import pytest

from core.adapters.binance.binance_client import BinanceClient
from core.domain.order import ExecutionReport, Unanswered
from tests.core.adapters.binance.order_ways import BUY, PLACE
from tests.core.adapters.binance.test_entry_lists import PAIR
from tests.core.adapters.binance.test_order_lists import LIST
from tests.core.adapters.binance.test_unanswered import LOST
from tests.core.adapters.conftest import Connect
from tests.core.adapters.over_websocket import over_websocket, placings, until
from tests.venue import Venue
from tests.venue.asking import WIF


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("lost", LOST)
async def test_a_lost_answer_leaves_it_open(venue: Venue, hasty: BinanceClient, lost: str, executed: bool) -> None:
    LOST[lost](venue.faults, PLACE, executed=executed)
    result = await hasty.place(BUY)
    assert isinstance(result, Unanswered)
    assert result.detail
    assert placings(venue) == [PLACE]
    found = await hasty.find_order(WIF, "mf-1")
    assert (found is not None) is executed
    if found is not None:
        assert sum(fill.qty for fill in await hasty.fills(WIF, found.order_id)) == found.executed_qty == 20


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("method", ["orderList.place.oco", "orderList.place.opoco"])
async def test_a_lost_list_is_left_open(venue: Venue, quick: BinanceClient, method: str, executed: bool) -> None:
    venue.modernize(WIF)
    venue.set_balance("WIF", "20")
    venue.faults.cut(f"WS {method}", executed=executed)
    result = await (quick.place_list(LIST) if method.endswith(".oco") else quick.place_entry(PAIR))
    assert isinstance(result, Unanswered)
    assert placings(venue) == [f"WS {method}"]
    assert bool(venue.lists) is executed


async def test_all_that_is_in_flight_is_unknown_when_the_connection_is_cut(venue: Venue, quick: BinanceClient) -> None:
    held = venue.faults.hold(PLACE, times=5)
    wanted = [replace(BUY, client_order_id=f"mf-{number}") for number in range(5)]
    placing = asyncio.gather(*(quick.place(request) for request in wanted))
    await until(lambda: held.hits == 5)
    venue.streams.cut()
    assert all(isinstance(result, Unanswered) for result in await placing)
    assert placings(venue) == [PLACE] * 5


BODIES: list[object] = ["", "5", "[]", "{}", '"FILLED"', "<html>", "\x00", "[" * 100_000, '{"code":-2010,"msg":"no"}']


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body)[:12])
async def test_a_200_that_cannot_be_read_leaves_it_open(venue: Venue, quick: BinanceClient, body: str) -> None:
    venue.faults.answer(PLACE, 200, body, executed=True)
    assert isinstance(await quick.place(BUY), Unanswered)
    assert await quick.find_order(WIF, "mf-1") is not None


@pytest.mark.parametrize("status", [400, 403, 500])
@pytest.mark.parametrize("body", ["[]", "5", "null", '{"code":"x"}', '{"code":true,"msg":[]}', '{"msg":"no"}'])
async def test_a_refusal_without_a_code_leaves_it_open(venue: Venue, quick: BinanceClient, status: int, body: str) -> None:
    venue.faults.answer(PLACE, status, body, executed=True)
    assert isinstance(await quick.place(BUY), Unanswered)


@pytest.mark.parametrize(
    "odd",
    [
        {"id": None, "status": 401, "error": {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}},
        {"status": 200, "result": {}},
        {"id": "1", "status": 200},
        {"id": 1},
        {"id": 1, "status": "200", "result": {}},
        [],
        "x",
        {"event": 5},
    ],
    ids=repr,
)
async def test_a_message_that_may_be_anyones_answer_leaves_all_open(venue: Venue, quick: BinanceClient, odd: object) -> None:
    held = venue.faults.hold(PLACE)
    placing = asyncio.create_task(quick.place(BUY))
    await held.arrived.wait()
    (connection,) = venue.streams.connections
    connection.send(odd)
    assert isinstance(await placing, Unanswered)
    held.release()
    assert not quick.has_order_connection


@pytest.mark.parametrize("odd", [{"id": 99, "status": 200, "result": {}}, {"event": {"e": "tomorrow's"}}], ids=repr)
async def test_what_is_about_no_order_is_skipped(venue: Venue, quick: BinanceClient, odd: object) -> None:
    held = venue.faults.hold(PLACE)
    placing = asyncio.create_task(quick.place(BUY))
    await held.arrived.wait()
    (connection,) = venue.streams.connections
    connection.send(odd)
    held.release()
    assert isinstance(await placing, ExecutionReport)


async def test_after_a_time_out_no_other_order_goes_the_same_way(venue: Venue, hasty: BinanceClient) -> None:
    venue.faults.hang(PLACE)
    venue.faults.slow_answer(PLACE, 1500)
    lost, late = hasty.place(BUY), hasty.place(replace(BUY, client_order_id="mf-2"))
    assert isinstance(await lost, Unanswered)
    assert not hasty.has_order_connection
    assert isinstance(await late, ExecutionReport)
    assert placings(venue) == [PLACE, "POST"]


@pytest.mark.parametrize("answer", ["late", "never"])
async def test_what_is_in_flight_beside_a_time_out_gets_its_answer(venue: Venue, connect: Connect, answer: str) -> None:
    client = connect(ws_url=venue.ws_url, timeout=0.6)
    await client.measure_clock()
    async with over_websocket(client):
        venue.faults.hang(PLACE)
        first = asyncio.create_task(client.place(BUY))
        await until(lambda: len(placings(venue)) == 1)
        await asyncio.sleep(0.3)
        if answer == "late":
            venue.faults.slow_answer(PLACE, 400)
        else:
            venue.faults.hang(PLACE)
        second = asyncio.create_task(client.place(replace(BUY, client_order_id="mf-2")))
        assert isinstance(await first, Unanswered)
        assert isinstance(await second, ExecutionReport if answer == "late" else Unanswered)
    assert placings(venue) == [PLACE, PLACE]
