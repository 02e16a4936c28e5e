"""/resume: trade again, in the mode that is set."""

from bot.command import Args, Command, bad_argument, request
from bot.desk import Caller, Desk
from bot.message import ChatMessage
from bot.render import controls_lines
from core.domain.controls import Pause
from core.domain.messages import ControlsRequested
from core.domain.people import Role


async def run(desk: Desk, args: Args, caller: Caller) -> ChatMessage:
    """Signals that came during the pause are not made up for."""
    if args:
        return bad_argument(desk, args, "resume")
    trouble = await request(desk, ControlsRequested(caller.user_id, caller.name, pause=Pause.OFF), caller)
    return ChatMessage(trouble or controls_lines(desk.book.controls, desk.texts))


COMMAND = Command("resume", run, role=Role.OWNER)
