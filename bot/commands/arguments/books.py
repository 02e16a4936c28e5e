"""Books as people type them: a symbol, and `@` with the strategy where several of them hold it."""

from collections.abc import Sequence

from bot.commands.context import CommandContext
from bot.texts import short
from bot.views.book_names import MARK, book_name, book_words
from bot.views.chat_message import Button, ChatMessage
from core.domain.strategy_book import StrategyBook, strategy_number

_DATA_BYTES = 64  # of a button, https://core.telegram.org/bots/api#inlinekeyboardbutton
_MOST_BUTTONS = 20


def held_books(context: CommandContext, symbol: str) -> list[StrategyBook]:
    """Returns the books of `symbol` with a position that could be sold, by strategy."""
    return sorted(position.book for position in context.portfolio.open_positions() if position.symbol == symbol)


def is_named(context: CommandContext, book: StrategyBook) -> bool:
    """Tells whether the book's strategy has to be named: another one holds its symbol, too."""
    return any(one != book for one in held_books(context, book.symbol))


def name_of(context: CommandContext, book: StrategyBook) -> str:
    """Returns the book's name in a list."""
    return book_name(book, named=is_named(context, book))


def words_of(context: CommandContext, book: StrategyBook) -> str:
    """Returns the words that name the book in a command, and no other."""
    return book_words(book, named=is_named(context, book))


def book_asked(
    context: CommandContext, symbol: str, words: Sequence[str], command: str
) -> tuple[StrategyBook, Sequence[str]] | ChatMessage:
    """Returns the book that `symbol` and the `words` after it name, and the words that follow; or the answer that asks which one
    is meant, or says that there is none of that name. Where one strategy holds the symbol, it need not be named."""
    held = held_books(context, symbol)
    if words and words[0].startswith(MARK):
        return _named(context, symbol, words) or ChatMessage(_unknown(context, symbol, words[0]))
    if len(held) > 1:
        return _which(context, held, words, command)
    return (held[0] if held else StrategyBook(symbol)), words


def _named(context: CommandContext, symbol: str, words: Sequence[str]) -> tuple[StrategyBook, Sequence[str]] | None:
    """Returns the book whose strategy is named, and the words after its name, which may be of several words."""
    strategies = sorted(context.portfolio.strategies)
    for count in range(len(words), 0, -1):
        said = " ".join(words[:count]).removeprefix(MARK)
        found = [one for one in strategies if said in (" ".join(one.split()), f"#{strategy_number(one)}")]
        if len(found) == 1:
            return StrategyBook(symbol, found[0]), words[count:]
    return None


def _unknown(context: CommandContext, symbol: str, said: str) -> str:
    known = ", ".join(short(book.strategy) for book in held_books(context, symbol)) or "–"
    return context.texts("strategy.unknown", strategy=short(said), symbol=symbol, known=known)


def _which(context: CommandContext, held: Sequence[StrategyBook], words: Sequence[str], command: str) -> ChatMessage:
    """Asks which book is meant: one tap does what was written to the one chosen."""
    said = [(book, " ".join(["/" + command, book_words(book, named=True), *words])) for book in held[:_MOST_BUTTONS]]
    rows = tuple((Button(book_name(book, named=True), data),) for book, data in said if len(data.encode()) <= _DATA_BYTES)
    shown = {"symbol": held[0].symbol, "known": ", ".join(short(book.strategy) for book in held)}
    return ChatMessage(context.texts("strategy.which", command=command, **shown), rows)
