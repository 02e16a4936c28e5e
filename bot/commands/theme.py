"""/theme: light or dark charts, for a person."""

from bot.commands.base import Args, Command, always, bad_argument
from bot.commands.caller import Caller
from bot.commands.chat_preferences import prefer
from bot.commands.context import CommandContext
from bot.reports.charts import THEMES
from bot.views.chat_message import Button, ChatMessage

_USAGE = "[dark|light]"


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Sets a person's own theme, in groups too."""
    if args:
        theme = args[0].lower()
        if len(args) > 1 or theme not in THEMES:
            return bad_argument(context, args, COMMAND)
        if trouble := await prefer(context, caller, caller.user_id, theme=theme):
            return ChatMessage(trouble)
        context = context.spoken_to(caller.user_id)
    buttons = tuple(
        Button(("● " if theme == context.theme else "") + context.texts(f"theme.{theme}"), f"/theme {theme}") for theme in THEMES
    )
    return ChatMessage(context.texts("theme", theme=context.texts(f"theme.{context.theme}")), (buttons,))


COMMAND = Command("theme", run, arguments=_USAGE, examples=("light", "dark"), in_any_group=always)
