"""dbt's tables: correct after each of three incremental runs with late and corrected rows, and unchanged by another run."""

import csv
import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
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

# Runs each command that it reads (a line of JSON: its arguments, its settings and the file for its output) in a process of its
# own, which has dbt loaded; answers with its exit code.
_DBT = """\
import json, os, sys
import dbt.adapters.duckdb
from dbt.cli.main import dbtRunner
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
for line in sys.stdin:
    arguments, settings, output = json.loads(line)
    process = os.fork()
    if not process:
        log = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.update(settings)
        done = dbtRunner().invoke(arguments)
        sys.stdout.flush()
        os._exit(0 if done.success else 1)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), file=answers, flush=True)
"""


class Dbt:
    """dbt, loaded once for all runs: that takes longer than any of them."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._process: subprocess.Popen[str] | None = None

    def run(self, arguments: list[str], environment: Mapping[str, str], output: Path) -> int:
        """Runs one command of it; returns the exit code. The output is added to that of earlier runs."""
        running = self._process = self._process or self._start()
        assert running.stdin is not None
        assert running.stdout is not None
        print(json.dumps([arguments, environment, str(output)]), file=running.stdin, flush=True)
        return int(running.stdout.readline())

    def close(self) -> None:
        """Ends it; it must have nothing left to do."""
        if self._process is not None:
            self._process.communicate()

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(WAREHOUSE_PYTHON), "-c", _DBT],
            cwd=ROOT / "warehouse",
            env={"PATH": os.environ["PATH"], "HOME": str(self._home)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )


class Warehouse:
    """A DuckDB file that dbt builds, in its own folder."""

    def __init__(self, folder: Path, dbt: Dbt) -> None:
        self.folder = folder
        self.file = folder / "warehouse.duckdb"
        self._log = folder / "dbt.out"
        self._dbt = dbt

    def load(self, executions: list[Execution]) -> str:
        path = self.folder / "executions.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows([_cell(getattr(one, column)) for column in COLUMNS] for one in executions)
        return self.python(str(ROOT / "warehouse/load.py"), str(path), str(self.file))

    def dbt(self, command: str = "build") -> None:
        """Runs one command of dbt, as `run_dbt` does."""
        code = self._dbt.run(self._arguments(command), self._environment(), self._log)
        assert code == 0, self._log.read_text()[-3000:]

    def run_dbt(self, command: str, **environment: str) -> None:
        """Runs one command of dbt in a process of its own, as its owner does."""
        done = subprocess.run(
            [str(WAREHOUSE_PYTHON.with_name("dbt")), *self._arguments(command)],
            cwd=ROOT / "warehouse",
            env=self._environment() | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr

    def _arguments(self, command: str) -> list[str]:
        return [command, "--profiles-dir", ".", "--log-path", str(self.folder)]

    def _environment(self) -> dict[str, str]:
        own = {"MARKETFLOW_DUCKDB": str(self.file), "DBT_TARGET_PATH": str(self.folder / "target"), "HOME": str(self.folder)}
        return {"PATH": os.environ["PATH"], **own}

    def ask(self, question: str) -> list[dict[str, Any]]:
        """Returns one question's rows; see `ask_all`."""
        return self.ask_all(question)[0]

    def ask_all(self, *questions: str) -> list[list[dict[str, Any]]]:
        """Returns each question's rows, with amounts and times as text, so that nothing is rounded on the way."""
        program = (
            "import duckdb, json, sys\n"
            "connection = duckdb.connect(sys.argv[1], read_only=True).execute(\"SET TimeZone = 'UTC'\")\n"
            "connection.execute('SET enable_progress_bar = false')\n"  # what takes two seconds would draw one among the rows
            "def rows(question):\n"
            "    found = connection.execute(question)\n"
            "    names = [column[0] for column in found.description]\n"
            "    return [dict(zip(names, map(lambda v: v if v is None else str(v), row))) for row in found.fetchall()]\n"
            "print(json.dumps([rows(question) for question in sys.argv[2:]]))"
        )
        answer: list[list[dict[str, Any]]] = json.loads(self.python("-c", program, str(self.file), *questions))
        return answer

    def python(self, *arguments: str) -> str:
        done = subprocess.run([str(WAREHOUSE_PYTHON), *arguments], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout


def _cell(value: object) -> str:
    if value is None:
        return ""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


@pytest.fixture(scope="module")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dbt]:
    need_warehouse()
    with closing(Dbt(tmp_path_factory.mktemp("dbt"))) as loaded:
        yield loaded


