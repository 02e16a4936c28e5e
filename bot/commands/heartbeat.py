"""/heartbeat: a regular message that all is well; its absence shows that something is not."""

from bot.commands.base import Args, Command, always, bad_argument
from bot.commands.caller import Caller
from bot.commands.chat_preferences import chat_of, not_here, prefer
from bot.commands.context import CommandContext
from bot.views.chat_message import Button, ChatMessage

_USAGE = "[1h|2h|3h|4h|6h|12h|24h|off]"
_HOURS = {f"{hours}h": hours for hours in (1, 2, 3, 4, 6, 12, 24)} | {"off": 0}


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Sets the interval; heartbeats come at whole hours of UTC."""
    chat_id = chat_of(context, caller)
    if chat_id is None:
        return ChatMessage(not_here(context, caller))
    if args:
        hours = _HOURS.get(args[0].lower())
        if hours is None or len(args) > 1:
            return bad_argument(context, args, COMMAND)
        if trouble := await prefer(context, caller, chat_id, heartbeat_hours=hours):
            return ChatMessage(trouble)
    hours = context.people.recipients.reader(chat_id).heartbeat_hours
    text = context.texts("heartbeat.on", hours=hours) if hours else context.texts("heartbeat.off")
    buttons = tuple(Button(context.texts("heartbeat.every", hours=each), f"/heartbeat {each}h") for each in (1, 6, 24))
    return ChatMessage(text, (buttons, (Button(context.texts("heartbeat.stop"), "/heartbeat off"),)) if hours else (buttons,))


COMMAND = Command("heartbeat", run, arguments=_USAGE, examples=("6h", "off"), in_any_group=always)
