"""Halts as text: why nothing is bought in a symbol or on the account, and what to do about it. Pure."""

from bot.texts import Html, Texts
from bot.views.chat_message import Button, Keyboard
from bot.views.number_format import money, quantity
from core.domain.account import ACCOUNT
from core.domain.events.symbol_halts import HaltAccepted, SymbolHalted, SymbolResumed
from core.domain.symbol_halt import SymbolHalt

HaltEvent = SymbolHalted | SymbolResumed | HaltAccepted


def halt_lines(halt: SymbolHalt, texts: Texts) -> list[Html]:
    """Returns what is halted, and where ledger and exchange differ."""
    return [texts("hold.symbol", symbol=halt_name(halt, texts)), *_differences(halt, texts)]


def halt_name(halt: SymbolHalt, texts: Texts) -> Html:
    """Returns the symbol, or the account."""
    return texts("hold.account") if halt.symbol == ACCOUNT else texts("hold.name", symbol=halt.symbol)


def _differences(halt: SymbolHalt, texts: Texts) -> list[Html]:
    return [texts("hold.difference", difference=texts.reason(difference)) for difference in halt.differences]


def event_lines(event: HaltEvent, texts: Texts) -> list[Html]:
    """Returns the alert of a halt that began or ended."""
    symbol = event.hold.symbol
    match event:
        case SymbolHalted() if symbol == ACCOUNT:
            return [texts("hold.account_began"), *_differences(event.hold, texts), texts("hold.account_advice")]
        case SymbolHalted():
            return [texts("hold.began", symbol=symbol), *_differences(event.hold, texts), texts("hold.advice", symbol=symbol)]
        case SymbolResumed():
            return [texts("hold.ended", symbol=symbol)]
        case HaltAccepted() if symbol == ACCOUNT:
            return [texts("hold.account_accepted", who=event.hold.lifted_by)]
        case HaltAccepted():
            lines = [texts("hold.accepted", symbol=symbol, who=event.hold.lifted_by)]
            if event.missing and not event.base:  # delisted, and unknown since this process started
                lines.append(
                    texts("hold.written_off_gone", quantity=quantity(event.missing), symbol=symbol, cost=money(event.cost))
                )
            elif event.missing:
                shown = {"quantity": quantity(event.missing), "base": event.base, "quote": event.quote}
                lines.append(texts("hold.written_off", cost=money(event.cost), **shown))
            return lines


def accept_button(halt: SymbolHalt, texts: Texts) -> Keyboard:
    """Returns the button that does the same as the typed command."""
    word = texts("button.accept_account") if halt.symbol == ACCOUNT else texts("button.accept", symbol=halt.symbol)
    return ((Button(word, f"/accept {halt.symbol}"),),)
