"""/pause: trade no signals at all, or only those that close positions."""

from bot.command import Args, Command, bad_argument, request
from bot.desk import Caller, Desk
from bot.message import ChatMessage
from bot.render import controls_lines
from core.domain.controls import Pause
from core.domain.messages import ControlsRequested
from core.domain.people import Role

_WORDS = {(): Pause.ALL, ("all",): Pause.ALL, ("entries",): Pause.ENTRIES}


async def run(desk: Desk, args: Args, caller: Caller) -> ChatMessage:
    """Kept in the ledger: a restart does not forget it."""
    pause = _WORDS.get(tuple(word.lower() for word in args))
    if pause is None:
        return bad_argument(desk, args, "pause [all|entries]")
    trouble = await request(desk, ControlsRequested(caller.user_id, caller.name, pause=pause), caller)
    return ChatMessage(trouble or controls_lines(desk.book.controls, desk.texts))


COMMAND = Command("pause", run, role=Role.TRADER, arguments="[all|entries]")
