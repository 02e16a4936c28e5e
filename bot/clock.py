"""The real time, behind the core's Clock port; the only place of the program that reads it for trading."""

import asyncio
import time
from datetime import UTC, datetime

# Where there is one: a machine that slept for a minute must know that its lease is a minute older.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock:
    """This machine's clocks; sleeps in the running event loop."""

    def now(self) -> datetime:
        """The time of day, aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back, and go on while the machine sleeps; only differences mean something."""
        return time.clock_gettime(_CLOCK)

    async def sleep(self, seconds: float) -> None:
        """Waits `seconds` without holding up the loop."""
        await asyncio.sleep(seconds)
