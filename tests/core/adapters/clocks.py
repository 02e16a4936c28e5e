"""Clocks for the exchange's tests."""

import asyncio
import time
from datetime import UTC, datetime


class RealClock:
    """The machine's clock, with a monotonic part that a test can advance, to skip waits."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def pass_time(self, seconds: float) -> None:
        """Advances `monotonic` only."""
        self._ahead += seconds
