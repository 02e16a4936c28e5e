"""The connection for orders cut at any byte: an order is placed at most once, and never taken for a no."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from core.adapters.binance.binance_client import BinanceClient
from core.domain.order import ExecutionReport, Unanswered
from tests.core.adapters.binance.order_ways import BUY, Restless, orders, port_of
from tests.core.adapters.conftest import Connect
from tests.core.adapters.keys import both_kinds
from tests.core.adapters.over_websocket import over_websocket, placings, until
from tests.venue import Venue
from tests.venue.asking import WIF


@pytest.fixture
def clock() -> Restless:
    return Restless()


class Cutter:
    """Stands between program and exchange: cuts the next connection after so many bytes of requests or of answers, counted from
    `arm` on, and lets everything else through."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.left: dict[str, int | None] = {"requests": None, "answers": None}
        self.passed = {"requests": 0, "answers": 0}
        self.url = ""

    def arm(self, direction: str, count: int) -> None:
        self.left[direction] = count
        self.passed = {"requests": 0, "answers": 0}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        pumps = [
            asyncio.create_task(self._pump("requests", reader, back)),
            asyncio.create_task(self._pump("answers", there, writer)),
        ]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        back.close()  # what has passed arrives
        writer.transport.abort()

    async def _pump(self, name: str, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65_536):
                self.passed[name] += len(data)
                left = self.left[name]
                if left is not None and len(data) > left:
                    target.write(data[:left])
                    self.left[name] = None
                    return
                if left is not None:
                    self.left[name] = left - len(data)
                target.write(data)


@contextlib.asynccontextmanager
async def cutter_before(venue: Venue) -> AsyncIterator[Cutter]:
    cutter = Cutter(port_of(venue))
    async with await asyncio.start_server(cutter.serve, "127.0.0.1", 0) as server:
        cutter.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws-api/v3"
        yield cutter


@both_kinds
@pytest.mark.parametrize("direction", ["requests", "answers"])
async def test_cut_at_any_byte_an_order_is_placed_at_most_once_and_never_taken_for_a_no(
    venue: Venue, connect: Connect, direction: str
) -> None:
    venue.lift_limits()
    venue.set_balance("USDC", "1000000")
    outcomes: set[tuple[str, bool]] = set()
    async with cutter_before(venue) as cutter:
        client = connect(ws_url=cutter.url)
        await client.instruments([WIF])  # and how many orders the exchange takes
        async with over_websocket(client):
            await client.place(replace(BUY, client_order_id="mf-whole"))
            whole = cutter.passed[direction]
            for number, count in enumerate(range(0, whole, 3)):
                await until(lambda: client.has_order_connection)
                name = f"mf-{number}"
                cutter.arm(direction, count)
                result = await client.place(replace(BUY, client_order_id=name))
                cutter.left[direction] = None
                placed = orders(venue).count(name)
                assert placed <= 1
                assert isinstance(result, ExecutionReport | Unanswered), result
                outcomes.add((type(result).__name__, bool(placed)))
                if isinstance(result, ExecutionReport):
                    assert placed == 1
                else:
                    await _is_found_by_its_id(venue, client, name)
    assert len(set(orders(venue))) == len(orders(venue))
    assert "POST" not in placings(venue)
    assert ("Unanswered", direction == "answers") in outcomes


async def _is_found_by_its_id(venue: Venue, client: BinanceClient, name: str) -> None:
    """Checks that asking tells the truth: what passed the cut may still be on its way to the exchange."""
    await until_settled(venue)
    found = await client.find_order(WIF, name)
    assert (found is not None) == (name in orders(venue))


async def until_settled(venue: Venue) -> None:
    """Waits until the exchange has read what had reached it of a connection that was cut."""
    await until(lambda: len(venue.streams.connections) <= 1)
    await asyncio.sleep(0)
