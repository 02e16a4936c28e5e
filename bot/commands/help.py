"""/help: what the caller's role may say, by what it is for."""

from collections.abc import Callable, Mapping, Sequence

from bot.commands.base import Args, Command, always, bad_argument
from bot.commands.context import Caller, Desk
from bot.commands.pagination import choices
from bot.views.chat_message import ChatMessage
from core.domain.access import Role


def help_on(groups: Callable[[], Mapping[str, Sequence[Command]]]) -> Command:
    """/help on a list that it is itself a part of; by group."""

    async def run(desk: Desk, args: Args, caller: Caller) -> ChatMessage:
        words = [word.lower() for word in args]
        found = groups()
        if len(words) > 1 or (words and words[0] not in found):
            return bad_argument(desk, args, f"help [{'|'.join(found)}]")
        allowed = {name: [command for command in commands if caller.role >= command.role] for name, commands in found.items()}
        options = [(desk.texts(f"help.{name}"), f"/help {name}") for name, commands in allowed.items() if commands]
        if words:
            lines = [desk.texts(f"help.{words[0]}"), *(_line(desk, command) for command in allowed[words[0]])]
            lines[0] = desk.texts("help.head", title=lines[0])
            return ChatMessage("\n".join(lines), choices(desk.texts(f"help.{words[0]}"), options))
        lines = [desk.texts("help")]
        for name, commands in allowed.items():
            if commands:
                lines += [desk.texts("help.head", title=desk.texts(f"help.{name}")), _names(commands)]
        return ChatMessage("\n".join(lines), choices("", options))

    return Command("help", run, arguments="[reading|acting|telling|people]", in_any_group=always)


def _names(commands: Sequence[Command]) -> str:
    return " ".join(f"/{command.name}" for command in commands)


def _line(desk: Desk, command: Command) -> str:
    line = desk.texts("help.line", usage=command.usage, description=desk.texts(f"command.{command.name}"))
    needed = command.needed(("any",))
    return line + desk.texts("help.role", role=desk.texts(f"role.{needed.name.lower()}")) if needed > Role.VIEWER else line
