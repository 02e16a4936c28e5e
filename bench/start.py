"""`python -m bench.start`: seconds of the processor and memory that `--help`, a cold start and a running program take."""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.status import history
from bench.world import World, running_world
from tests.running import MARKETFLOW, Program, surroundings
from tests.venue.server import running_venue

_TICKS = os.sysconf("SC_CLK_TCK")
_TOPIC = "start"
_BETWEEN = 0.05  # seconds between two looks whether it is ready
_RESTED = 3.0  # seconds after which a program has done what its start left for later


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of the processor and seconds on the clock that one process took; its resident memory in MB, where it stayed."""

    processor: float
    clock: float
    memory: float = 0.0


class _Program(Program):
    """Asked seldom whether it is ready: each answer costs it some time of the processor."""

    def is_ready(self) -> bool:
        time.sleep(_BETWEEN)
        return super().is_ready()


def help_cost() -> Cost:
    """Returns what `marketflow --help` takes. Raises RuntimeError if it fails."""
    began = time.monotonic()
    away = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
    pid = os.posix_spawn(MARKETFLOW, [MARKETFLOW, "--help"], surroundings({}), file_actions=[away])
    _, status, used = os.wait4(pid, 0)
    if status:
        raise RuntimeError("--help failed")
    return Cost(used.ru_utime + used.ru_stime, time.monotonic() - began)


def resident(pid: int) -> float:
    """Returns the resident memory of a process in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def processor(pid: int) -> float:
    """Returns the seconds of the processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def start_cost(folder: Path, settings: dict[str, str]) -> Cost:
    """Returns what a start on the ledger in `folder` takes until `/readyz` answers 200, and the memory after some seconds."""
    program = _Program(folder, settings, installed=True)
    began = time.monotonic()
    try:
        await program.start()
        took, used = time.monotonic() - began, processor(program.last_pid)
        await asyncio.sleep(_RESTED)
        memory = resident(program.last_pid)
        await program.stop()
    finally:
        await program.kill()
    return Cost(used, took, memory)


def settings_of(world: World, api_url: str, symbols: Sequence[str]) -> dict[str, str]:
    """Returns the settings of a paper account that trades `symbols`, with prices of the exchange at this address."""
    return {
        "TRADING_MODE": "paper",
        "BINANCE_API_URL": api_url,
        "TG_API_URL": world.chat_url,
        "TG_TOKEN": world.token,
        "TG_CHAT_ID": world.chat_id,
        "KAFKA_BROKER": world.broker,
        "KAFKA_TOPIC": _TOPIC,
        "SYMBOLS": ",".join(symbols),
        "SYMBOL": symbols[0],
        "TRADE_QTY": "20",
    }


async def measure(folder: Path, rounds: int, symbols: int, trades: int) -> dict[str, list[Cost]]:
    """Measures each kind in turn, round after round."""
    found: dict[str, list[Cost]] = {}

    def note(what: str, cost: Cost) -> None:
        found.setdefault(what, []).append(cost)

    async with running_world(folder, memory_broker=True) as world, running_venue() as venue:
        venue.lift_limits()
        await world.create_topic(_TOPIC)
        names = [venue.add_symbol(f"X{number}") for number in range(symbols)]
        one, many = (settings_of(world, venue.api_url, chosen) for chosen in (names[:1], names))
        short, long = folder / "short", folder / "long"
        for place, count in ((short, 1_000), (long, trades)):
            await asyncio.to_thread(place.mkdir)
            await history(place, count)
        for number in range(rounds):
            new = folder / f"new-{number}"
            await asyncio.to_thread(new.mkdir)
            note("--help", await asyncio.to_thread(help_cost))
            note("start on a new ledger", await start_cost(new, one))
            note("start after 1,000 trades", await start_cost(short, one))
            note(f"start with {symbols:,} symbols", await start_cost(short, many))
            note(f"start after {trades:,} trades", await start_cost(long, one))
    return found


def report(found: dict[str, list[Cost]]) -> str:
    """Returns the medians as text, a line for each kind."""
    lines = []
    for what, costs in found.items():
        used, took, memory = (median(getattr(cost, name) for cost in costs) for name in ("processor", "clock", "memory"))
        rests = f", then {memory:.0f} MB" if memory else ""
        lines.append(f"{what}: {used:.2f} s of the processor, {took:.2f} s on the clock{rests}")
    return "\n".join(lines)


async def run(rounds: int, symbols: int, trades: int) -> str:
    """Measures everything in one run on this machine; returns the figures as text."""
    with tempfile.TemporaryDirectory() as folder:
        return report(await measure(Path(folder), rounds, symbols, trades))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--trades", type=int, default=1_000_000)
    chosen = parser.parse_args()
    sys.stdout.write(asyncio.run(run(chosen.rounds, chosen.symbols, chosen.trades)) + "\n")
