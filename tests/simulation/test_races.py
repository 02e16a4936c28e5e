"""Races in each history of the test run; `python -m tests.simulation --races 1000` plays more of them."""

import os
import subprocess
import sys

import pytest

from tests.simulation.races import A_HISTORY, RACES, histories

COUNT = int(os.environ.get("RACES", "21"))


@pytest.mark.timeout(120 + COUNT)
@pytest.mark.parametrize("name", RACES)
def test_whoever_comes_first_every_promise_is_kept(name: str) -> None:
    played = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--races", str(COUNT), "--race", name],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert played.returncode == 0, played.stdout + played.stderr
    assert f"{histories(COUNT) * A_HISTORY} x {name}: 0 histories with a violation" in played.stdout
    for winner in RACES[name].winners:
        assert f" x {winner}" in played.stdout, played.stdout
