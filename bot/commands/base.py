"""The type of a command. A command reads the context and answers; to change anything it puts a message into the inbox."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.commands.actions import Trouble
from bot.commands.arguments.amounts import UnreadAmount
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.texts import Html, short
from bot.views.chat_message import ChatMessage
from core.domain.access import Role
from core.domain.messages import Body

Args = Sequence[str]
SYMBOL = "SYMBOL"
"""Stands for a symbol in usage and examples."""
NOT_HELD = "NOT_HELD"
"""Stands in examples for a symbol without a position."""


def never(_: Args) -> bool:
    """Allows no group but the owner's."""
    return False


def always(_: Args) -> bool:
    """Allows every group: the answer contains no figures of the account."""
    return True


@dataclass(frozen=True, slots=True)
class Command:
    """One command of the chat. `arguments` is its usage after the name and `examples` are some that work, with SYMBOL
    or NOT_HELD for a symbol; `role` is who may use it without arguments,
    `role_with_arguments` who may use it with some, where that differs. Behind a button it replaces the message, unless it
    `answers_anew`. `in_any_group` tells whether it is answered in a group that is not TG_CHAT_ID, where people read along whom
    the owner never meant."""

    name: str
    run: Callable[[CommandContext, Args, Caller], Awaitable[ChatMessage]]
    role: Role = Role.VIEWER
    arguments: str = ""
    examples: tuple[str, ...] = ("",)
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


def bad_argument(context: CommandContext, args: Args, command: Command, why: str = "") -> ChatMessage:
    """Returns that the arguments are not valid, and `why` where more can be said; with the accepted ones and an example that
    works."""
    usage = context.texts("answer.bad_argument", argument=short(" ".join(args)), usage=f"/{command.usage}")
    lines = [*([why] if why else []), usage]
    if command.arguments:
        lines.append(context.texts("answer.example", example=examples(context, command)[0]))
    return ChatMessage("\n".join(lines))


def why_unread(context: CommandContext, words: Args, error: UnreadAmount) -> Html:
    """Returns why words are no amount."""
    said = short(" ".join(words))
    return context.texts(error.key, **error.params) if error.key else context.texts("amount.none", words=said)


def examples(context: CommandContext, command: Command) -> list[str]:
    """Returns the examples of a command as they are written: about a symbol that is held, else one that is traded; to be bought
    one that is not held."""
    held = sorted({position.symbol for position in context.portfolio.open_positions()})
    traded = context.exchange.market.instruments() if context.exchange.symbols is None else context.exchange.symbols
    free = [symbol for symbol in sorted(traded) if symbol not in held]
    about = {SYMBOL: next(iter([*held, *free]), SYMBOL), NOT_HELD: next(iter([*free, *held]), SYMBOL)}
    lines = []
    for example in command.examples:
        words = [about.get(word, word) for word in example.split()]
        lines.append(" ".join([f"/{command.name}", *words]))
    return lines


async def request(context: CommandContext, body: Body, caller: Caller, mailbox: str = "") -> str:
    """Puts the caller's request into the inbox. Returns the sentence to show in place of the usual answer if it could not be
    stored or done; empty once it is done."""
    outcome = await context.actions.put(caller, body, mailbox)
    if not isinstance(outcome, Trouble):
        return context.texts.reason(outcome.reason) if outcome.reason is not None else ""
    return context.texts(outcome.value) if outcome.value else ""
