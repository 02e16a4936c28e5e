"""The loopback Binance misbehaving on demand: limits, lost answers, outages, and in a process of its own."""

import asyncio
import json
import sys
import time
from typing import Any

import aiohttp
import pytest
from binance.exceptions import BinanceAPIException, BinanceRequestException
from websockets.asyncio.client import connect

from tests.paths import DATA, ROOT
from tests.venue import Venue, running_venue
from tests.venue.asking import BUY, LIMIT, WIF, assert_code, assert_refused, client_of, refusal, sample

NOON = 1_800_014_400.0  # a whole day, minute and 10 seconds start here


def test_every_documented_error_has_its_status(venue: Venue) -> None:
    for path in sorted((DATA / "binance" / "errors").glob("*.json")):
        wanted = json.loads(path.read_text())
        if "body" in wanted and wanted["http_status"] != 418:
            fault = venue.faults.error("POST order", wanted["body"]["code"], wanted["body"]["msg"])
            assert fault.status == wanted["http_status"], path.name


async def test_used_weight_is_told_with_every_answer(client: Any) -> None:
    await client.ping()
    assert client.response.headers["X-MBX-USED-WEIGHT-1M"] == "1"
    await client.get_account()
    assert client.response.headers["X-MBX-USED-WEIGHT-1M"] == "21"


async def test_too_much_weight_is_429_and_going_on_is_418() -> None:
    async with running_venue(clock=lambda: NOON + 48) as venue, client_of(venue) as client:
        venue.set_limits(weight_1m=2)
        venue.limits.strikes = 2
        await client.ping()
        await client.ping()
        for _ in range(2):
            error = await refusal(client.ping())
            assert (error.status_code, error.code) == (429, -1003)
            assert error.message.startswith("Too much request weight used; current limit is 2 request weight")
            assert error.response.headers["Retry-After"] == "12"
        error = await refusal(client.ping())
        assert (error.status_code, error.response.headers["Retry-After"]) == (418, "120")
        venue.clock.offset_ms = 119_000
        assert (await refusal(client.ping())).status_code == 418
        venue.clock.offset_ms = 120_000
        assert await client.ping() == {}


async def test_announced_limits_are_the_ones_enforced(venue: Venue, client: Any) -> None:
    venue.set_limits(weight_1m=20, orders_10s=7)
    limits = {(r["rateLimitType"], r["interval"]): r["limit"] for r in (await client.get_exchange_info())["rateLimits"]}
    assert limits["REQUEST_WEIGHT", "MINUTE"] == 20
    assert limits["ORDERS", "SECOND"] == 7
    assert (await refusal(client.ping())).status_code == 429


async def test_only_orders_that_do_not_trade_use_up_the_order_limit() -> None:
    async with running_venue(clock=lambda: NOON + 3) as venue, client_of(venue) as client:
        for _ in range(60):
            _keep_step(venue, client)
            await client.create_order(**BUY)
        assert client.response.headers["X-MBX-ORDER-COUNT-10S"] == "1"
        for count in range(1, 51):
            _keep_step(venue, client)
            await client.create_order(**LIMIT)
            assert client.response.headers["X-MBX-ORDER-COUNT-1D"] == str(count)
        assert (await client.get_current_order_count())[0]["count"] == 50
        error = await assert_refused(client.create_order(**BUY), "24_429_1015")
        assert error.response.headers["Retry-After"] == "7"
        venue.clock.offset_ms = 7_000
        _keep_step(venue, client)
        assert (await client.create_order(**BUY))["status"] == "FILLED"


def _keep_step(venue: Venue, client: Any) -> None:
    """Sets the client's clock by the venue's, which stands still."""
    client.timestamp_offset = venue.clock.now_ms() - int(time.time() * 1000)


@pytest.mark.parametrize("executed", [True, False])
async def test_an_answer_that_is_cut_off(venue: Venue, client: Any, executed: bool) -> None:
    venue.faults.cut("POST order", executed=executed)
    with pytest.raises(aiohttp.ClientError):
        await client.create_order(**BUY, newClientOrderId="cut")
    assert len(venue.orders) == int(executed)
    assert venue.requests[-1].params["newClientOrderId"] == "cut"
    assert "signature" not in venue.requests[-1].params


