"""One identity, two contents: a signal that comes under the id of another one is neither that one nor lost in silence."""

from dataclasses import dataclass, fields
from datetime import datetime

from core.domain.events.priority import Priority
from core.domain.events.signals import SignalRefused
from core.domain.messages import DeadLetter
from core.domain.money import plain
from core.domain.reasons import Reason, reason
from core.domain.signal import BY_HAND, Side, Signal

OUTCOME = "conflict"

_APART = frozenset({"source", "signal_id", "ts", "dated", "extra"})
_CONTENT = tuple(each.name for each in fields(Signal) if each.name not in _APART)
# Fields of a signal that may be kept among the others. What else a record holds is kept and shown, and means nothing: the time at
# which a loader wrote a row must not make another signal of it.
_MEANT = (
    *("action", "price", "strategy", "order_type", "limit_price", "time_in_force", "expires_in", "on_timeout", "valid_for"),
    *("quantity", "quote_quantity", "equity_pct", "risk_pct", "position_pct"),
    *("stop_loss", "take_profit", "trailing", "breakeven", "time_limit"),
)


@dataclass(frozen=True, slots=True)
class Conflict:
    """A `signal` that has the identity of `before`, which is stored, and says something else."""

    signal: Signal
    before: Signal
    at: datetime

    @property
    def reason(self) -> Reason:
        """Why it is refused: what came first under its id."""
        first = self.before
        shown = {"signal_type": first.signal_type, "symbol": first.symbol, "price": plain(first.close)}
        return reason("conflict", signal_id=self.signal.signal_id, at=f"{first.ts:%Y-%m-%d %H:%M:%S} UTC", **shown)

    @property
    def refusal(self) -> SignalRefused:
        """The event that tells it; an exit that is lost is urgent."""
        urgent = self.signal.side is Side.SELL
        return SignalRefused(self.signal, OUTCOME, self.reason, priority=Priority.URGENT if urgent else Priority.NORMAL)

    def letter(self, raw: bytes) -> DeadLetter:
        """The dead letter that keeps it; `raw` is what it said."""
        return DeadLetter(self.signal.source, self.signal.signal_id, str(self.reason), raw, self.at, self.reason)


def differ(signal: Signal, before: Signal) -> bool:
    """Whether two signals of one identity say different things: in the fields that the program acts upon, and in `ts` where both
    records named it (one that a record does not name is the time of its arrival). Orders by hand are known by the tap alone, and
    an attempt at an exit by its number: who repeats the opinion renews the exit, and the time of an attempt that waits."""
    if signal.source == BY_HAND or signal.is_again:
        return False
    if any(getattr(signal, name) != getattr(before, name) for name in _CONTENT):
        return True
    known = signal.dated is not None and before.dated is not None
    if known and (signal.dated is not before.dated or (signal.dated and signal.ts != before.ts)):
        return True
    return any(signal.extra.get(name) != before.extra.get(name) for name in _MEANT)
