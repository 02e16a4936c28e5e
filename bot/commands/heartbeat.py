"""/heartbeat: a word every so many hours that all is well; its silence says that something is not."""

from bot.commands.base import Args, Command, always, bad_argument
from bot.commands.chat_preferences import chat_of, not_here, prefer
from bot.commands.context import Caller, Desk
from bot.views.chat_message import Button, ChatMessage

_USAGE = "[1h|2h|3h|4h|6h|12h|24h|off]"
_HOURS = {f"{hours}h": hours for hours in (1, 2, 3, 4, 6, 12, 24)} | {"off": 0}


async def run(desk: Desk, args: Args, caller: Caller) -> ChatMessage:
    """At whole hours of UTC."""
    chat_id = chat_of(desk, caller)
    if chat_id is None:
        return ChatMessage(not_here(desk, caller))
    if args:
        hours = _HOURS.get(args[0].lower())
        if hours is None or len(args) > 1:
            return bad_argument(desk, args, f"heartbeat {_USAGE}")
        if trouble := await prefer(desk, caller, chat_id, heartbeat_hours=hours):
            return ChatMessage(trouble)
    hours = desk.audience.reader(chat_id).heartbeat_hours
    text = desk.texts("heartbeat.on", hours=hours) if hours else desk.texts("heartbeat.off")
    buttons = tuple(Button(desk.texts("heartbeat.every", hours=each), f"/heartbeat {each}h") for each in (1, 6, 24))
    return ChatMessage(text, (buttons, (Button(desk.texts("heartbeat.stop"), "/heartbeat off"),)) if hours else (buttons,))


COMMAND = Command("heartbeat", run, arguments=_USAGE, in_any_group=always)