async def test_an_answer_that_never_comes(venue: Venue, client: Any) -> None:
    client.REQUEST_TIMEOUT = 0.2
    venue.faults.hang("POST order")
    with pytest.raises(asyncio.TimeoutError):
        await client.create_order(**BUY, newClientOrderId="hung")
    assert (await client.get_order(symbol=WIF, origClientOrderId="hung"))["status"] == "FILLED"


@pytest.mark.parametrize("recorded", ["25_504_1007", "26_500_1000", "27_503_1008", "28_500_1001"])
@pytest.mark.parametrize("executed", [True, False])
async def test_server_errors_leave_the_execution_unknown(venue: Venue, client: Any, recorded: str, executed: bool) -> None:
    venue.faults.error("POST order", sample(f"errors/{recorded}.json")["body"]["code"], executed=executed)
    await assert_refused(client.create_order(**BUY), recorded)
    assert len(venue.orders) == int(executed)


async def test_answers_that_are_not_json(venue: Venue, client: Any) -> None:
    venue.faults.unreadable("POST order")
    with pytest.raises(BinanceRequestException):
        await client.create_order(**BUY)
    venue.faults.bad_gateway("POST order")
    assert (await refusal(client.create_order(**BUY))).status_code == 502
    venue.faults.waf("GET account")
    error = await refusal(client.get_account())
    assert (error.status_code, error.code) == (403, 0)
    assert len(venue.orders) == 2


async def test_refusals_on_demand(venue: Venue, client: Any) -> None:
    venue.faults.error("POST order", -1021)
    await assert_refused(client.create_order(**BUY), "15_400_1021")
    venue.faults.error("POST order", -1013, "Market is closed.")
    await assert_code(client.create_order(**BUY), -1013, "Market is closed.")
    for status in (429, 418):
        venue.faults.too_many("*", status=status, retry_after=9)
        error = await refusal(client.ping())
        assert (error.status_code, error.response.headers["Retry-After"]) == (status, "9")
    assert venue.orders == []


async def test_a_fault_hits_who_and_when_it_should(venue: Venue, client: Any) -> None:
    venue.faults.error("POST order", -1001, symbol=WIF, skip=1, times=2)
    wif = [await _status(client.create_order(**BUY)) for _ in range(4)]
    assert wif == [200, 500, 500, 200]
    kept = venue.faults.error("POST order", -1001, symbol="WIFUSDT", times=None)
    assert await _status(client.create_order(**BUY)) == 200
    assert await _status(client.create_order(**{**BUY, "symbol": "WIFUSDT"})) == 500
    venue.faults.remove(kept)
    assert await _status(client.create_order(**{**BUY, "symbol": "WIFUSDT"})) == 200


async def _status(call: Any) -> int:
    try:
        await call
    except BinanceAPIException as error:
        return int(error.status_code)
    return 200


async def test_a_late_order_enters_after_its_client_gave_up(venue: Venue, client: Any) -> None:
    client.REQUEST_TIMEOUT = 0.1
    held = venue.faults.hold("POST order")
    with pytest.raises(asyncio.TimeoutError):
        await client.create_order(**BUY, newClientOrderId="late")
    client.REQUEST_TIMEOUT = 5
    await assert_refused(client.get_order(symbol=WIF, origClientOrderId="late"), "12_400_2013")
    held.release()
    assert (await client.get_order(symbol=WIF, origClientOrderId="late"))["status"] == "FILLED"


async def test_a_late_order_is_refused_when_its_window_is_over(venue: Venue, client: Any) -> None:
    client.REQUEST_RECVWINDOW = 100
    venue.faults.slow_engine("POST order", 150)
    await assert_refused(client.create_order(**BUY), "15_400_1021")
    assert venue.orders == []


