"""Notification settings of a chat, as commands change them: a person's own chat, or a group's by an owner."""

from dataclasses import replace
from typing import Any

from bot.commands.base import request
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.texts import Html
from core.domain.access import Reader, Role
from core.domain.messages import ReaderRequested


def chat_of(context: CommandContext, caller: Caller) -> int | None:
    """Returns the chat that this person's setting applies to: the current one. None in a group for anybody but an owner."""
    if caller.in_private:
        return caller.user_id
    return caller.chat_id if caller.role is Role.OWNER and caller.chat_id == context.people.recipients.chat_id else None


async def prefer(context: CommandContext, caller: Caller, chat_id: int, **changes: Any) -> str:
    """Sets fields of the chat's Reader; levels not given stay. Returns the sentence that says why not; empty once it is done."""
    reader = replace(Reader(chat_id), **changes)
    return await request(context, ReaderRequested(reader, caller.user_id, caller.name, tuple(changes)), caller)


def not_here(context: CommandContext, caller: Caller) -> Html:
    """Returns the answer for a group where this person may not set it, or there is nothing to set."""
    if caller.role is Role.OWNER:
        return context.texts("prefer.not_told", chat_id=caller.chat_id)
    return context.texts("prefer.not_here")
