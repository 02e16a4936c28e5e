"""/resume: trade again, in the mode that is set; after a second tap."""

from functools import partial

from bot.asking import ask
from bot.command import Args, Command, always, bad_argument
from bot.commands.mode import change
from bot.confirmations import Risk
from bot.desk import Caller, Desk
from bot.message import ChatMessage
from bot.render import controls_lines
from core.domain.controls import Pause
from core.domain.messages import ControlsRequested
from core.domain.people import Role

ROLE = Role.OWNER


async def run(desk: Desk, args: Args, caller: Caller) -> ChatMessage:
    """Signals that came during the pause are not made up for."""
    if args:
        return bad_argument(desk, args, "resume")
    if desk.book.controls.pause is Pause.OFF:
        return ChatMessage(controls_lines(desk.book.controls, desk.texts), keys=desk.keys(caller))
    wish = ControlsRequested(caller.user_id, caller.name, pause=Pause.OFF)
    text = desk.texts("resume.ask", mode=desk.book.controls.mode, meaning=desk.texts(f"mode.{desk.book.controls.mode}"))
    return ask(desk, caller, ROLE, text, partial(change, desk, caller, wish), risk=Risk.RAISES)


COMMAND = Command("resume", run, role=ROLE, in_any_group=always)
