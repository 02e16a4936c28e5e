"""Symbols as people type them."""

import re

from bot.desk import Desk
from bot.message import Button, ChatMessage

_SYMBOL = re.compile(r"[A-Z0-9-_.]{1,20}", re.ASCII)  # https://developers.binance.com/docs/binance-spot-api-docs/rest-api


def read_symbol(text: str) -> str | None:
    """In capitals; None for what can be no symbol."""
    name = text.upper()
    return name if _SYMBOL.fullmatch(name) else None


def held_buttons(desk: Desk, command: str) -> ChatMessage:
    """What is held, with a button for each."""
    held = desk.book.open_positions()
    if not held:
        return ChatMessage(desk.texts("positions.none"))
    rows = tuple((Button(position.symbol, f"/{command} {position.symbol}"),) for position in held[:20])
    return ChatMessage(desk.texts(f"{command}.which"), rows)
