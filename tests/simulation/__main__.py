"""`python -m tests.simulation`: lives many seeds on all cores, reports failures and the shortest history that shows each."""

import argparse
import gc
import logging
import os
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import structlog

from tests.simulation.accidents import ACCIDENTS, accident_of
from tests.simulation.covered import report
from tests.simulation.judge import is_own_failure
from tests.simulation.races import A_HISTORY, RACES, histories, play
from tests.simulation.story import KINDS, live
from tests.simulation.variants import VARIANTS

BATCH = 4
VARIANT_SEEDS = 300
"""The number of seeds within which each wrong program must be caught."""


@dataclass(frozen=True, slots=True)
class Lived:
    """One seed and its result."""

    seed: int
    broken: tuple[str, ...]
    orders: int
    happened: Counter[str]


def main() -> int:
    """Returns the exit code: 0 if every promise was kept."""
    chosen = _parser().parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of a set is part of a history
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]])
    _be_quiet()
    gc.collect()
    gc.freeze()  # modules loaded by now stay: after each history only its own leftovers are collected
    if chosen.variants:
        return _try_variants(chosen.only or list(VARIANTS), chosen.signals, chosen.jobs, chosen.accident)
    if chosen.races:
        return _race([chosen.race] if chosen.race else list(RACES), chosen.races, chosen.jobs)
    if chosen.seed is not None:
        return _show(chosen.seed, chosen.signals)
    if chosen.alone:
        return len([one for one in _live_some(range(chosen.first, chosen.first + chosen.seeds), chosen.signals) if one.broken])
    with VARIANTS[chosen.wrong]() if chosen.wrong else nullcontext():
        return _live_many(chosen.first, chosen.seeds, chosen.signals, chosen.jobs, chosen.covered)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many histories")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--signals", type=int, default=200, help="records in one history")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--covered", type=int, default=10, help="seeds lived once more, to count the branches that they take")
    parser.add_argument("--seed", type=int, help="only this one, with its history")
    parser.add_argument("--races", type=int, help="races instead, so many of each")
    parser.add_argument("--race", choices=RACES, help="with --races: this one alone")
    parser.add_argument("--variants", action="store_true", help="wrong programs instead, each of which must be caught")
    parser.add_argument("--alone", action="store_true", help="in this process, and without a word")
    parser.add_argument("--only", choices=VARIANTS, action="append", help="this wrong program alone; may be repeated")
    parser.add_argument("--accident", choices=sorted(ACCIDENTS), help="with --variants: only histories with this accident")
    parser.add_argument("--break", dest="wrong", choices=VARIANTS, help="lives the seeds in this wrong program")
    return parser


def _be_quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    sys.unraisablehook = lambda _: None  # the output of killed processes


def _live_one(seed: int, signals: int, variant: str | None = None, kinds: frozenset[str] = KINDS) -> Lived:
    with VARIANTS[variant]() if variant is not None else nullcontext():
        history = live(seed, signals=signals, kinds=kinds)
    fate = history.parts.fate
    return Lived(seed, tuple(history.judged()), len(history.parts.exchange.placed), Counter(fate.happened))


def _live_some(seeds: range, signals: int) -> list[Lived]:
    return [_live_one(seed, signals) for seed in seeds]


def _live_many(first: int, count: int, signals: int, jobs: int, covered: int) -> int:
    began, done, orders = time.monotonic(), 0, 0
    broken: list[Lived] = []
    happened: Counter[str] = Counter()
    for lived in _on_all_cores(first, count, signals, jobs):
        done, orders = done + 1, orders + lived.orders
        happened += lived.happened
        if lived.broken:
            broken.append(lived)
            print(f"seed {lived.seed} breaks {len(lived.broken)}: {lived.broken[0]}", flush=True)
        _progress(done, count, len(broken), began)
    took = f"{time.monotonic() - began:.0f} s"
    print(f"\n{done} seeds of {signals} signals in {took}: {orders} orders, {len(broken)} seeds with a violation")
    print("faults: " + ", ".join(f"{name} {number}" for name, number in happened.most_common()))
    for name in sorted(KINDS - happened.keys()):
        print(f"never happened: {name}")
    if broken:
        _explain(min(broken, key=lambda one: one.seed), signals)
        return 1
    print(f"\nbranches of the protocol that {covered} of these seeds took:")
    print(report(["--alone", "--first", str(first), "--seeds", str(covered), "--signals", str(signals)]))
    return 0


def _on_all_cores(first: int, count: int, signals: int, jobs: int) -> Iterator[Lived]:
    batches = [range(at, min(at + BATCH, first + count)) for at in range(first, first + count, BATCH)]
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork"), max_tasks_per_child=None) as pool:
        for some in pool.map(_live_some, batches, [signals] * len(batches)):
            yield from some


