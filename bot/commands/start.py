"""/start: what this is and how things stand."""

from bot.command import Args, Command
from bot.desk import Caller, Desk
from bot.message import ChatMessage
from bot.render import controls_lines


async def run(desk: Desk, _args: Args, caller: Caller) -> ChatMessage:
    """Whatever stands behind /start (a deep link's word) is not looked at."""
    state = controls_lines(desk.book.controls, desk.texts)
    return ChatMessage(desk.texts("start", state=state, role=caller.role.name.lower()))


COMMAND = Command("start", run)
