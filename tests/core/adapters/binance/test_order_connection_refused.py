"""Refusals, limits, dates and secrets of orders over the WebSocket API: all as by REST."""

import asyncio
import json
import logging
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from core.adapters.binance.binance_client import BinanceClient
from core.adapters.binance.credentials import Credentials
from core.adapters.binance.error_codes import CODES, MESSAGES
from core.adapters.binance.rate_limit_budget import ORDERS, WEIGHT
from core.domain.order import ExecutionReport, NotTaken, PlaceResult, Rejected, Unanswered
from tests.core.adapters.binance.order_ways import BUY, PLACE, Restless, orders
from tests.core.adapters.binance.test_errors import ERRORS
from tests.core.adapters.conftest import Connect
from tests.core.adapters.keys import both_kinds
from tests.core.adapters.over_websocket import keeping_connection, over_websocket, placings, until
from tests.venue import Venue
from tests.venue.asking import WIF
from tests.venue.faults import Fault


@pytest.fixture
def clock() -> Restless:
    return Restless()


def shown(result: PlaceResult) -> tuple[str, str]:
    """Returns the kind of a result and its words."""
    assert isinstance(result, Rejected | NotTaken | Unanswered)
    words = result.detail if isinstance(result, Unanswered) else str(result.reason)
    return type(result).__name__, re.sub(r"-?\d\.\d{3} s off", "so much off", words)


async def both_ways(venue: Venue, connect: Connect, fault: Callable[[str], Fault]) -> tuple[tuple[str, str], tuple[str, str]]:
    """Returns the result of an order by REST and over the connection, each with the same answer."""
    results = []
    for endpoint in ("POST order", PLACE):
        client = connect(ws_url=venue.ws_url)  # each has its own pauses
        await client.measure_clock()
        fault(endpoint)
        if endpoint == PLACE:
            async with over_websocket(client):
                results.append(shown(await client.place(BUY)))
        else:
            results.append(shown(await client.place(BUY)))
    assert placings(venue) == ["POST", PLACE]
    return results[0], results[1]


@pytest.mark.parametrize("path", sorted(ERRORS.glob("*.json")), ids=lambda path: path.stem)
async def test_every_documented_error_means_what_it_means_by_rest(venue: Venue, connect: Connect, path: Path) -> None:
    recorded = _recorded(path)
    body = recorded.get("body", recorded.get("raw"))
    headers = {name: value for name, value in recorded["headers"].items() if name == "Retry-After"}
    by_rest, quickly = await both_ways(
        venue,
        connect,
        lambda endpoint: venue.faults.answer(endpoint, recorded["http_status"], body, headers=headers),
    )
    assert quickly[0] == by_rest[0]
    assert quickly[1] == by_rest[1] or "raw" in recorded  # what is no JSON is not told by its status


def _recorded(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text())
    return data


@pytest.mark.parametrize(
    ("code", "message"),
    [*((code, None) for code in CODES if code not in {-1003, -1015, -1034}), *((-2010, message) for message in MESSAGES)],
)
async def test_every_code_means_what_it_means_by_rest(venue: Venue, connect: Connect, code: int, message: str | None) -> None:
    by_rest, quickly = await both_ways(venue, connect, lambda endpoint: venue.faults.error(endpoint, code, message))
    assert quickly == by_rest


@pytest.mark.parametrize("keys", [{"secret": "x" * 64}, {"key": "x" * 64}, {"key": "short"}])
async def test_a_key_that_does_not_fit_is_said_as_by_rest(venue: Venue, connect: Connect, keys: dict[str, str]) -> None:
    client = connect(ws_url=venue.ws_url, **keys)
    by_rest = shown(await client.place(BUY))
    async with over_websocket(client):
        assert shown(await client.place(BUY)) == by_rest
    assert orders(venue) == []


@pytest.mark.parametrize("off", [-20_000, 20_000])
async def test_a_clock_that_jumps_refuses_one_order_and_is_healed(venue: Venue, quick: BinanceClient, off: int) -> None:
    venue.clock.offset_ms = off
    refused = await quick.place(BUY)
    assert isinstance(refused, NotTaken)
    assert refused.reason.code == "clock_off"
    assert isinstance(await quick.place(BUY), ExecutionReport)
    assert placings(venue) == [PLACE, PLACE]


async def test_an_order_that_comes_too_late_to_the_engine_is_refused(venue: Venue, connect: Connect) -> None:
    client = connect(ws_url=venue.ws_url, recv_window=0.2)
    async with over_websocket(client):
        venue.faults.slow_engine(PLACE, 300)
        assert shown(await client.place(BUY))[0] == "NotTaken"
    assert orders(venue) == []


@pytest.mark.parametrize(("status", "words"), [(429, "rate_limited"), (418, "banned")])
async def test_a_pause_that_the_exchange_asks_for_is_kept_by_either_way(
    venue: Venue, connect: Connect, clock: Restless, status: int, words: str
) -> None:
    client = connect(ws_url=venue.ws_url)
    await client.measure_clock()
    async with over_websocket(client):
        venue.faults.too_many(PLACE, status=status, retry_after=130)
        refused = await client.place(BUY)
        assert isinstance(refused, NotTaken)
        assert refused.reason.code == words
        assert 125 <= (refused.retry_after or 0) <= 131
        seen = len(venue.requests)
        assert isinstance(await client.place(BUY), NotTaken)
        assert len(venue.requests) == seen
        clock.pass_time(131)
        if status == 418:  # "and you will be disconnected"
            await until(lambda: client.has_order_connection)
        assert isinstance(await client.place(BUY), ExecutionReport)