@pytest.fixture
def warehouse(tmp_path: Path, dbt: Dbt) -> Warehouse:
    return Warehouse(tmp_path, dbt)


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
    profits = {
        "daily_profit": ("day", "quote_asset"),
        "performance_by_symbol": ("symbol",),
        "performance_by_signal_type": ("signal_type", "quote_asset"),
        "performance_by_role": ("role", "quote_asset"),
    }
    history, *found = warehouse.ask_all(*(f"SELECT * FROM history.{table}" for table in ("order_history", *profits)))
    of_trade = ("strategy", "role", "plan_id")
    assert {row["execution_id"]: [row[name] for name in of_trade] for row in history} == {
        one.execution_id: [getattr(one, name) for name in of_trade] for one in executions
    }
    amounts = ("qty", "price", "profit_pct", "quote_qty", "fee", "profit_quote")
    shown = {row["execution_id"]: [None if row[name] is None else Decimal(row[name]) for name in amounts] for row in history}
    assert len(history) == len(executions)
    assert shown == {one.execution_id: [getattr(one, name) for name in amounts] for one in executions}
    for (table, by), rows in zip(profits.items(), found, strict=True):
        got = {tuple(row[name] for name in by): (int(row["exits"]), int(row["wins"]), Decimal(row["profit"])) for row in rows}
        assert got == sums(executions, *by), table


def check_trips(warehouse: Warehouse, executions: list[Execution]) -> None:
    """Checks that each entry has its own exit, where none is missing, and that its strategy has the result."""
    rows = warehouse.ask("SELECT * FROM history.performance_by_strategy")
    counted = {
        (row["strategy"], row["quote_asset"]): (int(row["exits"]), int(row["wins"]), Decimal(row["profit"])) for row in rows
    }
    assert counted == sums(executions, "strategy", "quote_asset")
    trips = warehouse.ask("SELECT * FROM history.round_trips")
    entries = [one for one in executions if one.side is Side.BUY]
    assert {(trip["plan_id"], trip["symbol"], trip["strategy"], Decimal(trip["bought"])) for trip in trips} == {
        (one.plan_id, one.symbol, one.strategy, one.qty) for one in entries
    }
    assert len(trips) == sum(one.side is Side.BUY for one in executions)
    assert sum(trip["closed_at"] is not None for trip in trips) == sum(one.side is Side.SELL for one in executions)


@pytest.mark.timeout(400)
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


@pytest.mark.timeout(400)
def test_a_warehouse_of_an_earlier_version_gets_the_columns_that_it_lacks(warehouse: Warehouse) -> None:
    executions = list(round_trips(60))
    warehouse.load(executions)
    warehouse.dbt("run")
    drop = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); c.execute('DROP SCHEMA history CASCADE')"
    drop += "; [c.execute(f'ALTER TABLE raw.executions DROP COLUMN {name}') for name in ('strategy', 'role', 'plan_id')]"
    warehouse.python("-c", drop, str(warehouse.file))
    columns = (
        "symbol, executed_at, side, qty, price, profit_pct, signal_type, execution_id, signal_id, client_order_id, order_id,"
    )
    columns += " quote_qty, fee, fee_asset, profit_quote, gross_quote, base_asset, quote_asset, trading_mode, exported_at"
    make = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); c.execute('CREATE SCHEMA history')"
    make += f"; c.execute('CREATE TABLE history.order_history AS SELECT {columns} FROM raw.executions')"
    warehouse.python("-c", make, str(warehouse.file))
    assert warehouse.load(executions).startswith("raw.executions: 60 new or changed, 60 in all")
    warehouse.dbt()
    check(warehouse, executions)
    check_trips(warehouse, executions)


async def test_what_is_exported_to_snowflake_is_what_dbt_reads_there(
    warehouse: Warehouse, snowflake: SnowflakeServer, connection: SnowflakeConnection
) -> None:
    """Checks the first run: a second one merges by statements that fakesnow does not support."""
    executions = list(round_trips(50))
    await SnowflakeHistory(connection).keep(executions)
    options = connection.options
    named = ("account", "user", "password", "warehouse", "database", "host", "port", "protocol")
    settings = {f"SNOWFLAKE_{name.upper()}": str(getattr(options, name)) for name in named}
    warehouse.run_dbt("run", DBT_TARGET="snowflake", **settings)
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
    done = await run_command("export", str(file), settings=ledger, installed=True)
    assert (done.code, done.stdout) == (0, f"{file}: 0 executions\n")
    assert file.read_text().startswith("execution_id,symbol,executed_at,")
    done = await run_command("export", str(tmp_path / "no" / "such.csv"), settings=ledger)
    assert (done.code, done.stderr) == (1, f"marketflow: {tmp_path}/no/such.csv cannot be written: No such file or directory\n")
