"""Adds to a failed test's output the command that runs it alone, and the seeds that it ran with."""

import os
import shlex
from collections.abc import Generator

import pytest
from hypothesis import is_hypothesis_test, settings


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds the section; it crosses from a worker with the report."""
    report = yield
    if report.failed:
        report.sections.append(("To run it alone", "\n".join([_command(item), *_seeds(item)])))
    return report


def _command(item: pytest.Item) -> str:
    given = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.endswith("_SEED")]
    return shlex.join([*given, ".venv/bin/pytest", item.nodeid])


def _seeds(item: pytest.Item) -> list[str]:
    """Returns a line for each source of chance that the test names: `SEED` of its file, a parameter, Hypothesis."""
    found = {"SEED": getattr(getattr(item, "module", None), "SEED", None)}
    if callspec := getattr(item, "callspec", None):
        found["seed"] = callspec.params.get("seed")
    lines = [f"{name} {value}" for name, value in found.items() if value is not None]
    if is_hypothesis_test(getattr(item, "obj", None)):
        given = item.config.getoption("hypothesis_seed", None)
        same = "the same examples in each run" if settings().derandomize else f"--hypothesis-seed={given}"
        lines.append(f"Hypothesis: {same}")
    return lines
