"""The keyboard below the writing line: the five commands that one uses. Pure."""

from bot.texts import LANGUAGES, Texts, texts

ROWS = (("status", "positions", "pnl"), ("signals", "pause"))


def keys(words: Texts) -> tuple[tuple[str, ...], ...]:
    """The labels, row by row."""
    return tuple(tuple(words(f"key.{name}") for name in row) for row in ROWS)


def command_of(text: str) -> str | None:
    """The command that a label stands for, in whichever language it was shown; None for any other text."""
    for language in LANGUAGES:
        words = texts(language)
        for row in ROWS:
            for name in row:
                if text.strip() == words(f"key.{name}"):
                    return f"/{name}"
    return None
