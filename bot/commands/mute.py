"""/mute: only urgent notifications for a while; the rest follow together afterwards."""

from datetime import timedelta

from bot.commands.arguments.durations import read_length
from bot.commands.base import Args, Command, always, bad_argument
from bot.commands.caller import Caller
from bot.commands.chat_preferences import chat_of, not_here, prefer
from bot.commands.context import CommandContext
from bot.views.chat_message import Button, ChatMessage

_USAGE = "[2h|off]"
_CHOICES = ("1h", "8h")
LONGEST = timedelta(days=7)


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Mutes the chat. Nothing is lost: withheld notifications come when it ends."""
    chat_id = chat_of(context, caller)
    if chat_id is None:
        return ChatMessage(not_here(context, caller))
    if args:
        length = timedelta() if args[0].lower() == "off" else read_length(args[0])
        if len(args) > 1 or length is None or length > LONGEST:
            return bad_argument(context, args, COMMAND)
        until = context.clock.now() + length if length else None
        if trouble := await prefer(context, caller, chat_id, muted_until=until):
            return ChatMessage(trouble)
    until = context.people.recipients.reader(chat_id).muted_until
    muted = until is not None and until > context.clock.now()
    text = (
        context.texts("mute.on", time=context.texts.full_moment(until))
        if until is not None and muted
        else context.texts("mute.off")
    )
    buttons = [Button(context.texts(f"mute.{choice}"), f"/mute {choice}") for choice in _CHOICES]
    if muted:
        buttons.append(Button(context.texts("mute.off_button"), "/mute off"))
    return ChatMessage(text, (tuple(buttons),))


COMMAND = Command("mute", run, arguments=_USAGE, examples=("2h", "off"), in_any_group=always)
