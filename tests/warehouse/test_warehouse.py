"""dbt's tables: correct after each of three incremental runs with late and corrected rows, and unchanged by another run."""

import csv
import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
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
from core.policy.quality.costs import costs_of
from core.policy.quality.kept import ExecutedOrder
from core.policy.quality.summary import measure, summaries
from tests.core.adapters.ledger.values import round_trips
from tests.paths import ROOT
from tests.running import run_command
from tests.servers.snowflake import WAREHOUSE_PYTHON, SnowflakeServer, need_warehouse


class Loaded:
    """dbt and DuckDB, loaded once for all runs and questions: that takes longer than any of them."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._process: subprocess.Popen[str] | None = None

    def dbt(self, arguments: list[str], environment: Mapping[str, str]) -> bool:
        """Runs one command of dbt; tells whether it succeeded. Its output is added to the log."""
        return bool(self._said({"dbt": arguments, "environment": dict(environment)}))

    def ask(self, file: Path, questions: Sequence[str]) -> list[list[dict[str, Any]]]:
        """Returns each question's rows."""
        rows: list[list[dict[str, Any]]] = self._said({"ask": questions, "file": str(file)})
        return rows

    def close(self) -> None:
        """Ends it; it must have nothing left to do."""
        if self._process is not None:
            self._process.communicate()

    def _said(self, command: dict[str, object]) -> Any:
        running = self._process = self._process or self._start()
        assert running.stdin is not None
        assert running.stdout is not None
        print(json.dumps(command), file=running.stdin, flush=True)
        answer = running.stdout.readline()
        assert answer, self.end_of_log()
        return json.loads(answer)

    def end_of_log(self) -> str:
        """Returns what was said last."""
        return self.log.read_text()[-3000:]

    def _start(self) -> subprocess.Popen[str]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [str(WAREHOUSE_PYTHON), "-P", str(Path(__file__).with_name("loaded.py"))],
                cwd=ROOT / "warehouse",
                env={"PATH": os.environ["PATH"], "HOME": str(self.log.parent)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )


class Warehouse:
    """A DuckDB file that dbt builds, in its own folder."""

    def __init__(self, folder: Path, loaded: Loaded) -> None:
        self.folder = folder
        self.file = folder / "warehouse.duckdb"
        self._loaded = loaded

    def load(self, executions: list[Execution]) -> str:
        path = self.folder / "executions.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows([_cell(getattr(one, column)) for column in COLUMNS] for one in executions)
        return self.python(str(ROOT / "warehouse/load.py"), str(path), str(self.file))

    def dbt(self, command: str = "build") -> None:
        """Runs one command of dbt, as `run_dbt` does."""
        assert self._loaded.dbt(self._arguments(command), self._environment()), self._loaded.end_of_log()

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
        return self._loaded.ask(self.file, questions)

    def python(self, *arguments: str) -> str:
        done = subprocess.run([str(WAREHOUSE_PYTHON), *arguments], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout


def _cell(value: object) -> str:
    if value is None:
        return ""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    need_warehouse()
    with closing(Loaded(tmp_path_factory.mktemp("loaded") / "output.log")) as loaded:
        yield loaded


@pytest.fixture
def warehouse(tmp_path: Path, loaded: Loaded) -> Warehouse:
    return Warehouse(tmp_path, loaded)


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


def check_quality(warehouse: Warehouse, executions: list[Execution]) -> None:
    """Compares the costs of each order, and their sums, with those that the program computes from the same rows."""
    groups = ("day", "hour", "symbol", "strategy")
    orders, *found = warehouse.ask_all(
        "SELECT * FROM history.order_quality", *(f"SELECT * FROM history.quality_by_{by}" for by in groups)
    )
    names = ("worth", "slippage", "met", "delay", "execution", "spread", "fees")
    costs = {one.execution_id: costs_of(one) for one in executions}
    assert {row["execution_id"]: [None if row[name] is None else Decimal(row[name]) for name in names] for row in orders} == {
        key: [getattr(one, name) for name in names] for key, one in costs.items() if one is not None
    }
    measured = measure([ExecutedOrder(one, "") for one in executions], [])
    added = ("orders", "fees_unknown", "unsplit", *names)
    for by, rows in zip(groups, found, strict=True):
        got = {(f"{row[by]:0>2}", row["quote_asset"]): [Decimal(row[name]) for name in added] for row in rows}
        sums = [one for one in summaries(measured, by) if one.orders]
        assert got == {(one.name, one.quote_asset): [getattr(one, name) for name in added] for one in sums}, by


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
    check_quality(warehouse, [])

    warehouse.load([one for one in known if one not in late])
    warehouse.dbt()
    check(warehouse, [one for one in known if one not in late])

    corrected = [*executions[:8_000]]
    corrected[17] = replace(corrected[17], fee=Decimal("0.0300000000000001"), order_id="4711")
    assert warehouse.load(corrected).startswith("raw.executions: 3007 new or changed, 8000 in all")
    warehouse.dbt()
    check(warehouse, corrected)
    check_trips(warehouse, corrected)
    check_quality(warehouse, corrected)

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
    drop += (
        "; [c.execute(f'ALTER TABLE raw.executions DROP COLUMN {name}') for name in ('strategy', 'role', 'plan_id', 'fee_quote')]"
    )
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
