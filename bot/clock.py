"""Real time, behind the core's Clock port; the only place in the program that reads it for trading."""

import asyncio
import time
from datetime import UTC, datetime

# Where it exists: a machine that slept for a minute must know that its lease is a minute older.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock:
    """This machine's clocks; sleeps in the running event loop."""

    def now(self) -> datetime:
        """Returns the current time, aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Returns seconds that never go back and keep counting while the machine sleeps; only differences are meaningful."""
        return time.clock_gettime(_CLOCK)

    async def sleep(self, seconds: float) -> None:
        """Waits `seconds` without blocking the loop."""
        await asyncio.sleep(seconds)
