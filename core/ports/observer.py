"""Readers of commits: metrics, the log, the chat's waiters."""

from collections.abc import Sequence
from typing import Protocol

from core.domain.arrival import Arrival
from core.domain.messages import DeadLetter
from core.records.commit_batch import CommitBatch


class Observer(Protocol):
    """An observer of commits. Called after the commit, never awaited; what it raises is logged and goes no further."""

    def committed(self, batch: CommitBatch, stored: Sequence[Arrival], dead: Sequence[DeadLetter]) -> None: ...
