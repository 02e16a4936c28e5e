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
    events of former versions)."""

    count: int
    sample: DeadLetter
    kinds: tuple[ProblemKind, ...] = ()
    kind: Literal["dead_letters"] = "dead_letters"
    priority: Priority = Priority.GATHERED


@dataclass(frozen=True, slots=True)
class RequestsRefused:
    """Requests over HTTP that were turned away from `since` on before they had proved the secret; `kinds` says how many, by a
    code for why. None of them is kept, as anybody may send them."""

    since: datetime
    kinds: tuple[tuple[str, int], ...]
    kind: Literal["requests_refused"] = "requests_refused"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class SignalsLost:
    """The broker no longer has what comes next in `partition` of `topic`: reading goes on at `resumed_at` instead of `wanted`."""

    topic: str
    partition: int
    wanted: int
    resumed_at: int
    kind: Literal["signals_lost"] = "signals_lost"
    priority: Priority = Priority.URGENT
