"""Orders over the WebSocket API at the loopback Binance: what goes which way, and how the connection ends and is made again."""

import asyncio
import contextlib
from dataclasses import replace
from decimal import Decimal

import pytest

from core.adapters.binance import order_connection
from core.adapters.binance.binance_client import BinanceClient
from core.domain.order import EntryList, ExecutionReport, ListPlaced, Unanswered
from tests.core.adapters.binance.order_ways import BUY, PLACE, Restless, port_of
from tests.core.adapters.binance.test_entry_lists import ONE, PAIR
from tests.core.adapters.binance.test_order_lists import LIST
from tests.core.adapters.conftest import Connect
from tests.core.adapters.keys import both_kinds
from tests.core.adapters.over_websocket import keeping_connection, over_websocket, placings, until
from tests.venue import Venue
from tests.venue.asking import WIF


@pytest.fixture
def clock() -> Restless:
    return Restless()


@both_kinds
async def test_orders_and_pairs_of_exits_go_over_the_connection(venue: Venue, quick: BinanceClient) -> None:
    venue.modernize(WIF)
    bought = await quick.place(replace(BUY, mark=7))
    assert isinstance(bought, ExecutionReport)
    assert (bought.executed_qty, bought.mark) == (Decimal(20), 7)
    assert bought.fills_complete
    assert isinstance(await quick.place_list(replace(LIST, qty=Decimal(19))), ListPlaced)
    assert placings(venue) == [PLACE, "WS orderList.place.oco"]
    assert quick.has_order_connection


@both_kinds
@pytest.mark.parametrize(("entry", "method"), [(ONE, "opo"), (PAIR, "opoco")])
async def test_entries_with_their_exits_go_over_the_connection(
    venue: Venue, quick: BinanceClient, entry: EntryList, method: str
) -> None:
    venue.modernize(WIF)
    assert isinstance(await quick.place_entry(entry), ListPlaced)
    assert placings(venue) == [f"WS orderList.place.{method}"]


async def test_the_same_parameters_are_sent_either_way(venue: Venue, connect: Connect, quick: BinanceClient) -> None:
    await quick.place(BUY)
    await connect().place(replace(BUY, client_order_id="mf-2"))
    quickly, by_rest = [seen.params for seen in venue.requests if seen.method in {PLACE, "POST"}]
    differing = {"timestamp", "newClientOrderId"}
    assert {name: quickly[name] for name in quickly.keys() - differing} == {
        name: by_rest[name] for name in by_rest.keys() - differing
    }
    assert quickly["recvWindow"] == "2500"


async def test_a_client_that_keeps_no_connection_places_by_rest(venue: Venue, connect: Connect) -> None:
    client = connect(ws_url=venue.ws_url)
    assert isinstance(await client.place(BUY), ExecutionReport)
    assert (placings(venue), client.has_order_connection) == (["POST"], False)


async def test_many_orders_at_once_get_each_its_own_answer(venue: Venue, quick: BinanceClient) -> None:
    venue.lift_limits()
    for number in range(0, 40, 3):  # some are overtaken by others
        venue.faults.slow_answer(PLACE, 20, skip=number)
    wanted = [replace(BUY, client_order_id=f"mf-{number}", qty=Decimal(20 + number)) for number in range(40)]
    placed = await asyncio.gather(*(quick.place(request) for request in wanted))
    assert [(each.client_order_id, each.executed_qty) for each in placed if isinstance(each, ExecutionReport)] == [
        (request.client_order_id, request.qty) for request in wanted
    ]
    assert placings(venue) == [PLACE] * 40


@pytest.mark.parametrize("end", ["cut", "close"])
async def test_an_order_goes_by_rest_once_the_connection_has_ended(venue: Venue, quick: BinanceClient, end: str) -> None:
    getattr(venue.streams, end)()
    await until(lambda: not quick.has_order_connection)
    assert isinstance(await quick.place(BUY), ExecutionReport)
    assert placings(venue) == ["POST"]


