"""Reports loudly at the end which tests could not run here and why; with --no-skips such a test fails the whole run."""

from collections import defaultdict

import pytest

EXCUSED = "not on this machine:"
"""The beginning of a reason that --no-skips lets pass: something that no installation could fix."""

_SHOWN = 5  # tests named for one reason


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds --no-skips."""
    parser.addoption(
        "--no-skips",
        action="store_true",
        help=f"fail if a test was skipped, unless its reason begins with {EXCUSED!r}",
    )


class SkipRecorder:
    """Collects the skips of one run by reason."""

    def __init__(self, config: pytest.Config) -> None:
        self._strict = bool(config.getoption("no_skips"))
        self._by_reason: defaultdict[str, list[str]] = defaultdict(list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Records a skip by a test or its fixtures; an expected failure is not a skip."""
        if report.skipped and not hasattr(report, "wasxfail"):
            self._record(report.nodeid, report.longrepr)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Records a module that skipped itself."""
        if report.skipped:
            self._record(report.nodeid, report.longrepr)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Turns a passed run into a failed one where --no-skips says so."""
        if self._unexcused() and exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Reports the skips just before the count of passed and failed."""
        if not self._by_reason:
            return
        count = sum(map(len, self._by_reason.values()))
        terminalreporter.section(f"COULD NOT BE RUN HERE: {count}", sep="!", red=True, bold=True)
        for reason, tests in sorted(self._by_reason.items()):
            terminalreporter.line(f"{reason}  [{len(tests)}]", red=True)
            for test in tests[:_SHOWN]:
                terminalreporter.line(f"    {test}")
            if len(tests) > _SHOWN:
                terminalreporter.line(f"    and {len(tests) - _SHOWN} more")
        if unexcused := self._unexcused():
            terminalreporter.line(f"--no-skips: {unexcused} of these fail the run", red=True, bold=True)

    def _record(self, test: str, longrepr: object) -> None:
        said = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
        self._by_reason[said.removeprefix("Skipped: ")].append(test)

    def _unexcused(self) -> int:
        if not self._strict:
            return 0
        return sum(len(tests) for reason, tests in self._by_reason.items() if not reason.startswith(EXCUSED))


def pytest_configure(config: pytest.Config) -> None:
    """Registers one recorder for each run."""
    config.pluginmanager.register(SkipRecorder(config), "marketflow-skips")
