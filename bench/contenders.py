"""The three contenders, each in its own process with the same settings."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

from bench.load import BenchmarkFailed
from bench.naive import READY
from bench.world import SYMBOLS, World, python
from tests.running import Program
from tests.servers.ports import free_port

# No limit stops the signals of a burst; all else has its defaults, INFO log and full-sync ledger included.
_UNBOUND = {
    "TRADING_MODE": "live",
    "SYMBOLS": ",".join(SYMBOLS),
    "SIGNAL_MAX_AGE": "600",
    "MAX_OPEN_POSITIONS": "100",
    "DAILY_LOSS_LIMIT": "100000",
}

Contender = Callable[[World, str, Path, int], AbstractAsyncContextManager[int]]
"""Runs while the block runs, reading from a topic, with its own folder; the number is how many orders it should place. Yields the
number of its process."""


@asynccontextmanager
async def naive(world: World, topic: str, folder: Path, orders: int, *, journal: str = "") -> AsyncIterator[int]:
    """Runs the document's loop. `journal` names a file in which it stores each order first."""
    del orders  # it has no ledger
    log = folder / "naive.log"
    env = world.settings(topic) | {"METRICS_PORT": str(free_port()), "JOURNAL": str(folder / journal) if journal else ""}
    loop = python("bench.naive", name="the naive loop", log=log, ready=lambda: READY in log.read_text(), env=env)
    try:
        await asyncio.to_thread(loop.start)
        yield loop.pid or 0
    finally:
        await asyncio.to_thread(loop.kill)


@asynccontextmanager
async def marketflow(world: World, topic: str, folder: Path, orders: int) -> AsyncIterator[int]:
    """Runs `marketflow run`. Raises BenchmarkFailed at the end where its ledger lacks an execution for any order."""
    ways = {"BINANCE_WS_URL": world.ws_url}  # on Binance it has one by default
    program = Program(folder, world.settings(topic) | _UNBOUND | ways, installed=True)
    try:
        await program.start()
        yield program.last_pid
        code = await program.stop()
        ((kept,),) = (row.values() for row in program.ledger("SELECT count(*) FROM executions"))
        if (code, kept) != (0, orders):
            raise BenchmarkFailed(f"marketflow ended with {code} and {kept} executions in its ledger; {orders} are right")
    finally:
        await program.kill()


CONTENDERS: dict[str, Contender] = {
    "naive loop": naive,
    "durable floor": partial(naive, journal="journal.db"),
    "MarketFlow": marketflow,
}
NAIVE, FLOOR, OURS = CONTENDERS
