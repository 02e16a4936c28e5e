"""`python -m bench.order_way`: how long an order takes by REST and over the WebSocket API, in turn on one loopback exchange."""

import argparse
import asyncio
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory

from bench.protection import at_99
from bench.world import running_exchange
from core.adapters.binance.binance_client import BinanceClient
from core.adapters.binance.credentials import Credentials
from core.domain.order import ExecutionReport, OrderRequest
from core.domain.signal import Side
from tests.core.adapters.clocks import RealClock
from tests.core.adapters.over_websocket import over_websocket

SYMBOL, QTY = "BAUSDC", Decimal(20)
_TURN = 20  # orders one way before it is the other's turn
REST, SOCKET = "by REST", "over the WebSocket API"


@dataclass(slots=True)
class Taken:
    """Milliseconds of each order: on the clock, and of this process's processor."""

    clock: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)


async def place(client: BinanceClient, number: int) -> tuple[float, float]:
    """Places one order, and returns its milliseconds. Raises RuntimeError if it was not filled."""
    request = OrderRequest(f"mf-{number}", SYMBOL, Side.BUY, QTY)
    began, used = time.perf_counter(), time.process_time()
    placed = await client.place(request)
    took = (time.perf_counter() - began) * 1_000, (time.process_time() - used) * 1_000
    if not isinstance(placed, ExecutionReport):
        raise RuntimeError(f"no order: {placed}")
    return took


async def measure(folder: Path, turns: int) -> dict[str, Taken]:
    """Places `turns` times twenty orders each way, in turn, after one turn that warms both up."""
    taken = {REST: Taken(), SOCKET: Taken()}
    async with AsyncExitStack() as stack:
        venue = await running_exchange(stack, folder)
        key = Credentials(venue["key"], venue["secret"])
        clients = {
            way: BinanceClient(api_url=venue["api_url"], clock=RealClock(), credentials=key, may_send=lambda: True, ws_url=url)
            for way, url in ((REST, ""), (SOCKET, venue["ws_url"]))
        }
        for client in clients.values():
            stack.push_async_callback(client.close)
            await client.instruments([SYMBOL])  # and the limits, of which there are none
        await stack.enter_async_context(over_websocket(clients[SOCKET]))
        for number in range(2 * _TURN * (turns + 1)):
            way = SOCKET if number // _TURN % 2 else REST
            clock, processor = await place(clients[way], number)
            if number >= 2 * _TURN:
                taken[way].clock.append(clock)
                taken[way].processor.append(processor)
    return taken


def report(taken: dict[str, Taken]) -> str:
    """Returns the figures as text, a line for each way."""
    return "\n".join(
        f"an order {way}: {median(each.clock):.2f} ms (p50), {at_99(each.clock):.2f} ms (p99), "
        f"{mean(each.processor):.2f} ms of the processor"
        for way, each in taken.items()
    )


async def run(turns: int) -> str:
    """Measures both ways; returns the figures as text."""
    with TemporaryDirectory() as folder:
        return report(await measure(Path(folder), turns))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.order_way", description=__doc__)
    parser.add_argument("--turns", type=int, default=30, help="of twenty orders each way (default: 30)")
    sys.stdout.write(asyncio.run(run(parser.parse_args().turns)) + "\n")
