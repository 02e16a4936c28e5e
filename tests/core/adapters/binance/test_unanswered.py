"""An order whose answer is lost, spoiled or ambiguous: sent once, never reported as a no, resolved by asking; no secret leaks."""

import logging
import re
import traceback
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from core.adapters.binance.binance_client import BinanceClient
from core.domain.errors import ExchangeUnavailable
from core.domain.order import ExecutionReport, OrderRequest, Rejected, Unanswered
from core.domain.signal import Side
from tests.core.adapters.conftest import Connect
from tests.venue import Venue, running_venue
from tests.venue.faults import Fault, Faults

WIF = "WIFUSDC"
BUY = OrderRequest("mf-1", WIF, Side.BUY, Decimal(20))
LOST: dict[str, Callable[..., Fault]] = {
    "hang": Faults.hang,
    "cut": Faults.cut,
    "unreadable": Faults.unreadable,
    "bad_gateway": Faults.bad_gateway,
    "firewall": Faults.waf,
    **{
        f"{code}": lambda faults, endpoint, code=code, **options: Faults.error(faults, endpoint, code, **options)
        for code in (-1000, -1001, -1006, -1007)
    },
}


def posts(venue: Venue) -> int:
    return sum(seen.method == "POST" for seen in venue.requests)


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("lost", LOST)
async def test_a_lost_answer_leaves_it_open(venue: Venue, connect: Connect, lost: str, executed: bool) -> None:
    client = connect(timeout=1.0)
    await client.measure_clock()
    LOST[lost](venue.faults, "POST order", executed=executed)
    result = await client.place(BUY)
    assert isinstance(result, Unanswered)
    assert result.detail
    assert posts(venue) == 1
    found = await client.find_order(WIF, "mf-1")
    assert (found is not None) is executed
    if found is not None:
        fills = await client.fills(WIF, found.order_id)
        assert sum(fill.qty for fill in fills) == found.executed_qty == 20


BODIES: list[object] = ["", "null", "5", "[]", "{}", '"FILLED"', "<html>", "\x00", "[" * 100_000, '{"code":-2010,"msg":"no"}']


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body)[:12])
async def test_a_200_that_cannot_be_read_leaves_it_open(venue: Venue, client: BinanceClient, body: str) -> None:
    venue.faults.answer("POST order", 200, body, executed=True)
    assert isinstance(await client.place(BUY), Unanswered)
    assert await client.find_order(WIF, "mf-1") is not None


@pytest.mark.parametrize("status", [400, 403, 500])
@pytest.mark.parametrize("body", ["", "[]", "5", "null", '{"code":"x"}', '{"code":true,"msg":[]}', '{"msg":"no"}', "[" * 100_000])
async def test_a_refusal_without_a_code_leaves_it_open(venue: Venue, client: BinanceClient, status: int, body: str) -> None:
    venue.faults.answer("POST order", status, body, executed=True)
    assert isinstance(await client.place(BUY), Unanswered)


async def test_an_answer_of_another_kind_of_content_leaves_it_open(venue: Venue, client: BinanceClient) -> None:
    venue.faults.answer("POST order", 200, "{}", executed=True, content_type="text/html")
    assert isinstance(await client.place(BUY), Unanswered)


async def test_a_redirect_is_not_followed(venue: Venue, client: BinanceClient) -> None:
    async with running_venue() as other:
        for status in (301, 302, 307, 308):
            there = {"Location": f"{other.api_url}/v3/order"}
            venue.faults.answer("POST order", status, headers=there)
            assert isinstance(await client.place(BUY), Unanswered)
            venue.faults.answer("GET account", status, headers=there)
            with pytest.raises(ExchangeUnavailable):
                await client.balances()
        assert other.requests == []


