"""The running program sends its orders over the WebSocket API, says so, and makes one order of a signal whatever becomes of the
connection."""

import asyncio

import pytest

from tests.bot.cli.test_command_line import until
from tests.core.adapters.over_websocket import placings
from tests.ring import Ring

PLACE = "WS order.place"
OPEN = "marketflow_order_connection_open"


async def over_websocket(ring: Ring, **changes: str) -> None:
    """Runs the program, and waits until its connection for orders is open."""
    program = await ring.run(BINANCE_WS_URL=ring.venue.ws_url, **changes)
    await until(lambda: "order_connection_open" in program.log)


async def test_a_signal_is_traded_over_the_connection(ring: Ring) -> None:
    await over_websocket(ring)
    await ring.publish("BUY_SM", 0.4801)
    await ring.told("🟩 BUY_SM executed")
    assert placings(ring.venue) == [PLACE]
    ring.chat.owner.send("/health")
    await ring.told("Orders: sent over the WebSocket API")
    (program,) = ring.programs
    async with asyncio.timeout(20):
        while (await program.metrics())[OPEN] != 1:  # noqa: ASYNC110 - the program tells nobody
            await asyncio.sleep(0.2)


@pytest.mark.parametrize("executed", [True, False])
async def test_a_connection_cut_with_an_order_in_it_makes_one_order(ring: Ring, executed: bool) -> None:
    await over_websocket(ring)
    ring.venue.faults.cut(PLACE, executed=executed)
    await ring.publish("BUY_SM", 0.4801)
    await ring.told("🟩 BUY_SM executed")
    assert [side for side, _ in ring.orders] == ["BUY"]
    assert len(placings(ring.venue)) == (1 if executed else 2)
    assert len({seen.params["newClientOrderId"] for seen in ring.venue.requests if "newClientOrderId" in seen.params}) == 1


async def test_orders_go_by_rest_while_the_connection_is_away(ring: Ring) -> None:
    await over_websocket(ring)
    ring.venue.streams.cut(away=True)
    (program,) = ring.programs
    await until(lambda: "order_connection_away" in program.log)
    await ring.publish("BUY_SM", 0.4801)
    await ring.told("🟩 BUY_SM executed")
    assert placings(ring.venue) == ["POST"]
    ring.chat.owner.send("/health")
    await ring.told("Orders: sent over REST while the WebSocket API isn't responding")
    ring.venue.streams.is_away = False
    await until(lambda: program.log.count("order_connection_open") == 2)
    await ring.publish("SELL_SM", 0.4801)
    await ring.told("🔴 SELL_SM executed")
    assert placings(ring.venue) == ["POST", PLACE]


async def test_check_says_which_way_orders_go(ring: Ring) -> None:
    ended = await ring.command("check", BINANCE_WS_URL=ring.venue.ws_url)
    assert ended.code == 0, ended.stdout
    assert f"ok    binance   orders go over the WebSocket API, {ring.venue.ws_url}, which answered in" in ended.stdout
    assert placings(ring.venue) == []


async def test_check_warns_where_only_rest_is_left(ring: Ring) -> None:
    ring.venue.streams.is_away = True
    ended = await ring.command("check", BINANCE_WS_URL=ring.venue.ws_url)
    assert ended.code == 0, ended.stdout
    assert f"warn  binance   orders go by REST as long as {ring.venue.ws_url} cannot be used: HTTP 503" in ended.stdout
