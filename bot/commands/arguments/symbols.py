"""Symbols as people type them."""

import re
from collections.abc import Collection
from difflib import get_close_matches

from bot.commands.arguments.books import name_of, words_of
from bot.commands.arguments.lookalikes import latin
from bot.commands.context import CommandContext
from bot.views.chat_message import Button, ChatMessage
from core.domain.assets import base_of

_SYMBOL = re.compile(r"[A-Z0-9-_.]{1,20}", re.ASCII)  # https://developers.binance.com/docs/binance-spot-api-docs/rest-api
_PAIR = re.compile(r"^([A-Z0-9]+)/([A-Z0-9]+)$", re.ASCII)
_OF_THREE = 7  # capitals that a third of a phone's width takes
_MOST_BUTTONS = 21
_NEAR = 3


def read_symbol(text: str) -> str | None:
    """Returns the symbol as the exchange writes it (`$wif/usdc` is WIFUSDC, also in Cyrillic letters that look like it); None for
    an impossible one."""
    name = _PAIR.sub(r"\1\2", latin(text).lstrip("$#"))
    return name if _SYMBOL.fullmatch(name) else None


def named_symbol(context: CommandContext, text: str, known: Collection[str]) -> str | None:
    """Returns the symbol meant: by its name, or by the base asset of exactly one of those `known`. None for an impossible one."""
    name = read_symbol(text)
    if name is None or name in known:
        return name
    if (joined := re.sub(r"[-_.]", "", name)) in known:
        return joined
    of_base = [symbol for symbol in known if context.exchange.priced(symbol).base == name]
    return of_base[0] if len(of_base) == 1 else name


def held_symbols(context: CommandContext) -> list[str]:
    """Returns the symbols with a position that could be sold, each once."""
    return list(dict.fromkeys(position.symbol for position in context.portfolio.open_positions()))


def known_symbols(context: CommandContext) -> list[str]:
    """Returns the symbols traded here and those with a position: every symbol of the exchange where none are named."""
    return sorted(
        set(held_symbols(context))
        | set(context.exchange.market.instruments() if context.exchange.symbols is None else context.exchange.symbols)
    )


def symbol_to_sell(context: CommandContext, text: str) -> str | None:
    """Returns the symbol meant by its name or base asset: one with a position before one that is only traded. None for an
    impossible one."""
    symbol = named_symbol(context, text, held := held_symbols(context))
    return symbol if symbol is None or symbol in held else named_symbol(context, text, known_symbols(context))


def several_held(context: CommandContext, base: str, command: str) -> ChatMessage | None:
    """Asks which position is meant if several are of that base asset; None if at most one is."""
    of_base = [symbol for symbol in held_symbols(context) if context.exchange.priced(symbol).base == base]
    return ChatMessage(context.texts(f"{command}.which"), _buttons(of_base, command)) if len(of_base) > 1 else None


def not_traded(context: CommandContext, symbol: str, command: str) -> ChatMessage | None:
    """Returns the answer that a symbol is not traded here, with a button for each similar one; None where it is traded, or
    where the traded symbols are not known yet."""
    known = known_symbols(context)
    if not known or symbol in known:
        return None
    near = _near(context, symbol, known)
    listed = ", ".join(known) if len(known) <= _MOST_BUTTONS else ", ".join(near)
    if not listed:
        return ChatMessage(context.texts("symbol.unknown", symbol=symbol))
    return ChatMessage(context.texts("symbol.not_traded", symbol=symbol, known=listed), _buttons(near, command))


def _near(context: CommandContext, symbol: str, known: Collection[str]) -> list[str]:
    """Returns the similar symbols, those of the same base asset first."""
    of_base = [each for each in known if context.exchange.priced(each).base == symbol]
    return list(dict.fromkeys([*of_base, *get_close_matches(symbol, known, n=_NEAR, cutoff=0.5)]))[:_NEAR]


def _buttons(symbols: Collection[str], command: str) -> tuple[tuple[Button, ...], ...]:
    buttons = [Button(symbol, f"/{command} {symbol}") for symbol in symbols]
    count = 3 if all(len(symbol) <= _OF_THREE for symbol in symbols) else 2
    return tuple(tuple(buttons[start : start + count]) for start in range(0, len(buttons), count))


def traded_buttons(context: CommandContext, command: str, usage: str) -> ChatMessage:
    """Returns a button for each symbol traded here; where every symbol of the exchange is, the usage."""
    known = known_symbols(context)
    if not known or len(known) > _MOST_BUTTONS:
        return ChatMessage(context.texts("answer.how", usage=f"/{usage}"))
    return ChatMessage(context.texts(f"{command}.which"), _buttons(known, command))


def held_buttons(context: CommandContext, command: str) -> ChatMessage:
    """Returns a button for each position."""
    held = context.portfolio.open_positions()
    if not held:
        return ChatMessage(context.texts("positions.none"))
    books = [position.book for position in held[:20]]
    rows = tuple((Button(name_of(context, book), f"/{command} {words_of(context, book)}"),) for book in books)
    return ChatMessage(context.texts(f"{command}.which"), rows)


async def meant_symbols(context: CommandContext, text: str) -> list[str]:
    """Returns the symbols that may be meant by a name or a base asset: those that were ever held before those that are only
    traded; the name itself where nothing is known of it, and none for an impossible one. Raises LedgerUnavailable."""
    name = read_symbol(text)
    if name is None:
        return []
    for known in (await context.ledger.analytics.symbols(), known_symbols(context)):
        exact = [each for each in known if each in (name, re.sub(r"[-_.]", "", name))]
        if found := exact or [each for each in known if name in (context.exchange.priced(each).base, base_of(each))]:
            return found
    return [name]


def which_symbol(context: CommandContext, symbols: Collection[str], command: str) -> ChatMessage:
    """Asks which of several symbols is meant."""
    return ChatMessage(context.texts("symbol.which"), _buttons(symbols, command))
