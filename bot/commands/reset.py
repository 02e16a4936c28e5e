"""/reset: starts a protection anew that stopped entries, after a second tap: the drawdown, or the losing exits in a row."""

from functools import partial

from bot.access.confirmations import Risk
from bot.commands.actions import Trouble
from bot.commands.base import Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.confirm import ask
from bot.commands.context import CommandContext
from bot.texts import Html
from bot.views.chat_message import Button, ChatMessage
from bot.views.number_format import share
from core.domain.access import Role
from core.domain.equity_mark import Protection
from core.domain.messages import ResetRequested
from core.policy.drawdown import drawdown_pct

ROLE = Role.OWNER
_USAGE = "[drawdown|losses]"


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Asks before it resets; without arguments it offers both."""
    if not args:
        row = tuple(Button(what, f"/reset {what}") for what in Protection)
        return ChatMessage(context.texts("reset"), (row,))
    if len(args) != 1 or args[0].lower() not in set(Protection):
        return bad_argument(context, args, COMMAND)
    what = Protection(args[0].lower())
    text = context.texts(f"reset.ask_{what}", before=_before(context, what))
    return ask(context, caller, ROLE, text, partial(_reset, context, caller, what), risk=Risk.RAISES)


def _before(context: CommandContext, what: Protection) -> Html | str:
    """Returns how far the protection has come."""
    if what is Protection.LOSSES:
        return str(context.portfolio.record.most_losing_exits)
    mark = context.portfolio.equity_mark
    return share(drawdown_pct(mark)) if mark is not None else context.texts("reset.unknown")


async def _reset(context: CommandContext, caller: Caller, what: Protection, source_id: str) -> str:
    outcome = await context.actions.put_as(source_id, ResetRequested(what, caller.user_id, caller.name))
    if isinstance(outcome, Trouble):
        return context.texts(outcome.value or "answer.known")
    if outcome.reason is not None:
        return context.texts("confirm.not_done", reason=context.texts.reason(outcome.reason))
    return context.texts("confirm.done_at_once", who=caller.name, time=context.texts.exact_time(context.clock.now()))


COMMAND = Command("reset", run, role=ROLE, arguments=_USAGE, examples=("drawdown", "losses"))
