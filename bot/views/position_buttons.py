"""The buttons of a position: close it, or change what protects it. Pure."""

from bot.texts import Texts
from bot.views.book_names import book_words
from bot.views.chat_message import Button, Keyboard
from core.domain.events.orders import OrderExecuted
from core.domain.signal import Side


def executed_keyboard(event: OrderExecuted, texts: Texts) -> Keyboard:
    """Returns the buttons below the alert of an executed order that leaves something held."""
    if not event.position.is_open:
        return ()
    has_stop = event.plan is not None and event.plan.exits.stop is not None
    rows = position_buttons(book_words(event.position.book), texts, has_stop=has_stop)
    is_known = event.plan is not None or event.execution.side is Side.BUY  # a sale of a part does not say whether there is a plan
    return rows if is_known else rows[:1]


def position_buttons(book: str, texts: Texts, *, has_stop: bool, name: str = "") -> Keyboard:
    """Returns two rows of buttons for a position, whose commands name it by the words `book`; their labels by its `name`, where
    there are several."""

    def button(key: str, data: str) -> Button:
        label = texts(key)
        return Button(texts("button.of", symbol=name, action=label) if name else label, data)

    sale = (button("button.close", f"/close {book}"), button("button.half", f"/sell {book} 50%"))
    if not has_stop:
        return (sale, (button("button.protect", f"/protect {book}"),))
    even = button("protect.breakeven", f"/protect {book} stop breakeven")
    return (sale, (even, button("button.move", f"/protect {book}")))
