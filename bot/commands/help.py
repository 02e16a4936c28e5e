"""/help: what the caller's role may say, in the order of the list."""

from collections.abc import Callable, Sequence

from bot.command import Args, Command
from bot.desk import Caller, Desk
from bot.message import ChatMessage
from core.domain.people import Role


def help_on(commands: Callable[[], Sequence[Command]]) -> Command:
    """/help on a list that it is itself a part of."""

    async def run(desk: Desk, _args: Args, caller: Caller) -> ChatMessage:
        allowed = [command for command in commands() if caller.role >= command.role]
        return ChatMessage("\n".join([desk.texts("help"), *(_line(desk, command) for command in allowed)]))

    return Command("help", run)


def _line(desk: Desk, command: Command) -> str:
    line = desk.texts("help.line", usage=command.usage, description=desk.texts(f"command.{command.name}"))
    needed = command.needed(("any",))
    return line + desk.texts("help.role", role=needed.name.lower()) if needed > Role.VIEWER else line
