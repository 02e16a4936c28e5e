"""/zone: the time zone in which a person is shown times. Days stay UTC days, as the ledger counts them."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.command import Args, Command, bad_argument
from bot.desk import Caller, Desk
from bot.message import ChatMessage
from bot.preferences import prefer

_USAGE = "[Europe/Berlin]"


async def run(desk: Desk, args: Args, caller: Caller) -> ChatMessage:
    """By the IANA name of the zone."""
    if args:
        name = args[0]
        if len(args) > 1 or not _exists(name):
            return bad_argument(desk, args, f"zone {_USAGE}")
        if trouble := await prefer(desk, caller, caller.user_id, zone=name):
            return ChatMessage(trouble)
        desk = desk.spoken_to(caller.user_id)
    return ChatMessage(desk.texts("zone", zone=desk.zone, time=desk.texts.exact_time(desk.clock.now())))


def _exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


COMMAND = Command("zone", run, arguments=_USAGE)
