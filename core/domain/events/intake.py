"""Events about records and requests that brought no signal."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from core.domain.events.priority import Priority
from core.domain.messages import DeadLetter
from core.domain.record_problems import ProblemKind


@dataclass(frozen=True, slots=True)
class DeadLettersFound:
    """`count` records could not be read as signals; `sample` is the first of them, `kinds` are the problems among them (none in
    events of older versions)."""

    count: int
    sample: DeadLetter
    kinds: tuple[ProblemKind, ...] = ()
    kind: Literal["dead_letters"] = "dead_letters"
    priority: Priority = Priority.GATHERED


@dataclass(frozen=True, slots=True)
class RequestsRefused:
    """HTTP requests rejected from `since` on before they had proved the secret; `kinds` counts them by a code for the cause. None
    of them is stored, as anybody may send them."""

    since: datetime
    kinds: tuple[tuple[str, int], ...]
    kind: Literal["requests_refused"] = "requests_refused"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class SignalsLost:
    """The broker no longer has the next records of `partition` of `topic`: reading goes on at `resumed_at` instead of
    `wanted`."""

    topic: str
    partition: int
    wanted: int
    resumed_at: int
    kind: Literal["signals_lost"] = "signals_lost"
    priority: Priority = Priority.URGENT
