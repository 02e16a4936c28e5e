"""/pause: trade no signals at all, or only those that close positions; for a while, or until somebody resumes."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from bot.access.confirmations import Risk
from bot.commands.arguments.durations import read_length
from bot.commands.base import Args, Command, always, bad_argument, request
from bot.commands.caller import Caller
from bot.commands.confirm import ask
from bot.commands.context import CommandContext
from bot.commands.mode import change
from bot.commands.protection import legs_lines
from bot.commands.resume import ROLE as LOOSENS
from bot.views.chat_message import ChatMessage
from bot.views.trading_state import trading_state_lines
from core.domain.access import Role
from core.domain.messages import ControlsRequested
from core.domain.trading_state import Pause, TradingState

_USAGE = "[all|entries] [for 2h]"
_WORDS = {(): Pause.ALL, ("all",): Pause.ALL, ("entries",): Pause.ENTRIES}
LONGEST = timedelta(days=30)
_STRICT = {Pause.ALL: 2, Pause.ENTRIES: 1, Pause.OFF: 0}


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Pauses trading; the ledger keeps the pause across restarts. A pause that lets more through than the current one, or ends
    before it, needs the same right and confirmation as resuming."""
    words = [word.lower() for word in args]
    length = None
    if len(words) >= 2 and words[-2] == "for":
        length = read_length(words[-1])
        if length is None or length > LONGEST:
            return bad_argument(context, args, COMMAND)
        words = words[:-2]
    pause = _WORDS.get(tuple(words))
    if pause is None:
        return bad_argument(context, args, COMMAND)
    until = context.clock.now() + length if length is not None else None
    body = ControlsRequested(caller.user_id, caller.name, pause=pause, until=until)
    if _loosens(context.portfolio.trading_state, pause, until):
        if caller.role < LOOSENS:
            return ChatMessage(
                f"{context.texts('pause.stricter')}\n\n{trading_state_lines(context.portfolio.trading_state, context.texts)}"
            )
        after = trading_state_lines(replace(context.portfolio.trading_state, pause=pause, until=until), context.texts)
        text = f"{context.texts('pause.ask')}\n\n{after}"
        return ask(context, caller, LOOSENS, text, partial(change, context, caller, body), risk=Risk.RAISES)
    trouble = await request(context, body, caller)
    return ChatMessage(trouble or _paused(context, caller), keys=context.keys(caller))


def _paused(context: CommandContext, caller: Caller) -> str:
    """Returns the state after it, and how many positions stay open while exits are ignored too."""
    state: str = trading_state_lines(context.portfolio.trading_state, context.texts)
    waiting = sum(order.waits_to_buy for order in context.portfolio.resting.values())
    if waiting and context.shows_figures(caller):
        state = "\n".join([state, context.texts("entry.taken_off", count=waiting)])
    count = len(context.portfolio.open_positions())
    if context.portfolio.trading_state.pause is not Pause.ALL or not count or not context.shows_figures(caller):
        return state
    return "\n".join([state, context.texts("pause.open", count=count), *legs_lines(context, "protection.stays")])


def _loosens(before: TradingState, pause: Pause, until: datetime | None) -> bool:
    """Tells whether more would be traded than now, at once or once it is over."""
    if before.pause is Pause.OFF:
        return False
    return _STRICT[pause] < _STRICT[before.pause] or (until is not None and (before.until is None or until < before.until))


COMMAND = Command("pause", run, role=Role.TRADER, arguments=_USAGE, examples=("entries for 2h", "", "all"), in_any_group=always)
