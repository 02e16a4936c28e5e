"""Time as processes have it: seconds in which they could have run and others had the processors do not pass."""

import os
import time
from contextlib import suppress
from pathlib import Path


def own_seconds(*others: int) -> float:
    """Returns monotonic seconds without those that the threads of this process, and of `others`, waited for a processor: the
    second number there (nanoseconds, https://docs.kernel.org/scheduler/sched-stats.html). Other systems than Linux do not tell:
    all seconds pass."""
    waited = 0
    for pid in (os.getpid(), *others):
        for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with suppress(OSError):  # it ended just now
                waited += int(thread.read_text().split()[1])
    return time.monotonic() - waited / 1e9
