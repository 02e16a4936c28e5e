"""/zone: the time zone of the times shown to a person. Days stay UTC days, as the ledger counts them."""

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from bot.commands.base import Args, Command, always
from bot.commands.caller import Caller
from bot.commands.chat_preferences import prefer
from bot.commands.context import CommandContext
from bot.texts import short
from bot.views.chat_message import Button, ChatMessage

_USAGE = "[Europe/Berlin]"
_OFFSET = re.compile(r"(?:utc|gmt)?([+-])(\d{1,2})", re.ASCII | re.IGNORECASE)
_SHOWN = 6


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Sets the zone by its IANA name."""
    if args:
        name = args[0]
        if len(args) > 1 or not _exists(name):
            near = near_zones("_".join(args))
            key = "zone.nearest" if near else "zone.bad"
            return ChatMessage(
                context.texts(key, argument=short(" ".join(args))), tuple((Button(zone, f"/zone {zone}"),) for zone in near)
            )
        if trouble := await prefer(context, caller, caller.user_id, zone=name):
            return ChatMessage(trouble)
        context = context.spoken_to(caller.user_id)
    return ChatMessage(context.texts("zone", zone=context.zone, time=context.texts.exact_time(context.clock.now())))


def near_zones(text: str) -> list[str]:
    """Returns the zones whose last part is `text`, or whose offset from UTC is always the one it states: `Moscow`, `+3`."""
    if match := _OFFSET.fullmatch(text):
        # In IANA's names the sign is reversed: Etc/GMT-3 is three hours ahead of UTC.
        name = f"Etc/GMT{'-' if match[1] == '+' else '+'}{int(match[2])}"
        return [name] if _exists(name) else []
    name = text.lower()
    found = [zone for zone in available_timezones() if zone.lower() == name or zone.lower().rpartition("/")[2] == name]
    return sorted(found, key=lambda zone: (zone.count("/") != 1, zone))[:_SHOWN]


def _exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


COMMAND = Command("zone", run, arguments=_USAGE, examples=("Europe/Berlin", "UTC"), in_any_group=always)