QUESTIONS: dict[str, tuple[str, Callable[[BinanceClient], Any]]] = {
    "time": ("GET time", BinanceClient.server_time),
    "rules": ("GET exchangeInfo", lambda client: client.instruments([WIF])),
    "all rules": ("GET exchangeInfo", lambda client: client.instruments(None)),
    "quotes": ("GET ticker/bookTicker", lambda client: client.quotes([WIF])),
    "order": ("GET order", lambda client: client.find_order(WIF, "mf-1")),
    "fills": ("GET myTrades", lambda client: client.fills(WIF, "28")),
    "balances": ("GET account", BinanceClient.balances),
    "permissions": ("GET account", BinanceClient.permissions),
    "open orders": ("GET openOrders", BinanceClient.open_orders),
}
SPOILED: dict[str, Callable[[Faults, str], object]] = {
    "hang": lambda faults, endpoint: faults.hang(endpoint, times=None),
    "cut": lambda faults, endpoint: faults.cut(endpoint, times=None),
    "unreadable": Faults.unreadable,
    "empty": lambda faults, endpoint: faults.answer(endpoint, 200, ""),
    "wrong": lambda faults, endpoint: faults.answer(endpoint, 200, [{"symbol": WIF}]),
    "bad_gateway": Faults.bad_gateway,
    "firewall": Faults.waf,
    "error": lambda faults, endpoint: faults.error(endpoint, -1001),
    "bare list": lambda faults, endpoint: faults.answer(endpoint, 400, "[]"),
    "no such order, says a proxy": lambda faults, endpoint: faults.error(endpoint, -2013, status=502),
}


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("spoiled", SPOILED)
async def test_a_question_without_a_readable_answer(venue: Venue, connect: Connect, question: str, spoiled: str) -> None:
    client = connect(timeout=0.5 if spoiled == "hang" else 10.0)
    await client.measure_clock()
    endpoint, ask = QUESTIONS[question]
    SPOILED[spoiled](venue.faults, endpoint)
    with pytest.raises(ExchangeUnavailable) as caught:
        await ask(client)
    assert str(caught.value)
    venue.faults.clear()
    await ask(client)


async def test_an_order_found_must_be_the_one_asked_for(venue: Venue, client: BinanceClient) -> None:
    await client.place(BUY)
    other = {"symbol": WIF, "orderId": 99, "clientOrderId": "mf-2", "executedQty": "1", "cummulativeQuoteQty": "1"}
    venue.faults.answer("GET order", 200, {**other, "status": "FILLED", "side": "BUY", "updateTime": 1_795_000_000_000})
    with pytest.raises(ExchangeUnavailable):
        await client.find_order(WIF, "mf-1")


# --- secrets ---


def texts_of(error: BaseException | None) -> list[str]:
    """Returns an exception as a log would show it, with its whole chain."""
    if error is None:
        return []
    shown = [str(error), repr(error), *traceback.format_exception(error)]
    return [*shown, *texts_of(error.__cause__), *texts_of(error.__context__)]


async def test_no_secret_in_any_log_exception_or_result(venue: Venue, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = connect(timeout=0.6)
    await client.measure_clock()
    echo = f"bad {venue.key} and {venue.secret} and {'5e' * 32}"
    shown: list[str] = []
    for lost in LOST.values():
        lost(venue.faults, "POST order", executed=False)
        shown.append(repr(await client.place(BUY)))
    venue.faults.error("POST order", -1102, echo)
    rejected = await client.place(BUY)
    assert isinstance(rejected, Rejected)
    shown += [repr(rejected), str(rejected.reason)]
    assert "bad *** and *** and ***" in str(rejected.reason)
    spoils: list[Callable[[Faults, str], object]] = [*SPOILED.values(), partial(Faults.error, code=-1102, msg=echo)]
    for spoil in spoils:
        spoil(venue.faults, "GET account")
        with pytest.raises(ExchangeUnavailable) as caught:
            await client.balances()
        shown += texts_of(caught.value)
        venue.faults.clear()
    venue.faults.answer("GET account", 200, "{}", content_type="text/html")  # aiohttp's error contains the signed URL
    with pytest.raises(ExchangeUnavailable) as caught:
        await client.balances()
    shown += texts_of(caught.value)
    shown += [repr(client), *(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)]
    assert isinstance(await client.place(BUY), ExecutionReport)
    everything = "\n".join(shown)
    assert venue.key not in everything
    assert venue.secret not in everything
    assert "signature=" not in everything
    assert re.search(r"\b[0-9a-f]{64}\b", everything) is None
