"""Replies to refused messages: an unknown command, a missing role, a command that is too old."""

from collections.abc import Sequence
from datetime import timedelta

from bot.commands import nearest
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.parser import ParsedCommand
from bot.texts import Html, Texts, short
from bot.views.chat_message import Button, ChatMessage
from bot.views.reply_keyboard import command_meant
from core.domain.access import Role

_CLOSE = 0.81  # a plain word is less likely a command than one with a slash
_WORDS_TRIED = 8  # of a sentence, for the command that it may mean


def button_needs_role(context: CommandContext, needed: Role, caller: Caller) -> str:
    """Returns the text over a button that the caller's role does not allow."""
    return context.texts("answer.role_button", needed=_role(context.texts, needed), role=_role(context.texts, caller.role))


def command_needs_role(context: CommandContext, asked: ParsedCommand, caller: Caller) -> ChatMessage:
    """Returns the reply to a command that the caller's role does not allow."""
    needed, role = _role(context.texts, asked.needed), _role(context.texts, caller.role)
    only_with_these = asked.command is not None and asked.command.role <= caller.role
    command = " ".join((asked.name, *asked.args)) if only_with_these else asked.name
    return ChatMessage(context.texts("answer.role", command=short(command), needed=needed, role=role))


def too_old(context: CommandContext, asked: ParsedCommand, age: timedelta) -> ChatMessage:
    """Returns the reply to a command that changes something and arrives late."""
    return ChatMessage(context.texts("answer.old", command=short(asked.name), age=context.texts.duration(age)))


def unknown_command(name: str, texts: Texts) -> ChatMessage:
    """Returns the reply to an unknown command, with a button for each command that was probably meant."""
    near = nearest(name) or nearest(command_meant(name) or "")
    if not near:
        return ChatMessage(texts("answer.unknown", command=short(name)))
    return _with_buttons(texts("answer.unknown_nearest", command=short(name), nearest=_slashed(near)), near)


def no_command(text: str, texts: Texts) -> ChatMessage:
    """Returns the reply to a sentence without a command, with a button for a command that it names without its slash."""
    words = text.split()[:_WORDS_TRIED]
    meant = next((found for word in words if (found := command_meant(word)) is not None), None)
    near = [meant] if meant is not None else nearest(words[0], _CLOSE) if words else []
    if not near:
        return ChatMessage(texts("answer.no_command"))
    return _with_buttons(texts("answer.no_command_nearest", nearest=_slashed(near)), near)


def _role(texts: Texts, role: Role) -> Html:
    return texts(f"role.{role.name.lower()}")


def _with_buttons(text: Html, near: Sequence[str]) -> ChatMessage:
    return ChatMessage(text, (tuple(Button(f"/{each}", f"/{each}") for each in near),))


def _slashed(names: Sequence[str]) -> str:
    return ", ".join(f"/{each}" for each in names)
