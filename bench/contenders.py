"""The contenders, each in its own process with the same settings."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import func, select

from bench import documents_loop, loops
from bench.load import BenchmarkFailed
from bench.world import SYMBOLS, World, python
from bot.clock import SystemClock
from core.adapters.ledger.opening import look_into_ledger
from core.adapters.ledger.tables.result_tables import executions
from tests.running import Program
from tests.servers.ports import free_port

_STAGE = re.compile(r'marketflow_stage_seconds_sum\{stage="(\w+)"\}')

# No limit stops the signals of a burst; all else has its defaults, INFO log and full-sync ledger included.
_UNBOUND = {
    "TRADING_MODE": "live",
    "SYMBOLS": ",".join(SYMBOLS),
    "SIGNAL_MAX_AGE": "600",
    "MAX_OPEN_POSITIONS": "100",
    "DAILY_LOSS_LIMIT": "100000",
}

Stages = Mapping[str, tuple[float, float]]
"""The seconds that all orders took to each stage from the one before, and how many orders came to it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A contender that runs, and what returns its stages so far: none where it counts none."""

    pid: int
    stages: Callable[[], Awaitable[Stages]]


Contender = Callable[[World, str, Path, int], AbstractAsyncContextManager[Measured]]
"""Runs while the block runs, reading from a topic, with its own folder; the number is how many orders it should place."""


async def _no_stages() -> Stages:
    return {}


def _loop(*arguments: str, ready: str, journal: str = "") -> Contender:
    """Returns the contender that `python -m` with `arguments` is. `journal` names a file in which it stores each order first."""

    @asynccontextmanager
    async def run(world: World, topic: str, folder: Path, orders: int) -> AsyncIterator[Measured]:
        del orders  # it has no ledger
        log = folder / "loop.log"
        env = world.settings(topic) | {"METRICS_PORT": str(free_port()), "JOURNAL": str(folder / journal) if journal else ""}
        loop = python(*arguments, name=arguments[0], log=log, ready=lambda: ready in log.read_text(), env=env)
        try:
            await asyncio.to_thread(loop.start)
            yield Measured(loop.pid or 0, _no_stages)
        finally:
            await asyncio.to_thread(loop.kill)

    return run


@asynccontextmanager
async def _marketflow(
    world: World, topic: str, folder: Path, orders: int, *, on_postgres: bool = False
) -> AsyncIterator[Measured]:
    """Runs `marketflow run`. Raises BenchmarkFailed at the end where its ledger lacks an execution for any order."""
    ways = {"BINANCE_WS_URL": world.ws_url}  # on Binance it has one by default
    database = {"DATABASE_URL": await world.create_database(topic.replace("-", "_"))} if on_postgres else {}
    program = Program(folder, world.settings(topic) | _UNBOUND | ways | database, installed=True)
    try:
        await program.start()
        yield Measured(program.last_pid, partial(_stages, program))
        code = await program.stop()
        kept = await _executions(program.settings["DATABASE_URL"])
        if (code, kept) != (0, orders):
            raise BenchmarkFailed(f"marketflow ended with {code} and {kept} executions in its ledger; {orders} are right")
    finally:
        await program.kill()


async def _stages(program: Program) -> Stages:
    samples = await program.metrics()
    named = {found[1]: name for name in samples if (found := _STAGE.fullmatch(name))}
    return {stage: (samples[name], samples[name.replace("_sum", "_count")]) for stage, name in named.items()}


async def _executions(address: str) -> int:
    ledger = await look_into_ledger(address, SystemClock())
    try:
        (found,) = await ledger.reader.read(select(func.count().label("n")).select_from(executions))
        return int(found["n"])
    finally:
        await ledger.close()


CONTENDERS: dict[str, Contender] = {
    "bare loop": _loop("bench.loops", "--client=bare", ready=loops.READY),
    "durable floor": _loop("bench.loops", "--client=bare", ready=loops.READY, journal="journal.db"),
    "python-binance": _loop("bench.loops", "--client=library", ready=loops.READY),
    "document's loop": _loop("bench.documents_loop", ready=documents_loop.READY),
    "MarketFlow": _marketflow,
    "MarketFlow on PostgreSQL": partial(_marketflow, on_postgres=True),
}
BARE, FLOOR, LIBRARY, DOCUMENTS, OURS, OURS_ON_POSTGRES = CONTENDERS
SETTLES = {OURS, OURS_ON_POSTGRES}
"""Those that ask the exchange about each order for some time after their start."""
