"""An exit that was not followed while its position stays open: the position, and a button that sells it. Pure."""

from collections.abc import Iterable

from bot.texts import Html, Texts, short
from bot.views.book_names import book_name, book_words
from bot.views.chat_message import Button, Keyboard
from bot.views.number_format import quantity
from core.domain.assets import base_of
from core.domain.events.signals import SignalRefused
from core.domain.events.table import Event
from core.domain.position import Position
from core.domain.signal import Side
from core.domain.strategy_book import StrategyBook

_UNSEEN = frozenset({"conflict", "turned_back"})  # refused before the position was known
_BUTTONS = 8


def lost_exit_lines(event: SignalRefused, texts: Texts) -> list[Html]:
    """Returns the position that the signal wanted sold; that there is none, where that has not been said yet."""
    if event.lost_exit:
        return [_held(event.position, texts), texts("exit_lost")] if event.position is not None else [texts("exit_lost")]
    unseen = event.signal.side is Side.SELL and event.reason.code in _UNSEEN
    if unseen and event.position is not None:
        return [texts("exit_lost.none", base=short(base_of(event.signal.symbol)))]
    return []


def _held(position: Position, texts: Texts) -> Html:
    shown = {"quantity": quantity(position.qty), "base": short(base_of(position.symbol)), "symbol": short(position.symbol)}
    if position.opened_at is None:
        return texts("exit_lost.held", **shown)
    return texts("exit_lost.held_since", time=texts.full_moment(position.opened_at), **shown)


def sell_button(book: StrategyBook, texts: Texts) -> Button:
    """Returns the button that asks whether to sell the position."""
    return Button(texts("button.sell", symbol=book_name(book)), f"/close {book_words(book)}")


def folded_exits(events: Iterable[Event], texts: Texts) -> tuple[list[Html], Keyboard]:
    """Returns a line and a button for each position that several refused exits leave open."""
    lost = {event.signal.book: event for event in events if isinstance(event, SignalRefused) and event.lost_exit}
    shown = list(lost.values())[-_BUTTONS:]
    lines = [_held(event.position, texts) for event in shown if event.position is not None]
    return lines, tuple((sell_button(event.signal.book, texts),) for event in shown)
