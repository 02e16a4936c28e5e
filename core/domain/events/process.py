"""Events about this process and what it runs with."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from core.domain.digest import Digest
from core.domain.events.priority import Priority
from core.domain.trading_state import TradingState


@dataclass(frozen=True, slots=True)
class Started:
    """The process is up and accepts signals. `notes` are codes of facts for the owner (e.g. `from_latest`); the previous process
    gave its last sign of life at `away_since`. Where this one was its standby, `predecessor` names it, and nothing was traded for
    `idle_seconds`."""

    version: str
    trading_mode: str
    controls: TradingState
    open_positions: int
    notes: tuple[str, ...] = ()
    away_since: datetime | None = None
    predecessor: str = ""
    idle_seconds: float = 0.0
    kind: Literal["started"] = "started"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """All signals that arrived while no process ran have been read: `came` signals, `too_old` of them too old to act upon."""

    since: datetime
    until: datetime
    came: int
    too_old: int
    kind: Literal["caught_up"] = "caught_up"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class DigestMade:
    """A status summary for one chat."""

    digest: Digest
    kind: Literal["digest_made"] = "digest_made"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class KeyTooWide:
    """The exchange key has more permissions than it needs, listed in `findings` (codes of `core.domain.api_key_permissions`); or
    its permissions could not be read: `unread` is why."""

    findings: tuple[str, ...]
    unread: str = ""
    kind: Literal["key_too_wide"] = "key_too_wide"
    priority: Priority = Priority.URGENT


@dataclass(frozen=True, slots=True)
class AnotherProgram:
    """Another program that uses this bot's token appeared, stays for longer than a moment, or is gone. `who` is this program,
    `effect` says whether it makes entries meanwhile; on paper nothing can be bought twice."""

    what: Literal["came", "stays", "gone"]
    who: str
    effect: Literal["entries", "no_entries", "paper"]
    kind: Literal["another_program"] = "another_program"
    priority: Priority = Priority.URGENT