async def test_a_banned_address_is_not_connected_from(venue: Venue, connect: Connect, clock: Restless) -> None:
    client = connect(ws_url=venue.ws_url)
    await client.measure_clock()
    venue.limits.strikes = 0
    venue.set_limits(weight_1m=1)
    async with keeping_connection(client):
        await until(lambda: len(clock.pauses) > 3)
        refused = await client.place(BUY)
        assert isinstance(refused, NotTaken)
        assert refused.reason.code == "banned"
        assert 110 <= (refused.retry_after or 0) <= 121
    assert placings(venue) == []
    assert venue.limits.refusals == 1
    assert min(clock.pauses) > 110


@pytest.mark.parametrize(
    ("status", "body"),
    [(429, ""), (418, ""), (418, "<html>"), (429, '{"code":-1003,"msg":"Too many requests."}'), (403, "<html>"), (302, "")],
)
async def test_a_refused_connection_keeps_no_order_from_rest(
    venue: Venue, connect: Connect, clock: Restless, status: int, body: str
) -> None:
    """Guards exits: a proxy that lets no WebSocket through, or a limit on connections, says nothing about orders."""

    async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status} No\r\nRetry-After: 200\r\nLocation: {venue.ws_url}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_server(refusing, "127.0.0.1", 0) as server:
        client = connect(ws_url=f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws-api/v3")
        async with keeping_connection(client):
            await until(lambda: len(clock.pauses) > 2)
            assert isinstance(await client.place(BUY), ExecutionReport)
    assert placings(venue) == ["POST"]
    assert min(clock.pauses) >= (60 if status in {418, 429} else 0.5)


async def test_the_counts_of_an_answer_are_the_budgets(venue: Venue, quick: BinanceClient) -> None:
    venue.limits.place_order("main", 40)  # another program's
    venue.limits.spend(700)
    assert isinstance(await quick.place(BUY), ExecutionReport)
    assert quick.budget.used(ORDERS, 10) == 40  # an order that trades counts no more
    assert quick.budget.used(ORDERS, 86_400) == 40
    assert 700 <= quick.budget.used(WEIGHT, 60) <= 720


async def test_a_limit_on_orders_stops_orders_only(venue: Venue, quick: BinanceClient) -> None:
    venue.set_limits(orders_10s=0)
    refused = await quick.place(BUY)
    assert isinstance(refused, NotTaken)
    assert refused.reason.code == "rate_limited"
    assert 1 <= (refused.retry_after or 0) <= 10
    assert await quick.find_order(WIF, "mf-1") is None
    assert quick.has_order_connection


async def test_connecting_costs_weight(venue: Venue, quick: BinanceClient) -> None:
    assert quick.budget.used(WEIGHT, 60) >= venue.limits.snapshot()[0]["count"] > 2


@pytest.mark.parametrize(
    ("symbol", "price", "quantity", "side", "recv_window", "signature"),
    [
        ("BTCUSDT", "52000.00", "0.01000000", "SELL", "100", "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"),
        (
            "１２３４５６",
            "0.10000000",
            "1.00000000",
            "BUY",
            "5000",
            "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd",
        ),
    ],
)
def test_the_signature_is_that_of_the_documentation(
    *, symbol: str, price: str, quantity: str, side: str, recv_window: str, signature: str
) -> None:
    """web-socket-api.md, "SIGNED request example (HMAC)"."""
    credentials = Credentials(
        "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
        "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
    )
    order = {"symbol": symbol, "side": side, "type": "LIMIT", "timeInForce": "GTC", "quantity": quantity, "price": price}
    signed = credentials.signed({**order, "recvWindow": recv_window}, 1_645_423_376.532)
    assert (signed["timestamp"], signed["signature"]) == (1_645_423_376_532, signature)


async def test_no_order_leaves_once_the_right_to_send_it_is_gone(venue: Venue, connect: Connect) -> None:
    asked: list[int] = []

    def may_send() -> bool:
        asked.append(len(venue.requests))
        return False

    client = connect(ws_url=venue.ws_url, may_send=may_send)
    async with over_websocket(client):
        result = await client.place(BUY)
    assert isinstance(result, NotTaken)
    assert "right to trade" in str(result.reason)
    assert asked
    assert placings(venue) == []


@both_kinds
async def test_no_secret_in_any_log_or_result(
    venue: Venue, quick: BinanceClient, credentials: Any, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = f"bad {credentials.key} and {credentials.secret or 'none'} and {'5e' * 32} and {'aB3+/' * 17}x=="
    venue.faults.error(PLACE, -1102, echo)
    rejected = await quick.place(BUY)
    assert isinstance(rejected, Rejected)
    results = [repr(rejected), str(rejected.reason)]
    venue.faults.cut(PLACE)
    results.append(repr(await quick.place(BUY)))
    said = capsys.readouterr()
    everything = "\n".join([said.out, said.err, *results, *(f"{one.getMessage()} {one.__dict__}" for one in caplog.records)])
    hidden = [credentials.key, credentials.secret, *credentials.private_key.splitlines()[1:2], "aB3+/aB3+/"]
    assert [secret for secret in hidden if secret and secret in everything] == []
    assert re.search(r"\b[0-9a-f]{64}\b", everything) is None
