"""Time as this process has it: seconds in which it could have run and other processes had the processors do not pass."""

import time
from contextlib import suppress
from pathlib import Path


def own_seconds() -> float:
    """Returns monotonic seconds without those that this process's threads waited for a processor: the second number there
    (nanoseconds, https://docs.kernel.org/scheduler/sched-stats.html). Other systems than Linux do not tell: all seconds pass."""
    waited = 0
    for thread in Path("/proc/self/task").glob("*/schedstat"):
        with suppress(OSError):  # it ended just now
            waited += int(thread.read_text().split()[1])
    return time.monotonic() - waited / 1e9
