"""Books by name: the symbol and, where that is not enough, its strategy, as `/close` takes them. Pure."""

from bot.texts import Html, Texts, short
from core.domain.strategy_book import DEFAULT_STRATEGY, StrategyBook, strategy_number

MARK = "@"
"""Precedes the name of a strategy, and `MARK#` its number."""

_LONGEST = 12  # bytes: a button's data has 64


def book_name(book: StrategyBook, *, named: bool = False) -> str:
    """Returns the book's name in a list: its strategy is left out if it is the default one, unless it has to be `named`."""
    is_named = named or book.strategy != DEFAULT_STRATEGY
    return f"{book.symbol} {MARK}{short(book.strategy)}" if is_named else book.symbol


def book_words(book: StrategyBook, *, named: bool = False) -> str:
    """Returns the words that name the book in a command, short enough for a button."""
    if not named and book.strategy == DEFAULT_STRATEGY:
        return book.symbol
    return f"{book.symbol} {MARK}{strategy_words(book.strategy)}"


def strategy_words(strategy: str) -> str:
    """Returns the word that names the strategy in a command, short enough for a button: its name, or its number."""
    is_short = len(strategy.encode("utf-8", "replace")) <= _LONGEST
    return strategy if is_short else f"#{strategy_number(strategy)}"


def strategy_lines(strategy: str, texts: Texts) -> list[Html]:
    """Returns the line that names the strategy of an alert; nothing for the default one."""
    return [] if strategy == DEFAULT_STRATEGY else [texts("strategy", strategy=short(strategy))]
