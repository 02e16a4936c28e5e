"""Files that share a server run on one worker, and every file that needs one is in its lane."""

import ast
from itertools import count
from types import SimpleNamespace

import pytest

from tests.paths import ROOT
from tests.plugins.lanes import LANES, Lanes, lane_of

SERVERS = {"real_kafka": 1, "plain_kafka": 1, "chromium": 2, "browser": 2}
"""The lane of the files that ask for each of these fixtures."""


class Worker:
    """Notes the tests that a scheduler sends to a worker."""

    shutting_down = False
    gateway = SimpleNamespace(id="gw")

    def __init__(self) -> None:
        self.sent: list[int] = []

    def send_runtest_some(self, numbers: list[int]) -> None:
        self.sent += numbers

    def shutdown(self) -> None:
        self.shutting_down = True


class Options:
    """Holds the options that a scheduler reads: the number of workers, and that the files are in order already."""

    def __init__(self, workers: int) -> None:
        self._started = [f"{workers}*popen"]
        self.option = SimpleNamespace(loadscopereorder=False)

    def getvalue(self, name: str) -> list[str]:
        return {"tx": self._started}[name]


@pytest.mark.parametrize("begin", [begin for lane in LANES for begin in lane])
def test_each_beginning_is_that_of_a_file(begin: str) -> None:
    assert any(f"{path.relative_to(ROOT)}".startswith(begin) for path in (ROOT / "tests").rglob("test_*.py"))


def test_a_file_that_needs_a_server_is_in_its_lane() -> None:
    found = 0
    for path in (ROOT / "tests").rglob("test_*.py"):
        wanted = SERVERS.keys() & {
            argument.arg
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for argument in node.args.args
        }
        found += len(wanted)
        for server in wanted:
            assert lane_of(str(path.relative_to(ROOT))) == SERVERS[server], f"{path}: {server}"
    assert found >= 10


def test_a_worker_has_its_lane_then_what_any_may_have_then_what_is_left() -> None:
    files = [f"tests/{folder}/test_{number}.py" for folder in ("else", "demo", "chaos") for number in range(3)]
    tests = [f"{file}::test_{number}" for file in files for number in range(3)]
    workers = [Worker(), Worker(), Worker()]
    scheduler = Lanes(Options(len(workers)))  # type: ignore[arg-type]
    for worker in workers:
        scheduler.add_node(worker)
        scheduler.add_node_collection(worker, tests)
    scheduler.schedule()
    assert [tests[worker.sent[0]].split("/")[1] for worker in workers] == ["chaos", "else", "demo"]
    chaos = workers[0]
    for done in count():
        if chaos.shutting_down:
            break
        scheduler.mark_test_complete(chaos, chaos.sent[done])
    sent = [tests[number] for number in chaos.sent]
    assert [name.split("/")[1] for name in sent[::3]] == ["chaos"] * 3 + ["else"] * 2 + ["demo"] * 2
    assert sorted(sent + [tests[number] for worker in workers[1:] for number in worker.sent]) == sorted(tests)
