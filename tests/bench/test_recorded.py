"""`python -m bench --check` reads RESULTS.md, and says which ratios are worse than that lets pass."""

import subprocess
import sys
from dataclasses import replace

import pytest

from bench import recorded
from bench.contenders import BARE, FLOOR, OURS
from bench.recorded import UnreadableResults, as_table, compare, read_recorded
from bench.report import Figures

WRITTEN = """# Measured

## MarketFlow and the loops

Text with a | in it.

| | p50, ms | p99, ms | orders/s | ms CPU an order | MB | s CPU to start |
|---|---|---|---|---|---|---|
| bare loop | 5 | 20 | 100 | 2 | 50 | 0.5 |
| durable floor | 10 | 40 | 80 | 4 | 50 | 0.5 |
| MarketFlow | 15 | 60 | 120 | 6 | 150 | 2 |

| | | goal |
|---|---|---|
| MarketFlow | 999 | none |

## What `--check` lets pass

| | times worse | why |
|---|---|---|
| p50, ms | 2x | a |
| p99, ms | 3x | b |
| orders/s | 2x | c |
| ms CPU an order | 1.5x | d |
| MB | 1.25x | e |
| s CPU to start | 1.5x | f |

## Another

| | times worse |
|---|---|
| MB | 9x |
"""
LOOP = Figures([0.005] * 3, [100.0], [0.002], [50.0], [0.5])
DURABLE = Figures([0.010] * 3, [80.0], [0.004], [50.0], [0.5])
OURS_THEN = Figures([0.015] * 3, [120.0], [0.006], [150.0], [2.0])


def worse(ours: Figures) -> list[tuple[str, str]]:
    """Returns the ratios that fail: figure and contender."""
    then = read_recorded(WRITTEN)
    found = compare({BARE: LOOP, FLOOR: DURABLE, OURS: ours}, then)
    assert len(found) == 12
    return [(one.figure, one.other) for one in found if not one.passes]


def test_the_recorded_ratios_are_those_of_the_table() -> None:
    ratios = read_recorded(WRITTEN).ratios
    assert ratios["p50, ms", BARE] == 3
    assert ratios["p50, ms", FLOOR] == 1.5
    assert ratios["orders/s", BARE] == pytest.approx(1.2)
    assert ratios["s CPU to start", FLOOR] == 4


def test_the_same_figures_pass() -> None:
    same = replace(OURS_THEN, seconds=[0.015] * 3)
    assert worse(same) == []


@pytest.mark.parametrize(
    ("ours", "figure"),
    [
        (replace(OURS_THEN, rates=[59.9]), "orders/s"),
        (replace(OURS_THEN, cpu=[0.0091]), "ms CPU an order"),
        (replace(OURS_THEN, resident=[188.0]), "MB"),
        (replace(OURS_THEN, starts=[3.01]), "s CPU to start"),
    ],
)
def test_what_is_beyond_its_margin_fails_beside_both(ours: Figures, figure: str) -> None:
    assert worse(ours) == [(figure, BARE), (figure, FLOOR)]


@pytest.mark.parametrize(
    "ours",
    [
        replace(OURS_THEN, seconds=[0.0299] * 3),
        replace(OURS_THEN, rates=[60.1]),
        replace(OURS_THEN, cpu=[0.0089]),
        replace(OURS_THEN, resident=[187.0]),
        replace(OURS_THEN, rates=[9_000.0], cpu=[0.0001], resident=[1.0], starts=[0.01], seconds=[0.0001] * 3),
    ],
    ids=["slower", "fewer", "dearer", "larger", "better"],
)
def test_what_is_within_its_margin_passes(ours: Figures) -> None:
    assert worse(ours) == []


def test_a_slow_tail_fails_as_p99_alone() -> None:
    assert worse(replace(OURS_THEN, seconds=[0.015] * 95 + [0.5] * 5)) == [("p99, ms", BARE), ("p99, ms", FLOOR)]


def test_a_slower_machine_passes_as_the_others_are_slower_there_too() -> None:
    def slow(figures: Figures) -> Figures:
        return Figures([4 * one for one in figures.seconds], [one / 4 for one in figures.rates], [4 * one for one in figures.cpu],
                       figures.resident, [4 * one for one in figures.starts])  # fmt: skip

    found = compare({BARE: slow(LOOP), FLOOR: slow(DURABLE), OURS: slow(OURS_THEN)}, read_recorded(WRITTEN))
    assert all(one.passes for one in found)


def test_the_table_says_which_are_worse_than_what_passes() -> None:
    then = read_recorded(WRITTEN)
    shown = as_table(compare({BARE: LOOP, FLOOR: DURABLE, OURS: replace(OURS_THEN, rates=[40.0])}, then)).splitlines()
    assert [line.split() for line in shown if "WORSE" in line] == [
        ["bare", "loop", "orders/s", "0.40x", "1.20x", "at", "least", "0.60x", "WORSE"],
        ["durable", "floor", "orders/s", "0.50x", "1.50x", "at", "least", "0.75x", "WORSE"],
    ]
    assert len(shown) == 13


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("## MarketFlow and the loops", "## Else", "no heading"),
        ("| durable floor | 10", "| some floor | 10", "no row 'durable floor'"),
        ("| MB | 1.25x | e |\n", "", "no margin of 'MB'"),
        ("1.25x", "0.5x", "below 1"),
        ("1.25x", "some", "'some' is no figure of 'MB'"),
        ("| 5 | 20 |", "| 5 | - |", "'-' is no figure of 'p99, ms'"),
        ("| 5 | 20 |", "| 5 | 0 |", "'0' is no figure of 'p99, ms'"),
    ],
)
def test_a_file_that_lacks_something_is_said_before_anything_is_measured(old: str, new: str, said: str) -> None:
    with pytest.raises(UnreadableResults, match=said):
        read_recorded(WRITTEN.replace(old, new))


def test_a_figure_that_was_never_recorded_is_said() -> None:
    old = WRITTEN.replace(" MB |", "", 1).replace(" 50 |", "").replace(" 150 |", "")
    with pytest.raises(UnreadableResults, match="no column 'MB'"):
        compare({BARE: LOOP, FLOOR: DURABLE, OURS: OURS_THEN}, read_recorded(old))


def test_the_file_itself_has_all_that_is_compared() -> None:
    then = read_recorded(recorded.RESULTS.read_text(encoding="utf-8"))
    assert len(compare({BARE: LOOP, FLOOR: DURABLE, OURS: OURS_THEN}, then)) == 12


@pytest.mark.parametrize("other", ["--json", "--memory-broker"])
def test_a_check_is_of_apache_kafka_and_for_a_person(other: str) -> None:
    done = subprocess.run([sys.executable, "-m", "bench", "--check", other], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--check" in done.stderr
