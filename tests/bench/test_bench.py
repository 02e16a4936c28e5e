"""The benchmark runs, and its own sums: it must notice an order too few, too many or unexpected."""

import json
import subprocess
import sys
from collections.abc import Sequence

import pytest

from bench.contenders import NAIVE, OURS
from bench.load import BenchmarkFailed, Seen, Signal, matched, signals
from bench.report import Figures, as_table, ratios
from bench.world import SYMBOLS

SENT = [Signal("BAUSDC", "BUY", "1"), Signal("BBUSDC", "BUY", "2"), Signal("BAUSDC", "SELL", "3")]
ORDERS = [Seen("BBUSDC", "BUY", 10.0), Seen("BAUSDC", "BUY", 11.0), Seen("BAUSDC", "SELL", 12.0)]


def test_each_signal_gets_its_own_order() -> None:
    assert [order.at for order in matched(SENT, ORDERS)] == [11.0, 10.0, 12.0]


@pytest.mark.parametrize(
    "orders",
    [ORDERS[:2], [*ORDERS, ORDERS[2]], [ORDERS[0], ORDERS[2], ORDERS[1]], [ORDERS[0], *ORDERS[:2]]],
    ids=["too few", "too many", "sold before bought", "another symbol"],
)
def test_other_orders_than_were_due_fail_it(orders: Sequence[Seen]) -> None:
    with pytest.raises(BenchmarkFailed):
        matched(SENT, orders)


def test_every_signal_can_be_executed_and_no_position_is_left() -> None:
    held: dict[str, str] = {}
    for signal in signals("x", 4 * len(SYMBOLS)):
        assert held.get(signal.symbol, "SELL") != signal.side
        held[signal.symbol] = signal.side
    assert set(held) == set(SYMBOLS)
    assert set(held.values()) == {"SELL"}


@pytest.mark.parametrize(("seconds", "rate", "met"), [(0.02, 200.0, [True, True]), (0.021, 199.0, [False, False])])
def test_the_targets_are_part_of_what_is_shown(seconds: float, rate: float, met: list[bool]) -> None:
    figures = {NAIVE: Figures([0.01] * 3, [50.0, 100.0, 900.0]), OURS: Figures([seconds] * 3, [rate])}
    assert [ratio.met for ratio in ratios(figures)] == met
    assert as_table(figures, 1000).count("MISSED") == met.count(False)


def test_it_measures_round_after_round() -> None:
    options = ["--rounds=2", "--singles=40", "--burst=40", "--memory-broker", "--json"]
    done = subprocess.run([sys.executable, "-m", "bench", *options], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    figures = json.loads(done.stdout)["contenders"]
    assert [(figures[name]["samples"], len(figures[name]["bursts"])) for name in (NAIVE, OURS)] == [(80, 2), (80, 2)]


def test_the_time_without_protection_is_measured_for_both_ways_of_sending_exits() -> None:
    command = [sys.executable, "-m", "bench.protection", "--rounds", "1", "--entries", "5"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True).stdout
    assert said.count("ratio: ") == 2
    assert "OPOCO" in said


def test_the_answer_to_status_is_measured_under_load_and_after_a_history() -> None:
    command = [sys.executable, "-m", "bench.status", "--trades", "2000", "--answers", "10", "--rate", "50"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True).stdout
    assert "99th of 100" in said
    assert "after 2,000" in said


def test_a_start_and_its_memory_are_measured() -> None:
    command = [sys.executable, "-m", "bench.start", "--rounds", "1", "--symbols", "3", "--trades", "2000"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True).stdout
    assert said.count(" s of the processor, ") == 5
    assert said.count(" MB\n") == 4
