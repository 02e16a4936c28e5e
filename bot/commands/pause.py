"""/pause: trade no signals at all, or only those that close positions; for a while, or until somebody resumes."""

from datetime import timedelta

from bot.command import Args, Command, bad_argument, request
from bot.desk import Caller, Desk
from bot.lengths import read_length
from bot.message import ChatMessage
from bot.render import controls_lines
from core.domain.controls import Pause
from core.domain.messages import ControlsRequested
from core.domain.people import Role

_USAGE = "[all|entries] [for 2h]"
_WORDS = {(): Pause.ALL, ("all",): Pause.ALL, ("entries",): Pause.ENTRIES}
LONGEST = timedelta(days=30)


async def run(desk: Desk, args: Args, caller: Caller) -> ChatMessage:
    """Kept in the ledger: a restart does not forget it."""
    words = [word.lower() for word in args]
    length = None
    if len(words) >= 2 and words[-2] == "for":
        length = read_length(words[-1])
        if length is None or length > LONGEST:
            return bad_argument(desk, args, f"pause {_USAGE}")
        words = words[:-2]
    pause = _WORDS.get(tuple(words))
    if pause is None:
        return bad_argument(desk, args, f"pause {_USAGE}")
    until = desk.clock.now() + length if length is not None else None
    trouble = await request(desk, ControlsRequested(caller.user_id, caller.name, pause=pause, until=until), caller)
    return ChatMessage(trouble or controls_lines(desk.book.controls, desk.texts))


COMMAND = Command("pause", run, role=Role.TRADER, arguments=_USAGE)
