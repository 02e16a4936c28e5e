"""The running program, as /status and /health show it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

Health = Mapping[str, tuple[bool, str]]


@dataclass(frozen=True, slots=True)
class ProgramStatus:
    """The state of the process. `health` returns for each part whether it is well, and a detail; `alerts_waiting` counts
    undelivered alerts; `lag` returns how many Kafka records are unread (None: unknown; without Kafka there is no `lag`) and
    `clock_offset` the exchange's clock minus this machine's in seconds (None: not measured).
    `process` names this one; `standbys` returns the names of those that wait to take over (None: none can)."""

    version: str
    started_at: datetime
    bot_name: Callable[[], str]
    health: Callable[[], Health]
    alerts_waiting: Callable[[], int]
    lag: Callable[[], int | None] | None
    clock_offset: Callable[[], float | None]
    process: str
    standbys: Callable[[], Sequence[str] | None]
