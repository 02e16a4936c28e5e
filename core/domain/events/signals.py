"""Events about signals that did not become an order at once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from core.domain.events.priority import Priority
from core.domain.position import Position
from core.domain.reasons import Reason
from core.domain.signal import Side, Signal

_LOSES_AN_EXIT = frozenset({"price_sanity", "expired", "paused", "conflict", "turned_back", "too_little_to_sell"})


@dataclass(frozen=True, slots=True)
class ExitPending:
    """A pending exit cannot be executed yet, for a `reason`; it is retried `until` then (None: without end). `inbox_seq` is the
    message of the last attempt."""

    signal: Signal
    reason: Reason
    until: datetime | None = None
    inbox_seq: int = 0
    kind: Literal["exit_waits"] = "exit_waits"
    priority: Priority = Priority.URGENT


_DENIED = frozenset({"denied", "expired", "failed"})


@dataclass(frozen=True, slots=True)
class SignalRefused:
    """A signal did not become an order. `outcome` is ignored, denied, expired or observed; `inbox_seq` is its stored message.
    `held`: there is an open position in its symbol; `position` is that of an exit's symbol, open or not (None: not known)."""

    signal: Signal
    outcome: str
    reason: Reason
    inbox_seq: int = 0
    held: bool = False
    kind: Literal["signal_refused"] = "signal_refused"
    priority: Priority = Priority.NORMAL
    position: Position | None = None

    @property
    def exit_denied(self) -> bool:
        """Tells whether an exit was wanted and is not made, for a reason that somebody can mend."""
        return self.signal.side is Side.SELL and self.outcome in _DENIED

    @property
    def lost_exit(self) -> bool:
        """Tells whether a position stays open that a signal meant to close: a person decides whether to sell it."""
        return self.signal.side is Side.SELL and self.held and self.reason.code in _LOSES_AN_EXIT
