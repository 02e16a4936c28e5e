"""/quiet: night hours with only urgent notifications; the rest follow together in the morning."""

import re
from datetime import time

from bot.commands.base import Args, Command, always
from bot.commands.caller import Caller
from bot.commands.chat_preferences import chat_of, not_here, prefer
from bot.commands.context import CommandContext
from bot.texts import short
from bot.views.chat_message import Button, ChatMessage
from core.domain.access import QuietHours

_USAGE = "[23:00-07:00|off]"
_HOURS = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Sets the hours by the person's time zone."""
    chat_id = chat_of(context, caller)
    if chat_id is None:
        return ChatMessage(not_here(context, caller))
    if args:
        hours = read_hours(args[0])
        if len(args) > 1 or (hours is None and args[0].lower() != "off"):
            return ChatMessage(context.texts("quiet.bad", argument=short(" ".join(args))), ((_night(context),),))
        if trouble := await prefer(context, caller, chat_id, quiet=hours):
            return ChatMessage(trouble)
    quiet = context.people.recipients.reader(chat_id).quiet
    if quiet is None:
        return ChatMessage(context.texts("quiet.off"), ((_night(context),),))
    shown = {"start": quiet.start.strftime("%H:%M"), "end": quiet.end.strftime("%H:%M"), "zone": context.zone}
    return ChatMessage(context.texts("quiet.on", **shown), ((Button(context.texts("quiet.stop"), "/quiet off"),),))


def _night(context: CommandContext) -> Button:
    return Button(context.texts("quiet.night"), "/quiet 23:00-07:00")


def read_hours(text: str) -> QuietHours | None:
    """Parses `23:00-07:00`; None for anything else, and for an empty span."""
    match = _HOURS.fullmatch(text)
    if match is None:
        return None
    hours = QuietHours(time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4])))
    return hours if hours.start != hours.end else None


COMMAND = Command("quiet", run, arguments=_USAGE, examples=("23:00-07:00", "off"), in_any_group=always)
