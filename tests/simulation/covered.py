"""Measures which branches of the one-order protocol the simulation takes: it proves nothing about the others."""

import subprocess
import sys
import tempfile
from collections.abc import Sequence

from tests.paths import ROOT

_CORE = ROOT / "core"
PROTOCOL = (
    *("engine/*.py", "execution/*.py", "state/*.py", "trading.py", "policy/profit.py"),
    *("adapters/binance/binance_client.py", "adapters/kafka/source.py", "adapters/kafka/record_reader.py"),
    *("adapters/ledger/lease.py", "adapters/ledger/writer.py", "adapters/ledger/transaction.py", "adapters/ledger/sql_ledger.py"),
)


def report(arguments: Sequence[str]) -> str:
    """Returns a table of branch coverage (per cent) of the protocol's files while the simulation runs with `arguments`, and the
    lines and branches that were never taken."""
    with tempfile.TemporaryDirectory() as folder:
        data = f"--data-file={folder}/coverage"
        files = f"--include={','.join(str(_CORE / name) for name in PROTOCOL)}"
        run = ["run", "--branch", data, files, "--rcfile=", "-m", "tests.simulation", *arguments]
        for command in (run, ["report", data, "--rcfile=", "--show-missing"]):
            said = subprocess.run([sys.executable, "-m", "coverage", *command], capture_output=True, text=True, check=False)
    return said.stdout
