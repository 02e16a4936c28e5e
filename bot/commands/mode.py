"""/mode: whether a signal is executed at once, asked about first, or only told. Bare, it shows a button for each."""

from bot.command import Args, Command, bad_argument, request
from bot.desk import Caller, Desk
from bot.message import Button, ChatMessage
from bot.render import controls_lines
from core.domain.controls import Mode
from core.domain.messages import ControlsRequested
from core.domain.people import Role

_USAGE = "[auto|confirm|observe]"


async def run(desk: Desk, args: Args, caller: Caller) -> ChatMessage:
    """The buttons say the same commands as one would type."""
    trouble = ""
    if args:
        word = args[0].lower()
        if len(args) > 1 or word not in set(Mode):
            return bad_argument(desk, args, f"mode {_USAGE}")
        trouble = await request(desk, ControlsRequested(caller.user_id, caller.name, mode=Mode(word)), caller)
    return ChatMessage(trouble or _shown(desk), (_buttons(desk),))


def _shown(desk: Desk) -> str:
    meanings = "\n".join(f"{mode}: {desk.texts(f'mode.{mode}')}" for mode in Mode)
    return f"{controls_lines(desk.book.controls, desk.texts)}\n\n{meanings}"


def _buttons(desk: Desk) -> tuple[Button, ...]:
    present = desk.book.controls.mode
    return tuple(Button(("● " if mode is present else "") + mode, f"/mode {mode}") for mode in Mode)


COMMAND = Command("mode", run, arguments=_USAGE, role_with_arguments=Role.OWNER)
