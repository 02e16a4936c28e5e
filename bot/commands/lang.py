"""/lang: the language in which the bot speaks to a person."""

from bot.commands.base import Args, Command, always, bad_argument
from bot.commands.chat_preferences import prefer
from bot.commands.context import Caller, Desk
from bot.texts import LANGUAGES
from bot.views.chat_message import Button, ChatMessage

_USAGE = "[en|ru]"


async def run(desk: Desk, args: Args, caller: Caller) -> ChatMessage:
    """Each person has their own, in groups too; a group's alerts are in TG_LANG."""
    if args:
        language = args[0].lower()
        if len(args) > 1 or language not in LANGUAGES:
            return bad_argument(desk, args, f"lang {_USAGE}")
        if trouble := await prefer(desk, caller, caller.user_id, language=language):
            return ChatMessage(trouble)
        desk = desk.spoken_to(caller.user_id)
        if caller.in_private:  # one message has either buttons or the keyboard
            return ChatMessage(desk.texts("lang"), keys=desk.keys(caller))
    buttons = tuple(
        Button(("● " if language == desk.language else "") + desk.texts(f"lang.{language}"), f"/lang {language}")
        for language in LANGUAGES
    )
    return ChatMessage(desk.texts("lang"), (buttons,))


COMMAND = Command("lang", run, arguments=_USAGE, answers_anew=True, in_any_group=always)
