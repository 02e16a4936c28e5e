"""Alerts about another program on this bot's token, with how long entries wait for it. Pure."""

from bot.texts import Html, Texts, short
from core.domain.events.process import AnotherProgram

QUIET_SECONDS = 45
"""A program whose poll lasts so long undisturbed is alone. Telegram ends every poll after 50 s."""
STAYS_SECONDS = 60
"""Another program that is still there after so long stops the entries of one that was alone."""
_WHO_SHOWN = 160


def another_program(event: AnotherProgram, texts: Texts) -> Html:
    """Returns the alert that one came, stays or is gone."""
    key = f"another.came.{event.effect}" if event.what == "came" else f"another.{event.what}"
    return texts(key, who=short(event.who, _WHO_SHOWN), quiet=QUIET_SECONDS, stays=STAYS_SECONDS)
