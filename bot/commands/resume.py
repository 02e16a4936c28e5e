"""/resume: trades again, in the current mode, after a second tap."""

from functools import partial

from bot.access.confirmations import Risk
from bot.commands.base import Args, Command, always, bad_argument
from bot.commands.caller import Caller
from bot.commands.confirm import ask
from bot.commands.context import CommandContext
from bot.commands.mode import change
from bot.views.chat_message import ChatMessage
from bot.views.trading_state import trading_state_lines
from core.domain.access import Role
from core.domain.messages import ControlsRequested
from core.domain.trading_state import Pause

ROLE = Role.OWNER


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Ends the pause. Signals missed while paused are not traded."""
    if args:
        return bad_argument(context, args, COMMAND)
    if context.portfolio.trading_state.pause is Pause.OFF:
        return ChatMessage(trading_state_lines(context.portfolio.trading_state, context.texts), keys=context.keys(caller))
    body = ControlsRequested(caller.user_id, caller.name, pause=Pause.OFF)
    mode = context.portfolio.trading_state.mode
    text = context.texts("resume.ask", mode=mode, meaning=context.texts(f"mode.{mode}"))
    return ask(context, caller, ROLE, text, partial(change, context, caller, body), risk=Risk.RAISES)


COMMAND = Command("resume", run, role=ROLE, in_any_group=always)
