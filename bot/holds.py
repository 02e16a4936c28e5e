"""Holds in words: why nothing is traded in a symbol, and what to do about it. Pure."""

from bot.message import Button, Keyboard
from bot.numbers import money, quantity
from bot.texts import Html, Texts
from core.domain.events import HoldAccepted, SymbolHeld, SymbolReleased
from core.domain.hold import Hold

HoldEvent = SymbolHeld | SymbolReleased | HoldAccepted


def hold_lines(hold: Hold, texts: Texts) -> list[Html]:
    """The symbol and what ledger and exchange disagree about."""
    differences = [texts("hold.difference", difference=texts.reason(difference)) for difference in hold.differences]
    return [texts("hold.symbol", symbol=hold.symbol), *differences]


def event_lines(event: HoldEvent, texts: Texts) -> list[Html]:
    """The alert of a hold that began or ended."""
    symbol = event.hold.symbol
    match event:
        case SymbolHeld():
            return [texts("hold.began", symbol=symbol), *hold_lines(event.hold, texts)[1:], texts("hold.advice", symbol=symbol)]
        case SymbolReleased():
            return [texts("hold.ended", symbol=symbol)]
        case HoldAccepted():
            lines = [texts("hold.accepted", symbol=symbol, who=event.hold.lifted_by)]
            if event.missing and not event.base:  # delisted, and not known since when this process started
                lines.append(
                    texts("hold.written_off_gone", quantity=quantity(event.missing), symbol=symbol, cost=money(event.cost))
                )
            elif event.missing:
                shown = {"quantity": quantity(event.missing), "base": event.base, "quote": event.quote}
                lines.append(texts("hold.written_off", cost=money(event.cost), **shown))
            return lines


def accept_button(hold: Hold, texts: Texts) -> Keyboard:
    """Asks the same as the command typed."""
    return ((Button(texts("button.accept", symbol=hold.symbol), f"/accept {hold.symbol}"),),)
