"""Gives the files that share a server to one worker: the server is started once, and not all workers wait at a time."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

LANES = (
    ("tests/chaos/",),
    (
        "tests/bot/cli/test_command_line.py",
        "tests/chaos/test_faults.py",
        "tests/chaos/test_kills",
        "tests/core/adapters/kafka/",
        "tests/servers/",
    ),
    (
        "tests/bot/web/test_web_app.py",
        "tests/dashboard/",
        "tests/demo/",
        "tests/local_telegram/",
        "tests/plugins/test_plugins.py",
    ),
)
"""The beginnings of the paths of each lane: of what kills processes and waits for them, and what needs Apache Kafka or
Chromium. The longest beginning decides."""


def lane_of(file: str) -> int | None:
    """Returns the number of the file's lane; None if any worker may have it."""
    found = [(len(begin), number) for number, begins in enumerate(LANES) for begin in begins if file.startswith(begin)]
    return max(found)[1] if found else None


class Lanes(LoadFileScheduling):  # type: ignore[misc]  # xdist is untyped
    """Hands out files one by one: to a worker those of its lane, then those of none, then whatever is left."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        self._workers: list[WorkerController] = []

    def _assign_work_unit(self, node: WorkerController) -> None:
        if node not in self._workers:
            self._workers.append(node)
        wanted = self._workers.index(node)
        best = min(self.workqueue, key=lambda file: (lane_of(file) != wanted, lane_of(file) is not None))
        self.workqueue.move_to_end(best, last=False)
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Lanes | None:
    """Chooses it for --dist loadfile."""
    return Lanes(config, log) if config.getvalue("dist") == "loadfile" else None
