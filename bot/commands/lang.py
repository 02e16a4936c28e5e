"""/lang: the bot's language for a person."""

from bot.commands.base import Args, Command, always, bad_argument
from bot.commands.caller import Caller
from bot.commands.chat_preferences import prefer
from bot.commands.context import CommandContext
from bot.texts import LANGUAGES
from bot.views.chat_message import Button, ChatMessage

_USAGE = "[en|ru]"


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Sets a person's own language, in groups too; a group's alerts are in TG_LANG."""
    if args:
        language = args[0].lower()
        if len(args) > 1 or language not in LANGUAGES:
            return bad_argument(context, args, COMMAND)
        if trouble := await prefer(context, caller, caller.user_id, language=language):
            return ChatMessage(trouble)
        context = context.spoken_to(caller.user_id)
        if caller.in_private:  # one message has either buttons or the keyboard
            return ChatMessage(context.texts("lang"), keys=context.keys(caller))
    buttons = tuple(
        Button(("● " if language == context.language else "") + context.texts(f"lang.{language}"), f"/lang {language}")
        for language in LANGUAGES
    )
    return ChatMessage(context.texts("lang"), (buttons,))


COMMAND = Command("lang", run, arguments=_USAGE, examples=("en", "ru"), answers_anew=True, in_any_group=always)
