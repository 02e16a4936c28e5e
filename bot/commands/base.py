"""The type of a command. A command reads the context and answers; to change anything it puts a message into the inbox."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.commands.actions import Trouble
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.texts import short
from bot.views.chat_message import ChatMessage
from core.domain.access import Role
from core.domain.messages import Body

Args = Sequence[str]


def never(_: Args) -> bool:
    """Allows no group but the owner's."""
    return False


def always(_: Args) -> bool:
    """Allows every group: the answer contains no figures of the account."""
    return True


@dataclass(frozen=True, slots=True)
class Command:
    """One command of the chat. `arguments` is its usage after the name; `role` is who may use it without arguments,
    `role_with_arguments` who may use it with some, where that differs. Behind a button it replaces the message, unless it
    `answers_anew`. `in_any_group` tells whether it is answered in a group that is not TG_CHAT_ID, where people read along whom
    the owner never meant."""

    name: str
    run: Callable[[CommandContext, Args, Caller], Awaitable[ChatMessage]]
    role: Role = Role.VIEWER
    arguments: str = ""
    role_with_arguments: Role | None = None
    answers_anew: bool = False
    in_any_group: Callable[[Args], bool] = never

    @property
    def usage(self) -> str:
        return f"{self.name} {self.arguments}".strip()

    def needed(self, args: Args) -> Role:
        """Returns the role needed with these arguments. A command that changes something needs more than a viewer."""
        return self.role_with_arguments if args and self.role_with_arguments is not None else self.role

    def changes(self, args: Args) -> bool:
        """Tells whether it changes something with these arguments, so that it must not run late or by an edit."""
        return self.needed(args) > Role.VIEWER


def bad_argument(context: CommandContext, args: Args, usage: str) -> ChatMessage:
    """Returns the sentence with the accepted arguments."""
    return ChatMessage(context.texts("answer.bad_argument", argument=short(" ".join(args)), usage=f"/{usage}"))


async def request(context: CommandContext, body: Body, caller: Caller, mailbox: str = "") -> str:
    """Puts the caller's request into the inbox. Returns the sentence to show in place of the usual answer if it could not be
    stored or done; empty once it is done."""
    outcome = await context.actions.put(caller, body, mailbox)
    if not isinstance(outcome, Trouble):
        return context.texts.reason(outcome.reason) if outcome.reason is not None else ""
    return context.texts(outcome.value) if outcome.value else ""