async def test_an_answer_later_than_the_clients_patience(venue: Venue, client: Any) -> None:
    client.REQUEST_TIMEOUT = 0.1
    venue.faults.slow_answer("POST order", 60_000)
    with pytest.raises(asyncio.TimeoutError):
        await client.create_order(**BUY)
    assert [order.status for order in venue.orders] == ["FILLED"]


async def test_latency_is_added_to_the_round_trip(venue: Venue, client: Any) -> None:
    await client.ping()
    venue.latency_ms = 50
    began = asyncio.get_running_loop().time()
    await client.ping()
    assert asyncio.get_running_loop().time() - began >= 0.049


async def test_a_venue_with_a_hanging_request_stops_at_once() -> None:
    async with running_venue() as venue, client_of(venue) as client:
        hang = venue.faults.hang("POST order")
        task = asyncio.create_task(client.create_order(**BUY))
        await hang.arrived.wait()
    with pytest.raises(aiohttp.ClientError):
        await task


async def test_the_venue_in_a_process_of_its_own() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.venue", "--symbol", "AAA=USDC", "--price", "AAAUSDC=2", "--no-limits",
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = json.loads(await process.stdout.readline())
        here = Venue(prices={})
        here.api_url = said["api_url"]
        async with client_of(here, said["key"], said["secret"]) as client, aiohttp.ClientSession() as session:

            async def order(command: str, **arguments: Any) -> tuple[int, Any]:
                url = said["api_url"].removesuffix("api") + "_venue/" + command
                async with session.post(url, json=arguments) as response:
                    return response.status, await response.json()

            await order("fault", kind="error", endpoint="POST order", code=-1007, executed=True)
            await assert_refused(client.create_order(**{**BUY, "symbol": "AAAUSDC"}), "25_504_1007")
            _, state = await order("state")
            assert [(o["symbol"], o["status"]) for o in state["orders"]] == [("AAAUSDC", "FILLED")]
            assert state["balances"]["AAA"] == {"free": "19.98000000", "locked": "0"}
            await _rest_and_listen(order, client, said["ws_url"])
            assert (await order("edit_symbol", symbol="AAAUSDC", status="HALT"))[0] == 200
            await assert_refused(client.create_order(**{**BUY, "symbol": "AAAUSDC"}), "08_400_2010")
            assert (await order("set_price", symbol="NOSUCH", price="1"))[0] == 400
            assert (await order("nonsense"))[0] == 404
    finally:
        process.terminate()
        assert await process.wait() == 0


async def _rest_and_listen(order: Any, client: Any, ws_url: str) -> None:
    """Uses the commands for resting orders and for the stream."""
    assert (await order("modernize", symbol="AAAUSDC"))[0] == 200
    limit = {**LIMIT, "symbol": "AAAUSDC", "price": "1.9", "newClientOrderId": "resting"}
    async with connect(ws_url):
        await client.create_order(**limit)
        await order("fill_order", symbol="AAAUSDC", order="resting", quantity="5")
        await order("trade", symbol="AAAUSDC", price="1.89", quantity="5")
        _, state = await order("state")
        assert (state["connections"], state["subscriptions"], state["lists"]) == (1, 0, [])
        assert (state["orders"][-1]["executed_qty"], state["orders"][-1]["status"]) == ("10", "PARTIALLY_FILLED")
        assert (await order("stream", act="cut", away=True), (await order("state"))[1]["connections"]) == ((200, {"ok": True}), 0)
    await order("walk", symbol="AAAUSDC", prices=["1.95", "1.85"])
    assert (await order("state"))[1]["orders"][-1]["status"] == "FILLED"
    await order("set_stream", is_away=False, delay_ms=5)
    await order("stream", act="lose", times=2, kind="executionReport")
    await order("set_list_lag", ms=100, queries=1)
    await order("add_symbol_of_2026", symbol="TSLABUSDT", price="300")
    assert "BEGIN PRIVATE KEY" in (await order("add_ed25519_key"))[1]["result"]
    for command, arguments in (("stream", {"act": "explode"}), ("set_stream", {"volume": 11})):
        assert (await order(command, **arguments))[0] == 400
