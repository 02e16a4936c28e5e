"""The keyboard below the input field: the five most used commands, by role and state. Pure."""

from difflib import get_close_matches

from bot.texts import LANGUAGES, Texts, texts
from core.domain.access import Role
from core.domain.trading_state import Pause, TradingState

_FIRST = ("status", "positions", "pnl")
_NAMES = (*_FIRST, "signals", "trades", "pause", "resume")

Keys = tuple[tuple[str, ...], ...]


def keys(words: Texts, role: Role, trading_state: TradingState) -> Keys:
    """Returns the labels, row by row: an owner may resume a pause, a viewer neither pauses nor resumes."""
    if role < Role.TRADER:
        last = "trades"
    elif role is Role.OWNER and trading_state.pause is not Pause.OFF:
        last = "resume"
    else:
        last = "pause"
    return tuple(tuple(words(f"key.{name}") for name in row) for row in (_FIRST, ("signals", last)))


def command_of(text: str) -> str | None:
    """Returns the command that a label stands for, in any language; None for any other text."""
    for language in LANGUAGES:
        words = texts(language)
        for name in _NAMES:
            if text.strip() == words(f"key.{name}"):
                return f"/{name}"
    return None


def command_meant(word: str) -> str | None:
    """Returns the name of the command that a plain word most likely means, in any language; None for others."""
    labels = {plain_word(texts(language)(f"key.{name}")): name for language in LANGUAGES for name in _NAMES}
    labels |= {alias: name for language in LANGUAGES for name in _NAMES for alias in texts(language)(f"word.{name}").split()}
    found = get_close_matches(word.lower(), labels, n=1, cutoff=0.75)
    return labels[found[0]] if found else None


def plain_word(label: str) -> str:
    """Returns a label without its picture."""
    return label.partition(" ")[2].lower() or label.lower()
