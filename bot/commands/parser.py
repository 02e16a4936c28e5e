"""Parses a command, typed or behind a button. Pure, and safe with hostile input."""

from dataclasses import dataclass, replace

from bot.commands import BY_NAME
from bot.commands.arguments.durations import with_units
from bot.commands.arguments.russian import in_english
from bot.commands.base import Command
from bot.views.chat_message import ChatMessage
from core.domain.access import Role


@dataclass(frozen=True, slots=True)
class ParsedCommand:
    """A command as somebody wrote it; `command` is None where the name is unknown."""

    name: str
    args: tuple[str, ...]
    command: Command | None

    @property
    def needed(self) -> Role:
        """Returns the role needed for it as written."""
        return self.command.needed(self.args) if self.command is not None else Role.VIEWER

    @property
    def changes(self) -> bool:
        """Tells whether it would change something."""
        return self.command is not None and self.command.changes(self.args)

    def allowed(self, role: Role) -> bool:
        return role >= self.needed


def parse_command(text: str, username: str) -> ParsedCommand | None:
    """Parses a line; None if it is not a command, or is for another bot (`/pause@OtherBot` in a group)."""
    words = text.split()
    if not words or not words[0].startswith("/") or len(words[0]) == 1:
        return None
    name, at, addressee = words[0][1:].partition("@")
    if at and addressee.lower() != username.lower():
        return None
    command = name.lower()
    return ParsedCommand(name, in_english(command, with_units(command, words[1:])), BY_NAME.get(command))


def tappable(answer: ChatMessage, role: Role) -> ChatMessage:
    """Leaves out the buttons whose command takes a higher role than the reader's."""
    said = {button: parse_command(button.data, "") for row in answer.keyboard for button in row}
    kept = (tuple(button for button in row if (one := said[button]) is None or one.allowed(role)) for row in answer.keyboard)
    return replace(answer, keyboard=tuple(row for row in kept if row))
