"""/help: the commands that the caller's role may use, by purpose; how one of them is used."""

from collections.abc import Callable, Mapping, Sequence

from bot.commands.base import Args, Command, always, bad_argument, examples
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.pagination import choices
from bot.texts import short
from bot.views.chat_message import Button, ChatMessage
from core.domain.access import Role

_EXAMPLES = ("", "buy", "settings")
_ANY = ("any",)


def help_on(groups: Callable[[], Mapping[str, Sequence[Command]]], nearest: Callable[[str], Sequence[str]]) -> Command:
    """Returns /help for a list that contains it, by group; `nearest` finds the commands that a word most likely means."""

    async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
        found, word = groups(), args[0].lower().removeprefix("/") if args else ""
        if len(args) > 1:
            return bad_argument(context, args, command)
        if args and word not in found:
            return _of_word(context, word, found, nearest(word))
        return _listed(context, word, found, caller)

    command = Command("help", run, arguments="[COMMAND | reading|acting|telling|people]", examples=_EXAMPLES, in_any_group=always)
    return command


def _listed(context: CommandContext, word: str, found: Mapping[str, Sequence[Command]], caller: Caller) -> ChatMessage:
    """Returns the names of all commands of the caller's role, or the lines of the group `word`."""
    allowed = {name: [command for command in commands if caller.role >= command.role] for name, commands in found.items()}
    options = [(context.texts(f"help.{name}"), f"/help {name}") for name, commands in allowed.items() if commands]
    if word:
        lines = [context.texts(f"help.{word}"), *(_line(context, command) for command in allowed[word])]
        lines[0] = context.texts("help.head", title=lines[0])
        return ChatMessage("\n".join(lines), choices(context.texts(f"help.{word}"), options))
    lines = [context.texts("help")]
    for name, commands in allowed.items():
        if commands:
            lines += [context.texts("help.head", title=context.texts(f"help.{name}")), _names(commands)]
    return ChatMessage("\n".join(lines), choices("", options))


def _of_word(context: CommandContext, word: str, found: Mapping[str, Sequence[Command]], near: Sequence[str]) -> ChatMessage:
    """Returns how the command that `word` names is used, in English or Russian; else which ones were probably meant."""
    commands = {command.name: (group, command) for group, of_group in found.items() for command in of_group}
    if len(near) == 1 and near[0] in commands and (word in commands or not word.isascii()):
        return _use(context, *commands[near[0]])
    if not near:
        return ChatMessage(context.texts("help.unknown", name=short(word)))
    text = context.texts("help.unknown_nearest", name=short(word), nearest=", ".join(f"/{name}" for name in near))
    return ChatMessage(text, (tuple(Button(f"/help {name}", f"/help {name}") for name in near),))


def _use(context: CommandContext, group: str, command: Command) -> ChatMessage:
    """Returns what a command does, its usage, examples that work, and who may use it."""
    texts = context.texts
    lines = [
        texts("help.head", title=f"/{command.name}: {texts(f'command.{command.name}')}"),
        texts(f"about.{command.name}"),
        "",
        texts("help.usage", usage=f"/{command.usage}"),
        texts("help.examples"),
        *(texts("help.example", example=line) for line in examples(context, command)),
        "",
        _who(context, command),
    ]
    back = Button(texts("settings.back_to", title=texts(f"help.{group}")), f"/help {group}")
    return ChatMessage("\n".join(lines), ((back,),))


def _who(context: CommandContext, command: Command) -> str:
    role, more = (context.texts(f"help.{one.name.lower()}") for one in (command.role, command.needed(_ANY)))
    return context.texts("help.who" if role == more else "help.who_changes", role=role, more=more)


def _names(commands: Sequence[Command]) -> str:
    return " ".join(f"/{command.name}" for command in commands)


def _line(context: CommandContext, command: Command) -> str:
    line = context.texts("help.line", usage=command.usage, description=context.texts(f"command.{command.name}"))
    needed = command.needed(_ANY)
    return line + context.texts("help.role", role=context.texts(f"role.{needed.name.lower()}")) if needed > Role.VIEWER else line
