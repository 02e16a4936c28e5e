"""/start: introduces the bot and shows the current state. In private it also subscribes the person to notifications."""

from dataclasses import replace

from bot.access.roles import digest_of
from bot.commands import why
from bot.commands.actions import Trouble
from bot.commands.base import Args, Command
from bot.commands.caller import Caller
from bot.commands.chat_preferences import prefer
from bot.commands.context import CommandContext
from bot.views.chat_message import ChatMessage
from bot.views.trading_state import trading_state_lines
from core.domain.access import Role
from core.domain.messages import InviteUsed
from core.domain.trading_state import Mode

WHY_PREFIX = "why_"
"""The prefix of a link that shows a story: https://t.me/<bot>?start=why_<inbox seq>."""


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Answers /start; a deep link's word may ask for a story; other words are ignored."""
    known = context.portfolio.readers.get(caller.chat_id)
    if caller.in_private and (known is None or not known.active):
        trouble = await prefer(context, caller, caller.chat_id, active=True)
        if trouble:
            return ChatMessage(trouble)
    if len(args) == 1 and args[0].startswith(WHY_PREFIX):
        return await why.run(context, (args[0].removeprefix(WHY_PREFIX),), caller)
    return ChatMessage(_greeting(context, caller.role), keys=context.keys(caller))


async def joined(context: CommandContext, word: str, user_id: int, name: str, source_id: str) -> ChatMessage:
    """Lets in somebody who came with an invitation's word."""
    guest = Caller(user_id, name, Role.VIEWER, source_id, chat_id=user_id)
    outcome = await context.actions.put(guest, InviteUsed(digest_of(word), user_id, name))
    if isinstance(outcome, Trouble):
        return ChatMessage(context.texts(outcome.value) if outcome.value else context.texts("answer.pending"))
    if outcome.reason is not None:
        return ChatMessage(context.texts.reason(outcome.reason))
    role = context.people.roles.role(user_id) or Role.VIEWER
    await prefer(context, replace(guest, source_id=f"{source_id}:reader"), user_id, active=True)
    greeting = f"{context.texts('people.welcome', name=name)}\n\n{_greeting(context, role)}"
    return ChatMessage(greeting, keys=context.keys(replace(guest, role=role)))


def _greeting(context: CommandContext, role: Role) -> str:
    state = context.portfolio.trading_state
    # /mode confirm is for an owner, who alone sets the mode, while another one is set.
    key = "start" if role is Role.OWNER and state.mode is not Mode.CONFIRM else "start.other"
    role_name = context.texts(f"role.{role.name.lower()}")
    return context.texts(key, state=trading_state_lines(state, context.texts), role=role_name)


COMMAND = Command("start", run, in_any_group=lambda args: not args)
