"""Lives some hundred histories with every test run; `make simulate` and `make variants` live many more."""

import asyncio
import os
import sys

import pytest

from tests.simulation.accidents import SET_BACK

SEEDS, SIGNALS = 150, 60


async def _simulation(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.simulation", *arguments),
        env={**os.environ, "PYTHONHASHSEED": "0"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


@pytest.mark.timeout(900)  # with three other tests on two cores
async def test_hundreds_of_histories_keep_every_promise() -> None:
    code, said = await _simulation("--seeds", str(SEEDS), "--signals", str(SIGNALS), "--covered", "1")
    assert code == 0, said
    assert f"{SEEDS} seeds of {SIGNALS} signals" in said
    assert " 0 seeds with a violation" in said
    assert "never happened" not in said
    assert "core/execution/placement.py" in said


@pytest.mark.timeout(300)
async def test_wrong_programs_are_caught() -> None:
    wrong = ("a timeout is taken for a refusal", "the Kafka position is stored before the inbox", "a panic forgets to pause")
    code, said = await _simulation("--variants", "--signals", "60", *(part for name in wrong for part in ("--only", name)))
    assert code == 0, said
    assert all(f": {name}" in said for name in wrong)
    assert "3 of 3 wrong programs caught" in said


@pytest.mark.timeout(300)
async def test_a_program_that_does_not_wait_for_what_is_on_its_way_is_caught_where_the_ledger_is_set_back() -> None:
    name = "an old signal's order is asked for once, and no request of an earlier process is waited for"
    code, said = await _simulation("--variants", "--signals", "60", "--accident", SET_BACK, "--only", name)
    assert code == 0, said
    assert f": {name}" in said


async def test_what_broke_is_shown_with_the_shortest_history() -> None:
    code, said = await _simulation("--seeds", "2", "--signals", "12", "--break", "the fee in the base asset is lost")
    assert code == 1
    assert "the shortest: " in said
    assert "in the ledger" in said


async def test_a_seed_is_one_history() -> None:
    first, second = [await _simulation("--seed", "7", "--signals", "30") for _ in range(2)]
    assert first == second
    assert len(first[1].splitlines()) > 50