async def test_orders_go_by_rest_while_the_exchange_lets_no_connection_in(
    venue: Venue, connect: Connect, clock: Restless
) -> None:
    venue.streams.is_away = True
    client = connect(ws_url=venue.ws_url)
    async with keeping_connection(client):
        await until(lambda: len(clock.pauses) > 8)
        assert isinstance(await client.place(BUY), ExecutionReport)
        assert clock.pauses[:9] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
        venue.streams.is_away = False
        await until(lambda: client.has_order_connection)
        assert isinstance(await client.place(replace(BUY, client_order_id="mf-2")), ExecutionReport)
    assert placings(venue) == ["POST", PLACE]


async def test_no_order_waits_for_a_connection_that_is_being_made(venue: Venue, connect: Connect) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        client = connect(ws_url=f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws-api/v3")
        async with keeping_connection(client), asyncio.timeout(5):
            assert isinstance(await client.place(BUY), ExecutionReport)
    assert placings(venue) == ["POST"]


async def test_the_connection_is_made_again_by_itself(venue: Venue, connect: Connect, clock: Restless) -> None:
    client = connect(ws_url=venue.ws_url)
    async with over_websocket(client):
        for number in range(3):
            venue.streams.cut()
            await until(lambda number=number: len(clock.pauses) > number and client.has_order_connection)  # type: ignore[misc]
            assert isinstance(await client.place(replace(BUY, client_order_id=f"mf-{number}")), ExecutionReport)
    assert placings(venue) == [PLACE] * 3


async def test_a_shutdown_is_not_waited_for_but_answers_are(venue: Venue, quick: BinanceClient) -> None:
    held = venue.faults.hold(PLACE)
    placing = asyncio.create_task(quick.place(BUY))
    await held.arrived.wait()
    venue.streams.announce_shutdown()
    await until(lambda: not quick.has_order_connection)
    assert isinstance(await quick.place(replace(BUY, client_order_id="mf-2")), ExecutionReport)
    held.release()
    assert isinstance(await placing, ExecutionReport)
    assert placings(venue) == [PLACE, "POST"]


async def test_a_connection_of_nearly_a_day_is_replaced_before_the_exchange_cuts_it(
    venue: Venue, connect: Connect, clock: Restless
) -> None:
    client = connect(ws_url=venue.ws_url)
    async with over_websocket(client):
        (old,) = venue.streams.connections
        held = venue.faults.hold(PLACE)
        placing = asyncio.create_task(client.place(BUY))
        await held.arrived.wait()
        clock.day.set()
        await until(lambda: not client.has_order_connection)
        clock.day.clear()
        held.release()
        assert isinstance(await placing, ExecutionReport)
        await until(lambda: client.has_order_connection)
        assert old not in venue.streams.connections


@pytest.mark.parametrize("code", [-1000, -1007])
async def test_after_an_internal_error_a_new_connection_is_made(venue: Venue, connect: Connect, code: int) -> None:
    client = connect(ws_url=venue.ws_url)
    async with over_websocket(client):
        (old,) = venue.streams.connections
        venue.faults.error(PLACE, code, executed=True)
        assert isinstance(await client.place(BUY), Unanswered)
        await until(lambda: client.has_order_connection)
        assert old not in venue.streams.connections


async def test_a_connection_that_is_dead_is_noticed_without_an_order(
    venue: Venue, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards the ping: the exchange's host is gone without a word, as when a cable is pulled."""
    monkeypatch.setattr(order_connection, "_PING_SECONDS", 0.2)
    gone = asyncio.Event()

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65_536):
                if not gone.is_set():
                    target.write(data)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port_of(venue))
        await asyncio.gather(pump(reader, back), pump(there, writer))
        writer.close()
        back.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        client = connect(ws_url=f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws-api/v3")
        async with over_websocket(client):
            gone.set()
            await until(lambda: not client.has_order_connection)
            assert isinstance(await client.place(BUY), ExecutionReport)
    assert placings(venue) == ["POST"]
