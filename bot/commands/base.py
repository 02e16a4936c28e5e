"""What a command is. It reads the desk and answers; to change anything it puts a message into the inbox."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.commands.context import Caller, CommandContext, Trouble
from bot.texts import short
from bot.views.chat_message import ChatMessage
from core.domain.access import Role
from core.domain.messages import Body

Args = Sequence[str]


def never(_: Args) -> bool:
    """In no group but the owner's."""
    return False


def always(_: Args) -> bool:
    """In every group: nothing of what is answered is a figure of the account."""
    return True


@dataclass(frozen=True, slots=True)
class Command:
    """One command of the chat. `arguments` is its usage after the name; `role` is who may say it bare, `role_with_arguments` who
    may say it with some, where that differs. Behind a button it replaces the message, unless it `answers_anew`. `in_any_group`
    says whether it is answered, said like this, where others read along whom the owner never meant: in a group that is not
    TG_CHAT_ID."""

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
        """Who may say it like this. Whatever changes something needs more than a viewer."""
        return self.role_with_arguments if args and self.role_with_arguments is not None else self.role

    def changes(self, args: Args) -> bool:
        """Whether it changes something when said like this, so that it must not be done late or by an edit."""
        return self.needed(args) > Role.VIEWER


def bad_argument(context: CommandContext, args: Args, usage: str) -> ChatMessage:
    """The sentence with what is accepted."""
    return ChatMessage(context.texts("answer.bad_argument", argument=short(" ".join(args)), usage=f"/{usage}"))


async def request(context: CommandContext, wish: Body, caller: Caller, mailbox: str = "") -> str:
    """Puts what the caller wants into the inbox. The sentence that there is nothing to show but it; empty once it is done."""
    verdict = await context.put(caller, wish, mailbox)
    if not isinstance(verdict, Trouble):
        return context.texts.reason(verdict.reason) if verdict.reason is not None else ""
    return context.texts(verdict.value) if verdict.value else ""
