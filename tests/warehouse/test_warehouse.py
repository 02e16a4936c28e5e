"""dbt's tables: correct after each of three incremental runs with late and corrected rows, and unchanged by another run."""

import csv
import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.cli.export_csv import COLUMNS
from bot.clock import SystemClock
from core.adapters.ledger.opening import open_ledger
from core.adapters.snowflake.connection import SnowflakeConnection
from core.adapters.snowflake.history import SnowflakeHistory
from core.domain.position import Execution
from core.domain.signal import Side
from tests.core.adapters.ledger.values import round_trips
from tests.paths import ROOT
from tests.running import run_command
from tests.servers.snowflake import WAREHOUSE_PYTHON, SnowflakeServer, need_warehouse


class Warehouse:
    """A DuckDB file that dbt builds, in its own folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "warehouse.duckdb"

    def load(self, executions: list[Execution]) -> str:
        path = self.folder / "executions.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows([_cell(getattr(one, column)) for column in COLUMNS] for one in executions)
        return self.python(str(ROOT / "warehouse/load.py"), str(path), str(self.file))

    def dbt(self, command: str = "build", **environment: str) -> str:
        own = {"MARKETFLOW_DUCKDB": str(self.file), "DBT_TARGET_PATH": str(self.folder / "target"), "HOME": str(self.folder)}
        done = subprocess.run(
            [str(WAREHOUSE_PYTHON.with_name("dbt")), command, "--profiles-dir", ".", "--log-path", str(self.folder)],
            cwd=ROOT / "warehouse",
            env={"PATH": os.environ["PATH"], **own, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr
        return done.stdout

    def ask(self, question: str) -> list[dict[str, Any]]:
        """Returns amounts and times as text, so that nothing is rounded on the way."""
        program = (
            "import duckdb, json, sys\n"
            "found = duckdb.connect(sys.argv[1], read_only=True).execute(\"SET TimeZone = 'UTC'\").execute(sys.argv[2])\n"
            "names = [column[0] for column in found.description]\n"
            "print(json.dumps([dict(zip(names, map(lambda v: v if v is None else str(v), row))) for row in found.fetchall()]))"
        )
        answer: list[dict[str, Any]] = json.loads(self.python("-c", program, str(self.file), question))
        return answer

    def python(self, *arguments: str) -> str:
        done = subprocess.run([str(WAREHOUSE_PYTHON), *arguments], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout


def _cell(value: object) -> str:
    if value is None:
        return ""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    need_warehouse()
    return Warehouse(tmp_path)


def sums(executions: list[Execution], *by: str) -> Mapping[tuple[str, ...], tuple[int, int, Decimal]]:
    """Returns exits, wins and net profit by the fields in `by`, as Python counts them."""
    found: dict[tuple[str, ...], tuple[int, int, Decimal]] = defaultdict(lambda: (0, 0, Decimal(0)))
    for one in executions:
        if one.profit_quote is not None:
            fields = {**{name: str(getattr(one, name)) for name in COLUMNS}, "day": str(one.executed_at.date())}
            key = tuple(fields[name] for name in by)
            exits, wins, profit = found[key]
            found[key] = (exits + 1, wins + (one.profit_quote > 0), profit + one.profit_quote)
    return dict(found)


def check(warehouse: Warehouse, executions: list[Execution]) -> None:
    """Compares every table with what Python computes from the same rows."""
    history = warehouse.ask("SELECT * FROM history.order_history")
    amounts = ("qty", "price", "profit_pct", "quote_qty", "fee", "profit_quote")
    shown = {row["execution_id"]: [None if row[name] is None else Decimal(row[name]) for name in amounts] for row in history}
    assert len(history) == len(executions)
    assert shown == {one.execution_id: [getattr(one, name) for name in amounts] for one in executions}
    for table, by in (
        ("daily_profit", ("day", "quote_asset")),
        ("performance_by_symbol", ("symbol",)),
        ("performance_by_signal_type", ("signal_type", "quote_asset")),
    ):
        rows = warehouse.ask(f"SELECT * FROM history.{table}")
        got = {tuple(row[name] for name in by): (int(row["exits"]), int(row["wins"]), Decimal(row["profit"])) for row in rows}
        assert got == sums(executions, *by), table


def check_trips(warehouse: Warehouse, executions: list[Execution]) -> None:
    """Checks that each entry has its own exit, where none is missing."""
    trips = warehouse.ask("SELECT * FROM history.round_trips")
    assert len(trips) == sum(one.side is Side.BUY for one in executions)
    assert sum(trip["closed_at"] is not None for trip in trips) == sum(one.side is Side.SELL for one in executions)


@pytest.mark.timeout(200)
def test_three_runs_with_late_and_corrected_rows(warehouse: Warehouse) -> None:
    executions = list(round_trips(10_000))
    late, known = executions[1_234:1_240], executions[:5_000]
    warehouse.load([])
    warehouse.dbt()
    check(warehouse, [])

    warehouse.load([one for one in known if one not in late])
    warehouse.dbt()
    check(warehouse, [one for one in known if one not in late])

    corrected = [*executions[:8_000]]
    corrected[17] = replace(corrected[17], fee=Decimal("0.0300000000000001"), order_id="4711")
    assert warehouse.load(corrected).startswith("raw.executions: 3007 new or changed, 8000 in all")
    warehouse.dbt()
    check(warehouse, corrected)
    check_trips(warehouse, corrected)

    everything = [*corrected, *executions[8_000:]]
    warehouse.load(everything)
    assert warehouse.load(everything).startswith("raw.executions: 0 new or changed, 10000 in all")
    warehouse.dbt("run")
    check(warehouse, everything)
    check_trips(warehouse, everything)
    before = warehouse.ask("SELECT * FROM history.order_history ORDER BY execution_id")
    warehouse.dbt("run")
    assert warehouse.ask("SELECT * FROM history.order_history ORDER BY execution_id") == before

    another = [replace(one, execution_id=f"mf-other-{number}") for number, one in enumerate(executions[:10])]
    assert warehouse.load(another).endswith("10 new or changed, 10 in all; built anew, it was of another ledger\n")
    warehouse.dbt()
    check(warehouse, another)


async def test_what_is_exported_to_snowflake_is_what_dbt_reads_there(
    warehouse: Warehouse, snowflake: SnowflakeServer, connection: SnowflakeConnection
) -> None:
    """Checks the first run: a second one merges by statements that fakesnow does not support."""
    executions = list(round_trips(50))
    await SnowflakeHistory(connection).keep(executions)
    options = connection.options
    named = ("account", "user", "password", "warehouse", "database", "host", "port", "protocol")
    settings = {f"SNOWFLAKE_{name.upper()}": str(getattr(options, name)) for name in named}
    warehouse.dbt("run", DBT_TARGET="snowflake", **settings)
    table = f"{options.database}.HISTORY.PERFORMANCE_BY_SYMBOL"
    found = (await connection.ask(f"SELECT symbol, exits, profit FROM {table}")).rows
    counted = sums(executions, "symbol")
    assert {row[0]: row[1] for row in found} == {symbol: exits for (symbol,), (exits, _, _) in counted.items()}
    for symbol, _, profit in found:  # fakesnow sums in floating point, which Snowflake does not
        assert float(profit) == pytest.approx(float(counted[(symbol,)][2]), rel=1e-9)


async def test_the_ledger_as_a_file(tmp_path: Path) -> None:
    ledger = {"DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/ledger.db"}
    file = tmp_path / "executions.csv"
    done = await run_command("export", str(file), settings=ledger)
    expected = f"marketflow: there is no ledger at {tmp_path}/ledger.db yet; the first start of MarketFlow makes it\n"
    assert (done.code, done.stderr) == (1, expected)
    assert not {path.name for path in tmp_path.iterdir()}  # noqa: ASYNC240 - an empty folder
    await (await open_ledger(ledger["DATABASE_URL"], SystemClock())).close()
    done = await run_command("export", str(file), settings=ledger)
    assert (done.code, done.stdout) == (0, f"{file}: 0 executions\n")
    assert file.read_text().startswith("execution_id,symbol,executed_at,")
    done = await run_command("export", str(tmp_path / "no" / "such.csv"), settings=ledger)
    assert (done.code, done.stderr) == (1, f"marketflow: {tmp_path}/no/such.csv cannot be written: No such file or directory\n")
