"""/mute: for a while only what is urgent is told; the rest comes together afterwards."""

from datetime import timedelta

from bot.commands.arguments.durations import read_length
from bot.commands.base import Args, Command, always, bad_argument
from bot.commands.chat_preferences import chat_of, not_here, prefer
from bot.commands.context import Caller, Desk
from bot.views.chat_message import Button, ChatMessage

_USAGE = "[2h|off]"
_CHOICES = ("1h", "8h")
LONGEST = timedelta(days=7)


async def run(desk: Desk, args: Args, caller: Caller) -> ChatMessage:
    """Nothing is lost: what came meanwhile is told when it ends."""
    chat_id = chat_of(desk, caller)
    if chat_id is None:
        return ChatMessage(not_here(desk, caller))
    if args:
        length = timedelta() if args[0].lower() == "off" else read_length(args[0])
        if len(args) > 1 or length is None or length > LONGEST:
            return bad_argument(desk, args, f"mute {_USAGE}")
        until = desk.clock.now() + length if length else None
        if trouble := await prefer(desk, caller, chat_id, muted_until=until):
            return ChatMessage(trouble)
    until = desk.audience.reader(chat_id).muted_until
    muted = until is not None and until > desk.clock.now()
    text = desk.texts("mute.on", time=desk.texts.full_moment(until)) if until is not None and muted else desk.texts("mute.off")
    buttons = [Button(desk.texts(f"mute.{choice}"), f"/mute {choice}") for choice in _CHOICES]
    if muted:
        buttons.append(Button(desk.texts("mute.off_button"), "/mute off"))
    return ChatMessage(text, (tuple(buttons),))


COMMAND = Command("mute", run, arguments=_USAGE, in_any_group=always)
