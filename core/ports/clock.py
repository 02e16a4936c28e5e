"""Time, injected."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time, injected: tests run on a virtual one."""

    def now(self) -> datetime:
        """This machine's idea of the time, aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean something."""
        ...

    async def sleep(self, seconds: float) -> None: ...