def _progress(done: int, count: int, broken: int, began: float) -> None:
    if not sys.stderr.isatty() and done % max(count // 20, 1):
        return
    filled = 30 * done // count
    left = (time.monotonic() - began) / done * (count - done)
    end = "" if sys.stderr.isatty() else "\n"
    bar = "#" * filled + "." * (30 - filled)
    print(f"\r[{bar}] {done}/{count} seeds, {broken} broken, {left:.0f} s left ", end=end, file=sys.stderr, flush=True)


def _explain(lived: Lived, signals: int) -> None:
    """Finds the shortest history that still breaks the promise."""
    print(f"\nseed {lived.seed}:")
    for promise in lived.broken[:10]:
        print(f"  {promise}")
    kinds, fewest = _shrink(lived.seed, signals)
    print(f"\nthe shortest: {fewest} signals, with {', '.join(sorted(kinds)) or 'no fault'}")
    history = live(lived.seed, signals=fewest, kinds=kinds)
    print("\n".join(history.parts.fate.history))
    print("\n".join(history.judged()))


def _shrink(seed: int, signals: int) -> tuple[frozenset[str], int]:
    def breaks(kinds: frozenset[str], count: int) -> bool:
        return bool(_live_one(seed, count, kinds=kinds).broken)

    fewest = _fewest(lambda count: breaks(KINDS, count), signals)
    kinds = _needed(lambda some: breaks(some, fewest), KINDS, KINDS)
    return kinds, _fewest(lambda count: breaks(kinds, count), fewest)


def _needed(breaks: Callable[[frozenset[str]], bool], kinds: frozenset[str], spare: frozenset[str]) -> frozenset[str]:
    """Returns `kinds` without those of `spare` that the failure does not need: drops them all at once, or else by halves."""
    if breaks(kinds - spare):
        return kinds - spare
    if len(spare) > 1:
        ordered = sorted(spare)
        for part in ordered[: len(ordered) // 2], ordered[len(ordered) // 2 :]:
            kinds = _needed(breaks, kinds, frozenset(part))
    return kinds


def _fewest(breaks: Callable[[int], bool], most: int) -> int:
    """Halves, then counts down, as long as it still breaks."""
    while most > 1 and breaks(most // 2):
        most //= 2
    for less in range(most - 1, max(most - 10, 0), -1):
        if not breaks(less):
            break
        most = less
    return most


def _show(seed: int, signals: int) -> int:
    history = live(seed, signals=signals)
    print("\n".join(history.parts.fate.history))
    broken = history.judged()
    print(f"\nseed {seed}: {len(broken)} violations")
    print("\n".join(broken))
    return 1 if broken else 0


def _race(names: Sequence[str], count: int, jobs: int) -> int:
    broken = 0
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork")) as pool:
        for name in names:
            raced = list(pool.map(partial(play, name), range(histories(count))))
            failed = [one for one in raced if one.broken]
            broken += len(failed)
            won = sum((one.winners for one in raced), Counter[str]())
            print(f"{len(raced) * A_HISTORY} x {name}: {len(failed)} histories with a violation")
            print("    " + ", ".join(f"{number} x {winner}" for winner, number in won.most_common()), flush=True)
            for one in failed:
                print(f"    seed {one.seed} breaks {len(one.broken)}: {one.broken[0]}", flush=True)
    return 1 if broken else 0


def _try_variants(names: Sequence[str], signals: int, jobs: int, accident: str | None) -> int:
    survived = 0
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork")) as pool:
        for name, caught in zip(names, pool.map(partial(_catch, signals=signals, accident=accident), names), strict=True):
            if caught is None:
                survived += 1
                print(f"SURVIVED {VARIANT_SEEDS} seeds: {name}", flush=True)
            else:
                print(f"caught by seed {caught.seed:>3}: {name}\n                    {caught.broken[0]}", flush=True)
    print(f"{len(names) - survived} of {len(names)} wrong programs caught")
    return 1 if survived else 0


def _catch(variant: str, signals: int, accident: str | None = None) -> Lived | None:
    """Returns the first history that exposes the wrong program. One that crashes by itself proves nothing, since the swapped code
    may simply be broken; nor does one in which the right program breaks a promise as well."""
    for seed in range(1, VARIANT_SEEDS + 1):
        if accident is not None and accident_of(seed, KINDS) != accident:
            continue
        lived = _live_one(seed, signals, variant)
        failed = any(is_own_failure(promise) for promise in lived.broken)
        if lived.broken and not failed and not _live_one(seed, signals).broken:
            return lived
    return None


if __name__ == "__main__":
    sys.exit(main())
