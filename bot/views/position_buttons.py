"""The buttons of a position: close it, or change what protects it. Pure."""

from bot.texts import Texts
from bot.views.chat_message import Button, Keyboard
from core.domain.events.orders import OrderExecuted
from core.domain.signal import Side


def executed_keyboard(event: OrderExecuted, texts: Texts) -> Keyboard:
    """Returns the buttons below the alert of an executed order that leaves something held."""
    if not event.position.is_open:
        return ()
    has_stop = event.plan is not None and event.plan.exits.stop is not None
    rows = position_buttons(event.position.symbol, texts, has_stop=has_stop)
    is_known = event.plan is not None or event.execution.side is Side.BUY  # a sale of a part does not say whether there is a plan
    return rows if is_known else rows[:1]


def position_buttons(symbol: str, texts: Texts, *, has_stop: bool, named: bool = False) -> Keyboard:
    """Returns two rows of buttons for the position in `symbol`, which name it where there are several."""

    def button(key: str, data: str) -> Button:
        label = texts(key)
        return Button(texts("button.of", symbol=symbol, action=label) if named else label, data)

    sale = (button("button.close", f"/close {symbol}"), button("button.half", f"/sell {symbol} 50%"))
    if not has_stop:
        return (sale, (button("button.protect", f"/protect {symbol}"),))
    even = button("protect.breakeven", f"/protect {symbol} stop breakeven")
    return (sale, (even, button("button.move", f"/protect {symbol}")))
