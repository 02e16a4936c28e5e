"""The real time, behind the core's Clock port; the only place of the program that reads it for trading."""

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """This machine's clocks; sleeps in the running event loop."""

    def now(self) -> datetime:
        """The time of day, aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean something."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Waits `seconds` without holding up the loop."""
        await asyncio.sleep(seconds)
