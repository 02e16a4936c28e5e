"""BinanceClient beyond the Venue contract: fills, pages, keys, the clock, limits, an exchange that comes and goes."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable
from dataclasses import replace
from decimal import Decimal

import pytest

from core.adapters.binance.binance_client import BinanceClient
from core.adapters.binance.http_client import BinanceHttpClient
from core.domain.errors import ExchangeUnavailable
from core.domain.order import ExecutionReport, NotTaken, OrderRequest, Rejected, Unanswered
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import within
from core.domain.signal import Side
from tests.core.adapters.clocks import RealClock
from tests.core.adapters.conftest import Connect
from tests.core.adapters.keys import both_kinds
from tests.core.adapters.test_venue_contract import undated
from tests.servers.ports import free_port
from tests.venue import Venue, running_venue
from tests.venue.asking import LIMIT, client_of

WIF = "WIFUSDC"
BUY = OrderRequest("mf-1", WIF, Side.BUY, Decimal(20))


def sent(venue: Venue, endpoint: str = "POST order") -> int:
    method, _, path = endpoint.partition(" ")
    return sum(seen.method == method and seen.path == f"/api/v3/{path}" for seen in venue.requests)


def test_importing_the_client_imports_nothing_heavy() -> None:
    program = "import sys, core.adapters.binance.binance_client; sys.exit(bool({'binance', 'aiohttp'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == 0


@both_kinds
async def test_the_request_is_what_the_exchange_wants(venue: Venue, connect: Connect) -> None:
    client = connect(recv_window=2.0)
    tiny = OrderRequest("mf-1", "PEPEUSDT", Side.BUY, Decimal("1E+6"))
    assert isinstance(await client.place(tiny), ExecutionReport)
    (seen,) = [seen.params for seen in venue.requests if seen.method == "POST"]
    assert {name: seen[name] for name in ("quantity", "newClientOrderId", "newOrderRespType", "type", "recvWindow")} == {
        "quantity": "1000000", "newClientOrderId": "mf-1", "newOrderRespType": "FULL", "type": "MARKET", "recvWindow": "2000",
    }  # fmt: skip
    assert "strategyId" not in seen
    assert client.request_lifetime == 3.0  # plus a second for a date ahead of the exchange's clock


@both_kinds
async def test_a_limit_is_sent_in_plain_digits(venue: Venue, client: BinanceClient) -> None:
    tiny = OrderRequest("mf-1", "PEPEUSDT", Side.BUY, Decimal("1E+6"), terms=within(Decimal("1.2E-5")))
    assert isinstance(await client.place(tiny), ExecutionReport)
    (seen,) = [seen.params for seen in venue.requests if seen.method == "POST"]
    assert {name: seen[name] for name in ("type", "timeInForce", "price", "quantity")} == {
        "type": "LIMIT", "timeInForce": "IOC", "price": "0.000012", "quantity": "1000000",
    }  # fmt: skip


async def test_an_order_carries_its_ledgers_mark(venue: Venue, client: BinanceClient) -> None:
    report = await client.place(replace(BUY, mark=7_000_000_001))
    assert isinstance(report, ExecutionReport)
    assert report.mark == venue.orders[0].strategy_id == 7_000_000_001


# --- fills ---


async def test_an_order_that_takes_several_levels(venue: Venue, client: BinanceClient) -> None:
    venue.set_book(WIF, asks=[("0.480", "10"), ("0.481", "5"), ("0.490", None)])
    report = await client.place(BUY)
    assert isinstance(report, ExecutionReport)
    assert [(fill.price, fill.qty) for fill in report.fills] == [
        (Decimal("0.480"), Decimal(10)), (Decimal("0.481"), Decimal(5)), (Decimal("0.490"), Decimal(5)),
    ]  # fmt: skip
    assert report.quote_qty == Decimal("9.655") == sum(fill.price * fill.qty for fill in report.fills)
    assert report.fills_complete
    assert undated(await client.fills(WIF, report.order_id)) == undated(report.fills)


async def test_a_book_that_runs_dry_fills_a_part(venue: Venue, client: BinanceClient) -> None:
    venue.set_book(WIF, asks=[("0.480", "12.5")])
    report = await client.place(BUY)
    assert isinstance(report, ExecutionReport)
    assert (report.state, report.executed_qty) == (OrderState.EXPIRED, Decimal("12.5"))
    assert report.fills_complete
    empty = await client.place(OrderRequest("mf-2", WIF, Side.BUY, Decimal(20)))
    assert isinstance(empty, ExecutionReport)
    assert (empty.state, empty.executed_qty, empty.fills) == (OrderState.EXPIRED, Decimal(0), ())


@both_kinds
async def test_more_fills_than_one_page_holds(venue: Venue, client: BinanceClient) -> None:
    venue.set_book(WIF, asks=[("0.480", "0.02")] * 2_001)
    report = await client.place(OrderRequest("mf-1", WIF, Side.BUY, Decimal("40.02")))
    assert isinstance(report, ExecutionReport)
    fills = await client.fills(WIF, report.order_id)
    assert len({fill.trade_id for fill in fills}) == len(fills) == 2_001
    assert sent(venue, "GET myTrades") == 3


async def test_fees_in_a_third_asset(venue: Venue, client: BinanceClient) -> None:
    venue.set_balance("BNB", "1")
    venue.set_bnb_price("USDC", "600")
    venue.set_rates(bnb_burn=True)
    report = await client.place(BUY)
    assert isinstance(report, ExecutionReport)
    assert report.fills[0].fee_asset == "BNB"
    assert (await client.balances())["BNB"].free == 1 - report.fills[0].fee


async def test_an_open_order_with_this_id_is_ours(venue: Venue, client: BinanceClient) -> None:
    async with client_of(venue) as by_hand:
        await by_hand.create_order(**LIMIT, newClientOrderId="mf-1")
    assert isinstance(await client.place(BUY), Unanswered)
    found = await client.find_order(WIF, "mf-1")
    assert found is not None
    assert found.state is OrderState.ACCEPTED
    assert list(await client.open_orders()) == [found]


async def test_many_symbols_one_of_them_unknown(venue: Venue, client: BinanceClient) -> None:
    symbols = [venue.add_symbol(f"A{n:03}") for n in range(150)]
    assert len(await client.quotes(symbols)) == 150
    assert sent(venue, "GET ticker/bookTicker") == 2
    assert len(await client.quotes([*symbols, "NOSUCH"])) == 150
    assert sent(venue, "GET ticker/bookTicker") < 25


# --- keys ---


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"key": "short"}, "bad_key"),
        ({"key": "n" * 64}, "bad_key"),
        ({"secret": "wrong"}, "bad_signature"),
        ({"key": "", "secret": ""}, "bad_key"),
    ],
)
async def test_keys_that_do_not_fit(venue: Venue, connect: Connect, keys: dict[str, str], code: str) -> None:
    client = connect(**keys)
    result = await client.place(BUY)
    assert isinstance(result, Rejected)
    assert result.reason.code == code
    assert str(result.reason)
    with pytest.raises(ExchangeUnavailable):
        await client.balances()
    assert venue.orders == []


async def test_a_key_that_may_only_read(venue: Venue, connect: Connect) -> None:
    client = connect(key=venue.read_only_key)
    assert "USDC" in await client.balances()
    found = await client.permissions()
    assert (found.account_can_trade, found.key_can_trade, found.key_can_withdraw) == (True, False, False)
    result = await client.place(BUY)
    assert isinstance(result, Rejected)
    assert result.reason.code == "bad_key"
    assert "permissions for action (-2015)" in str(result.reason)


async def test_a_host_that_does_not_tell_about_the_key(venue: Venue, client: BinanceClient) -> None:
    assert (await client.permissions()).key_can_trade is True
    venue.faults.answer("GET /sapi/v1/account/apiRestrictions", 404, "<html>", content_type="text/html")
    found = await client.permissions()
    assert (found.account_can_trade, found.key_can_trade) == (True, None)


# --- the clock ---


async def test_a_clock_that_was_off_all_along_is_measured_first(venue: Venue, client: BinanceClient) -> None:
    assert client.clock_offset_seconds is None
    venue.clock.offset_ms = 5_000
    assert isinstance(await client.place(BUY), ExecutionReport)
    assert client.clock_offset_seconds == pytest.approx(5, abs=0.2)


@pytest.mark.parametrize("off", [5_000, -5_000])
async def test_a_clock_that_jumps_refuses_one_order_and_is_healed(venue: Venue, client: BinanceClient, off: int) -> None:
    await client.measure_clock()
    venue.clock.offset_ms = off
    result = await client.place(BUY)
    assert isinstance(result, NotTaken)
    assert result.reason.code == "clock_off"
    assert float(result.reason.params["offset"]) == pytest.approx(off / 1000, abs=0.2)
    assert venue.orders == []
    assert isinstance(await client.place(BUY), ExecutionReport)


@both_kinds
async def test_a_question_heals_the_clock_by_itself(venue: Venue, client: BinanceClient) -> None:
    await client.balances()
    venue.clock.offset_ms = 5_000
    assert "USDC" in await client.balances()
    assert client.clock_offset_seconds == pytest.approx(5, abs=0.2)


async def test_many_who_find_the_clock_off_measure_it_once(venue: Venue, client: BinanceClient) -> None:
    once = await _time_questions(venue, client.measure_clock())
    venue.clock.offset_ms = 5_000
    orders = [client.place(OrderRequest(f"mf-{n}", WIF, Side.BUY, Decimal(20))) for n in range(20)]
    assert await _time_questions(venue, asyncio.gather(*orders)) == once
    assert isinstance(await client.place(BUY), ExecutionReport)


async def _time_questions(venue: Venue, what: Awaitable[object]) -> int:
    before = sent(venue, "GET time")
    await what
    return sent(venue, "GET time") - before


async def test_a_clock_that_cannot_be_measured(venue: Venue, client: BinanceClient) -> None:
    await client.measure_clock()
    venue.clock.offset_ms = 5_000
    venue.faults.error("GET time", -1021, times=None)  # absurd, and no reason to hang
    with pytest.raises(ExchangeUnavailable):
        await client.measure_clock()
    for _ in range(2):
        result = await client.place(BUY)
        assert isinstance(result, NotTaken)
        assert result.reason.code == "clock_off"
    venue.faults.clear()
    await client.place(BUY)
    assert isinstance(await client.place(BUY), ExecutionReport)


# --- limits ---


async def test_after_a_429_nothing_is_sent_until_its_time_is_over(venue: Venue, client: BinanceClient, clock: RealClock) -> None:
    await client.measure_clock()
    venue.faults.too_many("POST order", retry_after=7)
    result = await client.place(BUY)
    assert isinstance(result, NotTaken)
    assert (result.reason.code, result.retry_after) == ("rate_limited", 7)
    seen = len(venue.requests)
    clock.pass_time(3)
    waiting = await client.place(BUY)
    assert isinstance(waiting, NotTaken)
    assert waiting.retry_after == pytest.approx(4, abs=0.5)
    with pytest.raises(ExchangeUnavailable) as caught:
        await client.quotes([WIF])
    assert caught.value.retry_after == pytest.approx(4, abs=0.5)
    assert len(venue.requests) == seen
    clock.pass_time(4)
    assert isinstance(await client.place(BUY), ExecutionReport)


async def test_a_question_that_was_too_much_stops_orders_too(venue: Venue, client: BinanceClient, clock: RealClock) -> None:
    await client.measure_clock()
    venue.faults.too_many("GET ticker/bookTicker", status=418, retry_after=120)
    with pytest.raises(ExchangeUnavailable) as caught:
        await client.quotes([WIF])
    assert caught.value.retry_after == 120
    result = await client.place(BUY)
    assert isinstance(result, NotTaken)
    assert result.reason.code == "banned"
    assert sent(venue) == 0
    clock.pass_time(120)
    assert isinstance(await client.place(BUY), ExecutionReport)


async def test_too_many_orders_leaves_questions_free(venue: Venue, client: BinanceClient, clock: RealClock) -> None:
    venue.faults.error("POST order", -1015, "Too many new orders; current limit is 50 orders per 10 SECOND.", retry_after=6)
    result = await client.place(BUY)
    assert isinstance(result, NotTaken)
    assert result.retry_after == 6
    assert isinstance(await client.place(BUY), NotTaken)
    assert sent(venue) == 1
    assert WIF in await client.quotes([WIF])
    clock.pass_time(6)
    assert isinstance(await client.place(BUY), ExecutionReport)


# --- coming and going ---


async def test_an_exchange_that_is_down_at_the_start_is_found_later(clock: RealClock, connect: Connect) -> None:
    port = free_port()
    client = connect(api_url=f"http://127.0.0.1:{port}/api")
    with pytest.raises(ExchangeUnavailable):
        await client.measure_clock()
    with pytest.raises(ExchangeUnavailable):
        await client.instruments([WIF])
    result = await client.place(BUY)
    assert isinstance(result, NotTaken)
    assert result.reason.code == "unreachable"
    async with running_venue(port):
        assert isinstance(await client.place(BUY), ExecutionReport)
    result = await client.place(BUY)  # gone again: the connection is refused, so nothing was sent
    assert isinstance(result, NotTaken | Unanswered)


async def test_an_order_that_could_not_leave_was_not_placed(connect: Connect, venue: Venue) -> None:
    client = connect()
    await client.measure_clock()
    wire = await client._connection.open()
    assert isinstance(wire, BinanceHttpClient)
    wire._client.API_URL = f"http://127.0.0.1:{free_port()}/api"
    result = await client.place(BUY)
    assert isinstance(result, NotTaken)
    assert "nothing was sent" in str(result.reason)
    wire._client.API_URL = venue.api_url.replace("http://", "https://")  # no TLS there
    assert isinstance(await client.place(BUY), NotTaken)
    assert sent(venue) == 0


@both_kinds
async def test_no_order_leaves_once_the_right_to_send_it_is_gone(connect: Connect, venue: Venue) -> None:
    rights = [True, False]
    client = connect(may_send=lambda: rights.pop(0))
    assert isinstance(await client.place(BUY), ExecutionReport)
    result = await client.place(BUY)
    assert isinstance(result, NotTaken)
    assert "the right to trade is in doubt" in str(result.reason)
    assert sent(venue) == 1


async def test_what_is_asked_of_a_closed_client(client: BinanceClient, venue: Venue) -> None:
    await client.place(BUY)
    await client.close()
    await client.close()
    with pytest.raises(ExchangeUnavailable):
        await client.balances()
    assert isinstance(await client.place(BUY), NotTaken)
    assert sent(venue) == 1
