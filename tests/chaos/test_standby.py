"""Two programs on one ledger, one of them the standby: it takes over from one that was killed, stopped, cut off from the database
or asked to hand over. No signal is traded twice, none is lost, and every alert is told.

`make chaos FAILOVERS=100` does that many, in random order, under 20 signals a second, and prints how long nothing was traded.
"""

import asyncio
import os
import secrets
import signal
import statistics
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import make_url, select

from core.adapters.ledger.lease import STALE_SECONDS, SURE_SECONDS
from core.adapters.ledger.tables import signal_tables
from demo.broker import running_broker
from local_telegram.model import Message
from tests.chaos.brackets import until
from tests.chaos.harness import AT_LENGTH, PARTITIONS, TOPIC, Chaos, chaos
from tests.running import Program, run_command
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy, proxy_to

FAILOVERS = int(os.environ.get("FAILOVERS", "0"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
EVERY = 0.05 if FAILOVERS else 0.15
"""Seconds between two signals."""
SEEN_SECONDS = 3.0 if FAILOVERS else 9.0
"""The longest time to the next order where the end of a process is seen; other tests share the machine with a short run."""
SILENT_SECONDS = STALE_SECONDS + SEEN_SECONDS
"""The same where nobody knows whether it lives, and its lease has to run out."""
WATCHED_SECONDS = 7.0
"""Seconds that a standby has watched before anything happens: one that has not asks the exchange about signals, and waits."""
WITHIN = 60.0
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
        try:
            self.took[name].append(await watching)
        except TimeoutError:
            raise AssertionError(f"{name}: no order within {WITHIN:.0f} s\n{self.standby.log[-4000:]}") from None
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
LONGEST = {
    "killed": SEEN_SECONDS,
    "stopped": SILENT_SECONDS,
    "cut off": SILENT_SECONDS,
    "signal": 3 * SEEN_SECONDS,  # both share one rate limit, which may have them wait
    "command": 3 * SEEN_SECONDS,
}
PLANNED, SILENT = {"signal", "command"}, {"stopped", "cut off"}


@asynccontextmanager
async def database(server: PostgresServer) -> AsyncIterator[str]:
    """Yields the address of an empty database, which is dropped at the end."""
    name = f"test_{secrets.token_hex(8)}"
    await server.execute(f'CREATE DATABASE "{name}"')
    yield server.url(name)
    await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@asynccontextmanager
async def pair_of(folder: Path, server: PostgresServer, seed: int) -> AsyncIterator[Pair]:
    """Starts both, the second one waiting, with signals flowing; at the end everything must be settled and in order."""
    async with (
        database(server) as url,
        running_broker() as broker,
        proxy_to(server.port) as first,
        proxy_to(server.port) as second,
    ):
        await asyncio.to_thread(broker.create_topic, TOPIC, partitions=PARTITIONS)
        async with chaos(folder, broker.address, seed=seed, database_url=url) as world:
            ways = {_program(world, folder / name, url, proxy): proxy for name, proxy in (("first", first), ("second", second))}
            active, standby = ways
            pair = Pair(world, active, standby, ways)
            world.program = active
            await active.start()
            loading = asyncio.create_task(world.load(EVERY))
            try:
                await standby.start()
                yield pair
                world.enough = True
                await loading
                await world.settle()
                print(f"\nseed {seed}: {await world.summary()}\n{_report(pair)}")
                assert await world.judged() == []
                # Only the active one polls Telegram: entries go on.
                inbox = signal_tables.inbox.c
                alone = select(inbox.reason_code).where(inbox.reason_code.in_(["another_program", "not_alone_yet"]))
                assert await world.reader.read(alone) == []
            finally:
                loading.cancel()
                for program in ways:
                    await program.kill()


def _program(world: Chaos, folder: Path, url: str, proxy: Proxy) -> Program:
    folder.mkdir(parents=True)
    own = {"DATABASE_URL": make_url(url).set(port=proxy.port).render_as_string(hide_password=False)}
    settings = {name: value for name, value in world.program.settings.items() if not name.endswith("_PORT")} | own
    return Program(folder, settings, ready_without={"telegram"}, installed=AT_LENGTH, standby=True)


def _report(pair: Pair) -> str:
    lines = []
    for name, took in pair.took.items():
        ordered = sorted(took)
        p99 = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
        lines.append(f"{name}: {len(took)}, to the next order p50 {statistics.median(took):.2f} s, p99 {p99:.2f} s")
    return "\n".join(lines)


async def failed_over(folder: Path, server: PostgresServer, seed: int, names: Sequence[str]) -> Mapping[str, Sequence[float]]:
    """Fails over in these ways, one after another, each once the standby has watched for long enough. Returns how long nothing
    was traded."""
    async with pair_of(folder, server, seed) as pair:
        for name in names:
            if name in SILENT:  # one that is cut off before it knows of a standby goes on polling Telegram
                await until(partial(_has_noticed, pair.active), WITHIN, "the active one knows that a standby waits")
            else:
                await asyncio.sleep(WATCHED_SECONDS)
            left = pair.active.last_pid
            await pair.fail_over(name)
            await pair.world.chat.owner.wait_for(partial(_tells, left), within=WITHIN)
    return pair.took


async def _has_noticed(active: Program) -> bool:
    return (await active.metrics()).get("marketflow_standbys_waiting", 0.0) > 0


def _tells(left: int, message: Message) -> bool:
    return f"Took over from process {left} on " in message.text and "Nothing was traded for " in message.text


@pytest.mark.timeout(400)
async def test_the_standby_takes_over_and_nothing_is_traded_twice_or_lost(tmp_path: Path, postgres: PostgresServer) -> None:
    ways = (["killed", "command"], ["stopped"], ["cut off"])
    took = [await failed_over(tmp_path / names[0], postgres, SEED + number, names) for number, names in enumerate(ways)]
    _check(took)


@pytest.mark.timeout(600 + 45 * FAILOVERS)
async def test_it_takes_over_again_and_again(tmp_path: Path, postgres: PostgresServer) -> None:
    names = Random(SEED).choices(["killed", "signal", "command", "stopped", "cut off"], [4, 2, 2, 1, 1], k=FAILOVERS)
    _check([await failed_over(tmp_path / "pair", postgres, SEED, names)])


if not FAILOVERS:  # it takes a while
    del test_it_takes_over_again_and_again


def _check(runs: Sequence[Mapping[str, Sequence[float]]]) -> None:
    took = [(name, seconds) for run in runs for name, times in run.items() for seconds in times]
    for name, seconds in took:
        assert seconds <= LONGEST[name], took
        assert name not in SILENT or seconds > SURE_SECONDS, took  # before, the other one might still have sent something
