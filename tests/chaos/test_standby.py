"""Two programs on one ledger, one of them the standby: it takes over from one that was killed, stopped, cut off from the database
or asked to hand over. No signal is traded twice, none is lost, and every alert is told.

`make chaos FAILOVERS=100` does that many, in random order, under 20 signals a second, and prints how long nothing was traded.
"""

import asyncio
import os
import signal
import statistics
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import make_url

from demo.broker import MemoryBroker
from tests.chaos.harness import AT_LENGTH, PARTITIONS, TOPIC, Chaos, chaos
from tests.running import Program, run_command
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy, proxy_to

FAILOVERS = int(os.environ.get("FAILOVERS", "0"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
EVERY = 0.05
"""Seconds between two signals."""
SEEN_SECONDS, SILENT_SECONDS = 3.0, 18.0
"""The longest time to the next order: where the end of a process is seen, and where its lease has to run out."""
PLANNED_SECONDS = 1.0
WATCHED_SECONDS = 7.0
"""Seconds that a standby has watched before anything happens: one that has not asks the exchange about signals, and waits."""
WITHIN = 30.0
_LOOK = 0.005


@dataclass
class Pair:
    """Two programs on one ledger, each with a way of its own to the database."""

    world: Chaos
    active: Program
    standby: Program
    ways: dict[Program, Proxy]
    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    async def fail_over(self, name: str) -> None:
        """Ends the active one's work in the way of that name, waits for the next order, and starts it again as the standby."""
        old, watching = self.active, asyncio.create_task(self._longest_gap())
        await _WAYS[name](self)
        self.took[name].append(await watching)
        self.active, self.standby = self.standby, old
        self.world.program = self.active
        await self._end(name, old)
        await old.kill()  # it watched over the process
        await old.start()

    async def _longest_gap(self) -> float:
        """Returns the longest time between two orders, from now to the first one after the standby was ready to trade."""
        last, longest, has_taken = time.monotonic(), 0.0, False
        async with asyncio.timeout(WITHIN):
            while True:
                before = len(self.world.venue.orders)
                if not has_taken:
                    has_taken = await asyncio.to_thread(self.standby.is_ready)
                await asyncio.sleep(_LOOK)
                now = time.monotonic()
                longest = max(longest, now - last)
                if len(self.world.venue.orders) == before:
                    continue
                if has_taken:
                    return longest
                last = now

    async def _end(self, name: str, old: Program) -> None:
        """Brings back the one that was left, which ends by itself."""
        if name == "killed":
            return
        if name == "stopped":
            old.send(signal.SIGCONT)
        elif name == "cut off":
            self.ways[old].come_back()
        assert await old.ended(within=WITHIN) == (0 if name in PLANNED else 1), old.log[-3000:]
        assert "Traceback" not in old.log
        assert name in PLANNED or "another MarketFlow has taken this ledger over" in old.log


async def _kill(pair: Pair) -> None:
    await pair.active.kill()


async def _stop(pair: Pair) -> None:
    pair.active.send(signal.SIGSTOP)


async def _cut_off(pair: Pair) -> None:
    pair.ways[pair.active].go_silent()


async def _signal(pair: Pair) -> None:
    pair.active.send(signal.SIGUSR1)


async def _command(pair: Pair) -> None:
    ended = await run_command("handover", settings=pair.active.settings)
    assert (ended.code, ended.stderr) == (0, "")
    old, new = (f"process {one.last_pid} on " for one in (pair.active, pair.standby))
    assert ended.stdout.startswith(new)
    assert f"took over from {old}" in ended.stdout


_WAYS: dict[str, Callable[[Pair], Awaitable[None]]] = {
    "killed": _kill,
    "stopped": _stop,
    "cut off": _cut_off,
    "signal": _signal,
    "command": _command,
}
PLANNED = {"signal", "command"}
LONGEST = {"killed": SEEN_SECONDS, "stopped": SILENT_SECONDS, "cut off": SILENT_SECONDS}


@asynccontextmanager
async def pair_of(folder: Path, broker: MemoryBroker, server: PostgresServer, url: str, seed: int) -> AsyncIterator[Pair]:
    """Starts both, the standby waiting, with signals flowing; at the end everything must be settled and in order."""
    await asyncio.to_thread(broker.create_topic, TOPIC, partitions=PARTITIONS)
    async with (
        proxy_to(server.port) as first,
        proxy_to(server.port) as second,
        chaos(folder, broker.address, seed=seed, database_url=url) as world,
    ):
        programs, ways = [], {}
        for name, proxy in (("first", first), ("second", second)):
            (folder / name).mkdir()
            own = {"DATABASE_URL": make_url(url).set(port=proxy.port).render_as_string(hide_password=False)}
            settings = {key: value for key, value in world.program.settings.items() if not key.endswith("_PORT")} | own
            program = Program(folder / name, settings, ready_without={"telegram"}, installed=AT_LENGTH, standby=True)
            programs.append(program)
            ways[program] = proxy
        pair = Pair(world, *programs, ways)
        try:
            for program in programs:
                await program.start()
            world.program = pair.active
            loading = asyncio.create_task(world.load(EVERY))
            await asyncio.sleep(WATCHED_SECONDS)
            yield pair
            await asyncio.sleep(1)
            world.enough = True
            await loading
            await world.settle()
            assert await world.judged() == []
            print(f"\nseed {seed}: {await world.summary()}")
        finally:
            for program in programs:
                await program.kill()


def _report(pair: Pair) -> str:
    lines = []
    for name, took in pair.took.items():
        ordered = sorted(took)
        p99 = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
        lines.append(f"{name}: {len(took)}, to the next order p50 {statistics.median(took):.2f} s, p99 {p99:.2f} s")
    return "\n".join(lines)


async def test_the_end_of_a_process_is_seen_at_once_and_a_handover_takes_a_moment(
    tmp_path: Path, memory_broker: MemoryBroker, postgres: PostgresServer, postgres_url: str
) -> None:
    async with pair_of(tmp_path, memory_broker, postgres, postgres_url, seed=SEED) as pair:
        for name in ("killed", "signal", "command"):
            await pair.fail_over(name)
            print(f"\n{_report(pair)}")
            await asyncio.sleep(WATCHED_SECONDS)
    assert pair.took["killed"][0] <= SEEN_SECONDS
