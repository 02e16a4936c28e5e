"""Says before a run how many tests it has and about how long they take; with --progress it then says what is left.

The longest files run first, so that at the end no worker waits for another's.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import pytest

_CACHE_KEY = "marketflow/seconds"
_EACH = 0.1  # seconds of a test of which nothing is known
_PACE_FROM = 0.05  # of the whole run: before that its own pace says nothing
_EVERY = 20.0  # seconds between two lines of progress; on a terminal, where one line is written over, a second

# Seconds of the longest files on a quiet machine, until a run here has measured them.
_LONGEST = {
    "tests/simulation/test_simulation.py": 200,
    "tests/warehouse/test_warehouse.py": 110,
    "tests/chaos/test_set_back.py": 100,
    "tests/bot/cli/test_command_line.py": 95,
    "tests/chaos/test_faults.py": 90,
    "tests/bot/test_run.py": 80,
    "tests/bench/test_bench.py": 75,
    "tests/bot/commands/test_every_command.py": 70,
    "tests/bot/commands/test_acting.py": 60,
    "tests/local_telegram/test_page.py": 60,
    "tests/chaos/test_more_races.py": 60,
    "tests/core/adapters/snowflake/test_source.py": 55,
    "tests/demo/test_demo.py": 55,
    "tests/core/adapters/snowflake/test_proof_everywhere.py": 50,
    "tests/core/adapters/snowflake/test_history.py": 50,
    "tests/dashboard/test_dashboard.py": 50,
    "tests/bot/web/test_webhook.py": 50,
    "tests/core/adapters/binance/test_odd_answers.py": 50,
    "tests/simulation/test_outage.py": 45,
    "tests/chaos/test_kills_with_brackets.py": 45,
    "tests/chaos/test_bracket_races.py": 40,
    "tests/local_telegram/test_page_looks.py": 38,
    "tests/chaos/test_kills.py": 35,
    "tests/chaos/test_two_programs.py": 34,
    "tests/chaos/test_standby.py": 76,
    "tests/core/adapters/binance/test_many_executions.py": 32,
    "tests/local_telegram/test_page_groups.py": 32,
    "tests/core/adapters/ledger/test_conflicts.py": 32,
    "tests/bot/access/test_totp.py": 32,
    "tests/bot/test_every_refusal.py": 30,
    "tests/core/adapters/ledger/test_set_back.py": 30,
    "tests/chaos/test_start.py": 30,
    "tests/core/adapters/kafka/test_source.py": 28,
    "tests/bot/commands/test_reading.py": 26,
    "tests/chaos/test_brackets_while_dead.py": 26,
    "tests/core/adapters/ledger/test_query_plans.py": 25,
    "tests/bot/telegram/test_api_responses.py": 25,
    "tests/core/adapters/ledger/test_lease.py": 20,
    "tests/servers/test_servers.py": 20,
    "tests/chaos/test_killed_and_set_back.py": 20,
    "tests/bot/telegram/test_single_instance.py": 18,
    "tests/core/adapters/ledger/test_migrations.py": 18,
    "tests/bot/commands/test_commands.py": 18,
    "tests/core/adapters/kafka/test_topic_check.py": 16,
    "tests/bot/notifications/test_flood.py": 12,
    "tests/bot/settings/test_redaction.py": 10,
    "tests/core/domain/test_reasons.py": 8,
    "tests/core/adapters/signals/test_payloads.py": 8,
}


class RunTime:
    """Measures the seconds of each file's tests, in earlier runs and in this one."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._shows = bool(config.getoption("progress"))
        cache = getattr(config, "cache", None)
        self.known: dict[str, list[float]] = cache.get(_CACHE_KEY, {}) if cache is not None else {}
        """Of each file: seconds, and the number of tests that took them."""
        self._count: Counter[str] = Counter()
        self._took: defaultdict[str, float] = defaultdict(float)
        self._done: Counter[str] = Counter()
        self._failed: set[str] = set()
        self._began = self._said = time.monotonic()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: object) -> None:
        """Gives each worker the same times: workers must agree on the order of the tests."""
        node.workerinput[_CACHE_KEY] = self.known  # type: ignore[attr-defined]

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Announces the run when the first worker has found its tests."""
        self._announce(ids)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Announces the run where there are no workers."""
        if not self._config.getoption("numprocesses", None):
            self._announce([item.nodeid for item in session.items])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Counts a test once its last fixture is closed."""
        file = report.nodeid.partition("::")[0]
        self._took[file] += report.duration
        if report.failed and report.nodeid not in self._failed:
            self._failed.add(report.nodeid)
            if self._shows:
                self._line(f"FAILED {report.nodeid}")
        if report.when == "teardown":
            self._done[file] += 1
            self._say_what_is_left()

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport | pytest.CollectReport) -> tuple[str, str, str] | None:
        """Writes no dot for a test where progress is shown."""
        if self._shows and report.outcome == "passed" and not hasattr(report, "wasxfail"):
            return "passed" if report.when == "call" else "", "", ""
        return None

    def pytest_sessionfinish(self) -> None:
        """Keeps the times of every file that ran as a whole."""
        whole = {file: [seconds, self._done[file]] for file, seconds in self._took.items() if self._is_whole(file)}
        if (cache := getattr(self._config, "cache", None)) is not None:
            cache.set(_CACHE_KEY, self.known | whole)

    def _is_whole(self, file: str) -> bool:
        return self._done[file] == self._count[file] >= self.known.get(file, [0, 0])[1]

    def _announce(self, ids: Sequence[str]) -> None:
        if self._count or not ids:
            return
        self._count = Counter(name.partition("::")[0] for name in ids)
        seconds = _seconds(self._count, self.known) / self._workers
        by = "as the last run here took" if self.known.keys() & self._count.keys() else "an estimate: no run is recorded here"
        tests = "1 test" if len(ids) == 1 else f"{len(ids)} tests"
        self._line(f"{tests}, about {_clock(seconds)} with {self._workers} at a time ({by})")
        self._began = time.monotonic()

    def _say_what_is_left(self) -> None:
        is_terminal = self._reporter is not None and self._reporter._tw.hasmarkup
        now = time.monotonic()
        if not self._shows or now - self._said < (1.0 if is_terminal else _EVERY):
            return
        self._said = now
        done, all_of_them = self._done.total(), self._count.total()
        said = f"{done} of {all_of_them} tests, {len(self._failed)} failed, about {_clock(self._left(now))} left"
        if is_terminal and self._reporter is not None:
            self._reporter.rewrite(said, erase=True)
        else:
            self._line(said)

    def _left(self, now: float) -> float:
        """Returns the seconds that are left, at the pace of this run once it has one."""
        past, whole = _seconds(self._done, self.known), _seconds(self._count, self.known)
        has_pace = past > _PACE_FROM * whole
        return (whole - past) * ((now - self._began) / past if has_pace else 1 / self._workers)

    def _line(self, said: str) -> None:
        if self._reporter is not None:
            self._reporter.write_line(said)

    @property
    def _reporter(self) -> pytest.TerminalReporter | None:
        found: pytest.TerminalReporter | None = self._config.pluginmanager.getplugin("terminalreporter")
        return found

    @property
    def _workers(self) -> int:
        return len(getattr(self._config.option, "tx", None) or [1])


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds --progress."""
    parser.addoption("--progress", action="store_true", help="say what is left of the run, in place of a dot for each test")


def pytest_configure(config: pytest.Config) -> None:
    """Registers the times of this run; a worker tells them to the process that started it."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(RunTime(config), "marketflow-run-time")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sorts the files, the longest first; the tests of a file keep their order."""
    run_time = config.pluginmanager.getplugin("marketflow-run-time")
    known = run_time.known if run_time is not None else config.workerinput[_CACHE_KEY]  # type: ignore[attr-defined]
    files = Counter(item.nodeid.partition("::")[0] for item in items)
    seconds = {file: _seconds({file: count}, known) for file, count in files.items()}
    items.sort(key=lambda item: -seconds[item.nodeid.partition("::")[0]])


def _seconds(count: Mapping[str, int], known: Mapping[str, Sequence[float]]) -> float:
    """Returns about how long these numbers of tests of each file take, one after the other."""
    total = 0.0
    for file, tests in count.items():
        seconds, of = known.get(file, (0.0, 0))
        total += seconds * tests / of if of else _LONGEST.get(file, tests * _EACH)
    return max(total, 0.01)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
