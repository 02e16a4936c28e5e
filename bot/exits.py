"""Exits that wait or came too late, in words: what happened, and how to sell by hand. Pure."""

from bot.message import Button, Keyboard
from bot.texts import Html, Texts, short
from core.domain.events import ExitWaits, Priority, SignalRefused
from core.domain.reasons import Reason
from core.domain.signal import Side


def waiting_lines(event: ExitWaits, texts: Texts) -> list[Html]:
    """The alert of an exit that cannot be done yet."""
    signal = event.signal
    next_ = texts("waits.panic") if event.until is None else texts("waits.next", time=texts.exact_time(event.until))
    return [
        texts("waits", signal_type=short(signal.signal_type)),
        texts("symbol", symbol=short(signal.symbol)),
        texts("reason", reason=texts.reason(event.reason)),
        next_,
        *advice(event.reason, Side.SELL, texts),
    ]


def advice(why: Reason | None, side: Side, texts: Texts) -> list[Html]:
    """What to do about it: of an exit, how the position is sold all the same."""
    if why is None:
        return []
    keys = (f"advice.{side.lower()}.{why.code}", f"advice.{why.code}")
    return [texts(key) for key in keys if texts.has(key)][:1]


def is_missed_exit(event: SignalRefused) -> bool:
    """Whether something is held that the signal would have sold."""
    return event.signal.side is Side.SELL and event.priority is Priority.URGENT


def missed_lines(event: SignalRefused, texts: Texts) -> list[Html]:
    """Whoever missed an exit still holds the position."""
    return [texts("exit.missed", symbol=short(event.signal.symbol))] if is_missed_exit(event) else []


def sell_button(event: SignalRefused, texts: Texts) -> Keyboard:
    """Asks the same as the command typed, and the story behind it."""
    symbol = event.signal.symbol
    rows = [(Button(texts("exit.sell_now", symbol=symbol), f"/sell {symbol}"),)]
    if event.inbox_seq:
        rows.append((Button(texts("why.button"), f"/why {event.inbox_seq}"),))
    return tuple(rows)
