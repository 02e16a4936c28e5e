"""Modules that a running program has not loaded: each of them costs every start time and memory."""

import sys

from tests.paths import ROOT
from tests.ring import Ring
from tests.running import Program

_PROBE = """\
import sys
from bot.__main__ import main
code = main(["run"])
print("loaded:", *sorted(name for name, module in sys.modules.items() if type(module).__name__ != "_LazyModule"))
sys.exit(code)
"""
UNUSED = frozenset(
    {
        "Crypto.PublicKey.RSA",  # no key of this kind is taken
        "alembic",  # the schema is the newest
        "asyncpg",  # the ledger is in SQLite
        "cryptography",  # no setting names an Ed25519 key
        "dateparser",
        "matplotlib",  # charts are drawn elsewhere
        "numpy",
        "pydantic.v1",
        "regex",
        "rich",
        "segno",  # nobody sets up an authenticator
        "snowflake.connector",
        "sqlalchemy.dialects.postgresql",
        "sqlalchemy.orm",
    }
)


async def test_a_start_loads_nothing_that_it_does_not_need(ring: Ring) -> None:
    program = Program(ring.folder, ring.settings(), installed=True)
    program._process._command = [sys.executable, "-c", _PROBE]
    program._process._env = {**(program._process._env or {}), "PYTHONPATH": str(ROOT)}
    await program.start()
    assert await program.stop() == 0
    ring.programs.append(program)
    (said,) = (line for line in program.log.splitlines() if line.startswith("loaded: "))
    loaded = set(said.split())
    assert {"binance.async_client", "fastapi", "sqlalchemy", "telegram"} <= loaded
    assert loaded & UNUSED == set()
