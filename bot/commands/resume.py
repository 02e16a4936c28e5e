"""/resume: trade again, in the mode that is set; after a second tap."""

from functools import partial

from bot.access.confirmations import Risk
from bot.commands.base import Args, Command, always, bad_argument
from bot.commands.confirm import ask
from bot.commands.context import Caller, Desk
from bot.commands.mode import change
from bot.views.chat_message import ChatMessage
from bot.views.events import controls_lines
from core.domain.access import Role
from core.domain.messages import ControlsRequested
from core.domain.trading_state import Pause

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
