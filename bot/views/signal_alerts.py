"""Alerts of signals that were not executed: refused, lost in Kafka, or missed while the program was down. Pure."""

from bot.texts import Html, Texts, short
from bot.views.book_names import strategy_lines
from bot.views.chat_message import Button, Keyboard
from bot.views.entry_alerts import step_lines
from bot.views.lost_exits import lost_exit_lines, sell_button
from bot.views.number_format import price
from bot.views.pending_exits import advice
from core.domain.events.intake import SignalsLost
from core.domain.events.process import CaughtUp
from core.domain.events.signals import SignalRefused


def refused_lines(event: SignalRefused, texts: Texts) -> list[Html]:
    """Returns the alert of a signal that was not executed, with the reason."""
    key = f"refused.{event.outcome}"
    return [
        texts(key if texts.has(key) else "refused.ignored", signal_type=short(event.signal.signal_type)),
        texts("symbol", symbol=short(event.signal.symbol)),
        *strategy_lines(event.signal.strategy, texts),
        *step_lines(event.signal, texts),
        texts("reason", reason=texts.reason(event.reason)),
        texts("signal_price", price=price(event.signal.close)),
        *advice(event.reason, event.signal.side, texts),
        *lost_exit_lines(event, texts),
    ]


def refused_keyboard(event: SignalRefused, texts: Texts) -> Keyboard:
    """Returns the buttons below the alert: the reason in full, and for an exit that was lost a sale by hand."""
    why = (Button(texts("why.button"), f"/why {event.inbox_seq}"),) if event.inbox_seq else ()
    sell = (sell_button(event.signal.book, texts),) if event.lost_exit else ()
    return ((*sell, *why),) if sell or why else ()


def refused_line(event: SignalRefused, at: str, texts: Texts) -> Html:
    """Returns the alert as one line of a batch."""
    mark = "🚫" if event.outcome == "denied" else "⚪"
    signal, why = event.signal, texts.reason(event.reason)
    kind, symbol = short(signal.signal_type), short(signal.symbol)
    return texts("digest.refused", time=at, mark=mark, signal_type=kind, symbol=symbol, reason=why)


def signals_lost_lines(event: SignalsLost, texts: Texts) -> list[Html]:
    """Returns the alert that Kafka has dropped signals before they were read."""
    key = "signals_lost.expired" if event.wanted < event.resumed_at else "signals_lost.anew"
    last = event.resumed_at - 1
    return [
        texts("signals_lost"),
        texts(key, topic=short(event.topic), partition=event.partition, first=event.wanted, last=last),
        texts("signals_lost.next"),
    ]


def caught_up_lines(event: CaughtUp, texts: Texts) -> list[Html]:
    """Returns the alert that signals from the time the program was down have been read."""
    key = "caught_up.nothing" if not event.came else "caught_up.too_old" if event.too_old else "caught_up.all"
    same_day = event.since.astimezone(texts.zone).date() == event.until.astimezone(texts.zone).date()
    since, until = (texts.time if same_day else texts.moment)(event.since), texts.exact_time(event.until)
    return [texts(key, since=since, until=until, came=event.came, too_old=event.too_old)]
