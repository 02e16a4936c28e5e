"""/help: the commands that the caller's role may use, by purpose."""

from collections.abc import Callable, Mapping, Sequence

from bot.commands.base import Args, Command, always, bad_argument
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.pagination import choices
from bot.views.chat_message import ChatMessage
from core.domain.access import Role


def help_on(groups: Callable[[], Mapping[str, Sequence[Command]]]) -> Command:
    """Returns /help for a list that contains it; by group."""

    async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
        words = [word.lower() for word in args]
        found = groups()
        if len(words) > 1 or (words and words[0] not in found):
            return bad_argument(context, args, f"help [{'|'.join(found)}]")
        allowed = {name: [command for command in commands if caller.role >= command.role] for name, commands in found.items()}
        options = [(context.texts(f"help.{name}"), f"/help {name}") for name, commands in allowed.items() if commands]
        if words:
            lines = [context.texts(f"help.{words[0]}"), *(_line(context, command) for command in allowed[words[0]])]
            lines[0] = context.texts("help.head", title=lines[0])
            return ChatMessage("\n".join(lines), choices(context.texts(f"help.{words[0]}"), options))
        lines = [context.texts("help")]
        for name, commands in allowed.items():
            if commands:
                lines += [context.texts("help.head", title=context.texts(f"help.{name}")), _names(commands)]
        return ChatMessage("\n".join(lines), choices("", options))

    return Command("help", run, arguments="[reading|acting|telling|people]", in_any_group=always)


def _names(commands: Sequence[Command]) -> str:
    return " ".join(f"/{command.name}" for command in commands)


def _line(context: CommandContext, command: Command) -> str:
    line = context.texts("help.line", usage=command.usage, description=context.texts(f"command.{command.name}"))
    needed = command.needed(("any",))
    return line + context.texts("help.role", role=context.texts(f"role.{needed.name.lower()}")) if needed > Role.VIEWER else line
