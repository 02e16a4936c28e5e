"""Signal conflicts: one identity with two contents. The second is neither taken for the first nor lost silently."""

from dataclasses import dataclass, field, fields
from datetime import datetime

from core.domain.events.priority import Priority
from core.domain.events.signals import SignalRefused
from core.domain.messages import DeadLetter
from core.domain.money import plain
from core.domain.position import Position
from core.domain.reasons import Reason, reason
from core.domain.signal import BY_HAND, Side, Signal

OUTCOME = "conflict"

_APART = frozenset({"source", "signal_id", "ts", "dated", "extra"})
_CONTENT = tuple(each.name for each in fields(Signal) if each.name not in _APART)
# Fields of a signal that may be kept in `extra` and carry meaning. Other extra fields are stored and shown only: the time at
# which a loader wrote a row must not make another signal of it.
_MEANT = (
    *("action", "price", "strategy", "order_type", "limit_price", "time_in_force", "expires_in", "on_timeout", "valid_for"),
)


@dataclass(frozen=True, slots=True)
class Conflict:
    """A `signal` with the identity of `before`, which is stored, but with different content. `position` is what its symbol holds
    at that moment."""

    signal: Signal
    before: Signal
    at: datetime
    position: Position | None = field(default=None, compare=False)

    @property
    def reason(self) -> Reason:
        """Returns the refusal, which quotes the first signal of that id."""
        first = self.before
        shown = {"signal_type": first.signal_type, "symbol": first.symbol, "price": plain(first.close)}
        return reason("conflict", signal_id=self.signal.signal_id, at=f"{first.ts:%Y-%m-%d %H:%M:%S} UTC", **shown)

    @property
    def refusal(self) -> SignalRefused:
        """Returns the event that reports it; a lost exit is urgent."""
        return refused_unseen(self.signal, OUTCOME, self.reason, self.position)

    def letter(self, raw: bytes) -> DeadLetter:
        """Returns the dead letter that stores it; `raw` is its content."""
        return DeadLetter(self.signal.source, self.signal.signal_id, str(self.reason), raw, self.at, self.reason)


def refused_unseen(signal: Signal, outcome: str, why: Reason, position: Position | None) -> SignalRefused:
    """Returns the event of a signal that was refused before anybody looked at the market; `position` is what its symbol holds."""
    priority = Priority.URGENT if signal.side is Side.SELL else Priority.NORMAL
    held = position is not None and position.is_open
    return SignalRefused(signal, outcome, why, held=held, priority=priority, position=position)


def differ(signal: Signal, before: Signal) -> bool:
    """Tells whether two signals of one identity differ: in the fields that the program acts upon, and in `ts` if both records
    named it (otherwise it is the time of arrival). Manual orders are identified by the tap alone, and an attempt at an exit by
    its number: repeating the signal renews the exit, and the time of an attempt that waits."""
    if signal.source == BY_HAND or signal.is_again:
        return False
    if any(getattr(signal, name) != getattr(before, name) for name in _CONTENT):
        return True
    known = signal.dated is not None and before.dated is not None
    if known and (signal.dated is not before.dated or (signal.dated and signal.ts != before.ts)):
        return True
    return any(signal.extra.get(name) != before.extra.get(name) for name in _MEANT)
