"""`python -m bench`: loops that remember nothing, or one commit before each order, and MarketFlow on both databases in turn,
round after round. Prints a table and the goals; with `--profile` also the time from stage to stage of MarketFlow's orders, with
`--check` how its ratios to the others compare with those of RESULTS.md."""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

from bench import recorded
from bench.contenders import CONTENDERS, SETTLES, Stages
from bench.load import BenchmarkFailed, Load, signals
from bench.report import Figures, as_json, as_profile, as_table
from bench.usage import cpu_seconds, most_resident
from bench.world import SYMBOLS, World, running_world, with_exchange
from tests.servers.process import ServerDidNotStartError

_WARM_UP = 2 * len(SYMBOLS)
_WARM_UP_PAUSE = 0.02  # seconds
_SETTLED = 31.0  # seconds after its start for which MarketFlow asks the exchange about each order before it sends it


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured, in turn (default: 3)")
    parser.add_argument("--singles", type=int, default=80, help="signals sent one at a time in a round (default: 80)")
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between two of them (default: 0.05)")
    parser.add_argument("--burst", type=int, default=1000, help="signals sent at once in a round (default: 1000)")
    parser.add_argument(
        "--settle", type=float, default=_SETTLED, help="seconds from MarketFlow's start to its first measurement (default: 31)"
    )
    parser.add_argument("--memory-broker", action="store_true", help="the in-memory broker even where Apache Kafka is")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--profile", action="store_true", help="the time from stage to stage of MarketFlow's orders, too")
    parser.add_argument("--check", action="store_true", help="fail where a ratio is worse than RESULTS.md lets pass")
    chosen = parser.parse_args()
    cycle = 2 * len(SYMBOLS)
    if chosen.rounds < 1 or chosen.singles < cycle or chosen.singles % cycle or chosen.burst < cycle or chosen.burst % cycle:
        parser.error(f"at least 1 round; --singles and --burst in multiples of {cycle}, which leave no position open")
    if chosen.check and (chosen.json or chosen.memory_broker):
        parser.error("--check prints a table, and compares figures of Apache Kafka: not with --json or --memory-broker")
    return chosen


async def _measure(place: World, contender: str, name: str, folder: Path, chosen: argparse.Namespace) -> Figures:
    """Measures one contender in one round: starts it, warms it up, measures, ends it."""
    await asyncio.to_thread(folder.mkdir)
    await place.create_topic(name)
    orders = _WARM_UP + chosen.singles + chosen.burst
    async with (
        with_exchange(place, folder) as world,
        CONTENDERS[contender](world, name, folder, orders) as measured,
        Load(world, name) as load,
    ):
        pid = measured.pid
        started = cpu_seconds(pid)
        await load.one_at_a_time(list(signals(f"{name}-warm", _WARM_UP)), _WARM_UP_PAUSE)
        await asyncio.sleep(chosen.settle if contender in SETTLES else 0)
        warm = await measured.stages()
        seconds = await load.one_at_a_time(list(signals(f"{name}-single", chosen.singles)), chosen.pause)
        stages = _since(warm, await measured.stages())
        before = cpu_seconds(pid)
        rate = await load.burst(list(signals(f"{name}-burst", chosen.burst)))
        cpu, resident = (cpu_seconds(pid) - before) / chosen.burst, most_resident(pid)
        filled, taken = await load.filled()
        if filled != taken:
            raise BenchmarkFailed(f"the exchange took {taken} orders and filled {filled}")
    return Figures(seconds, [rate], [cpu], [resident], [started], stages)


def _since(before: Stages, after: Stages) -> dict[str, tuple[float, float]]:
    nothing = 0.0, 0.0
    return {
        stage: (seconds - before.get(stage, nothing)[0], orders - before.get(stage, nothing)[1])
        for stage, (seconds, orders) in after.items()
    }


async def _run(chosen: argparse.Namespace, folder: Path) -> bool:
    """Measures and prints; returns whether the check passes, True without one."""
    before = recorded.read_recorded(recorded.RESULTS.read_text(encoding="utf-8")) if chosen.check else None
    figures = {name: Figures() for name in CONTENDERS}
    machine = f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f} before the start, Python {platform.python_version()}"
    async with running_world(folder, memory_broker=chosen.memory_broker) as world:
        if before is not None and world.broker_name != recorded.BROKER:
            raise BenchmarkFailed(f"--check compares figures of {recorded.BROKER}, which this machine cannot run")
        for number in range(chosen.rounds):
            for index, name in enumerate(CONTENDERS):
                _progress(f"round {number + 1} of {chosen.rounds}: {name}")
                done = await _measure(world, name, f"round-{number}-{index}", folder / f"round-{number}-{index}", chosen)
                figures[name].add(done)
        broker = world.broker_name
    _progress("")
    if chosen.json:
        print(json.dumps({"broker": broker, "machine": machine, **as_json(figures)}, indent=2))
    else:
        each = f"{chosen.rounds} rounds in turn, {chosen.singles} single signals and a burst in each, {len(SYMBOLS)} symbols"
        print(f"{each}\n{broker}, loopback exchange and chat; {machine}\n\n{as_table(figures, chosen.burst)}")
    if chosen.profile:
        print(f"\n{as_profile(figures)}")
    if before is None:
        return True
    comparisons = recorded.compare(figures, before)
    print(f"\n{recorded.as_table(comparisons)}")
    return all(one.passes for one in comparisons)


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def main() -> int:
    """Returns 0 when all were measured, whatever the figures; 1 when one of them did not do its work or a check fails."""
    chosen = _arguments()
    try:
        with tempfile.TemporaryDirectory(prefix="marketflow-bench-") as folder:
            return 0 if asyncio.run(_run(chosen, Path(folder))) else 1
    except (BenchmarkFailed, ServerDidNotStartError, recorded.UnreadableResults) as error:
        _progress("")
        print(f"The benchmark failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        _progress("")
        return 130


if __name__ == "__main__":
    sys.exit(main())
