"""The benchmark runs, and its own sums: it must notice an order too few, too many or unexpected."""

import json
import os
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bench.contenders import BARE, DOCUMENTS, FLOOR, OURS, OURS_ON_POSTGRES
from bench.load import BenchmarkFailed, Seen, Signal, matched, signals
from bench.loops import open_journal
from bench.report import Figures, as_profile, as_table, goals
from bench.usage import cpu_seconds, most_resident
from bench.world import SYMBOLS

SLACK = {"orders/s in a burst, MarketFlow : document's loop"}
"""The goals that the second example meets as well."""

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


@pytest.mark.parametrize(
    ("ours", "on_postgres", "met"),
    [
        (Figures([0.0135] * 3, [75.0], [0.0012], [130.0], [1.0]), Figures([0.017] * 3, [60.0]), True),
        (Figures([0.0201] * 3, [74.0], [0.00121], [131.0], [1.0]), Figures([0.0171] * 3, [59.0]), False),
    ],
)
def test_the_goals_are_part_of_what_is_shown(ours: Figures, on_postgres: Figures, *, met: bool) -> None:
    bare = Figures([0.001] * 3, [50.0, 100.0, 900.0], [0.001], [60.0], [0.5])
    floor, documents = Figures([0.01] * 3, [20.0], [0.001], [60.0], [0.5]), Figures([0.01] * 3, [29.0], [0.001], [60.0], [0.5])
    on_postgres = replace(on_postgres, cpu=[0.001], resident=[140.0], starts=[1.0])
    figures = {BARE: bare, FLOOR: floor, DOCUMENTS: documents, OURS: ours, OURS_ON_POSTGRES: on_postgres}
    found = goals(figures)
    assert [goal.met for goal in found] == [met or goal.name in SLACK for goal in found]
    assert as_table(figures, 1000).count("MISSED") == sum(not goal.met for goal in found)


def test_the_profile_says_what_share_of_the_time_each_stage_has() -> None:
    figures = Figures()
    for seconds in (0.2, 0.4):
        figures.add(Figures(stages={"decided": (seconds, 100), "committed": (3 * seconds, 100), "sent": (0.0, 0)}))
    assert as_profile({OURS: figures, BARE: Figures()}).splitlines() == [
        "MarketFlow, decided: 3.00 ms, 25% of the time to the fill",
        "MarketFlow, committed: 9.00 ms, 75% of the time to the fill",
    ]


def test_the_durable_floor_has_each_order_in_its_file_before_it_goes_on(tmp_path: Path) -> None:
    store = open_journal(str(tmp_path / "journal.db"))
    for side in ("BUY", "SELL"):
        store(side, "BAUSDC")
        with closing(sqlite3.connect(tmp_path / "journal.db")) as other:
            assert other.execute("SELECT side FROM orders ORDER BY rowid DESC LIMIT 1").fetchone() == (side,)


def test_what_a_process_uses_is_what_the_system_counts() -> None:
    before, used = cpu_seconds(os.getpid()), time.process_time()
    while time.process_time() - used < 0.2:
        pass
    assert cpu_seconds(os.getpid()) - before >= 0.15
    assert most_resident(os.getpid()) >= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 * 0.9


def test_it_measures_each_of_them() -> None:
    options = ["--rounds=1", "--singles=40", "--burst=40", "--settle=0", "--memory-broker", "--json"]
    done = subprocess.run([sys.executable, "-m", "bench", *options], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    figures = json.loads(done.stdout)["contenders"]
    assert [(each["samples"], len(each["bursts"])) for each in figures.values()] == [(40, 1)] * 6
    assert all(each["burst_cpu_ms_per_order"] > 0 and each["start_cpu_seconds"] > 0 for each in figures.values())
    assert all(each["resident_mb"] > 1 for each in figures.values())


def test_the_time_without_protection_is_measured_for_both_ways_of_sending_exits() -> None:
    command = [sys.executable, "-m", "bench.protection", "--rounds", "1", "--entries", "5"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True).stdout
    assert said.count("ratio: ") == 2
    assert "OPOCO" in said


def test_an_order_is_measured_by_both_ways() -> None:
    command = [sys.executable, "-m", "bench.order_way", "--turns", "2"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True).stdout
    lines = [line for line in said.splitlines() if line.startswith("an order ")]
    assert [line.partition(":")[0] for line in lines] == ["an order by REST", "an order over the WebSocket API"]


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
