"""Time, injected."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The time, injected: tests run on a virtual one."""

    def now(self) -> datetime:
        """Returns this machine's time, aware UTC."""
        ...

    def monotonic(self) -> float:
        """Returns seconds that never go back; only differences mean something."""
        ...

    async def sleep(self, seconds: float) -> None: ...
