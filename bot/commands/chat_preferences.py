"""How a chat wants to be told, as commands change it: the person's own chat, or a group by an owner."""

from dataclasses import replace
from typing import Any

from bot.commands.base import request
from bot.commands.context import Caller, CommandContext
from bot.texts import Html
from core.domain.access import Reader, Role
from core.domain.messages import ReaderRequested


def chat_of(context: CommandContext, caller: Caller) -> int | None:
    """The chat that this person's wish is about: the one it is said in. None in a group for who is no owner."""
    if caller.in_private:
        return caller.user_id
    return caller.chat_id if caller.role is Role.OWNER and caller.chat_id == context.recipients.chat_id else None


def role_in(context: CommandContext, caller: Caller) -> Role:
    """As whom that chat is told."""
    return Role.OWNER if caller.chat_id == context.recipients.chat_id else caller.role


async def prefer(context: CommandContext, caller: Caller, chat_id: int, **changes: Any) -> str:
    """Sets fields of the chat's Reader, of its levels those given. The sentence that says why not; empty once it is done."""
    reader = replace(Reader(chat_id), **changes)
    return await request(context, ReaderRequested(reader, caller.user_id, caller.name, tuple(changes)), caller)


def not_here(context: CommandContext, caller: Caller) -> Html:
    """For a group where this person may not set it, or there is nothing to set."""
    if caller.role is Role.OWNER:
        return context.texts("prefer.not_told", chat_id=caller.chat_id)
    return context.texts("prefer.not_here")
