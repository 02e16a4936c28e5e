"""Pending exits as text: why they wait, how long, and what can be done about it. Pure."""

from bot.texts import Html, Texts, short
from bot.views.book_names import strategy_lines
from core.domain.events.signals import ExitPending
from core.domain.reasons import Reason
from core.domain.signal import Side


def waiting_lines(event: ExitPending, texts: Texts) -> list[Html]:
    """Returns the alert of an exit that cannot be placed yet."""
    signal = event.signal
    next_ = texts("waits.panic") if event.until is None else texts("waits.next", time=texts.exact_time(event.until))
    return [
        texts("waits", signal_type=short(signal.signal_type)),
        texts("symbol", symbol=short(signal.symbol)),
        *strategy_lines(signal.strategy, texts),
        texts("reason", reason=texts.reason(event.reason)),
        next_,
        *advice(event.reason, Side.SELL, texts),
    ]


def advice(why: Reason | None, side: Side, texts: Texts) -> list[Html]:
    """Returns what to do about it: of an exit, how to sell the position nevertheless."""
    if why is None:
        return []
    keys = (f"advice.{side.lower()}.{why.code}", f"advice.{why.code}")
    return [texts(key) for key in keys if texts.has(key)][:1]
