"""/sell: sells the whole position in a symbol at the market, after a second tap. Works while trading is paused."""

from functools import partial

from bot.access.confirmations import Risk
from bot.commands.arguments.symbols import held_buttons, held_symbols, named_symbol
from bot.commands.base import Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.confirm import ask
from bot.commands.context import CommandContext
from bot.commands.manual_orders import Plan, place, plan, plan_lines, since_lines
from bot.views.chat_message import ChatMessage
from core.domain.access import Role
from core.domain.messages import ManualInstruction
from core.domain.signal import Side

ROLE = Role.TRADER


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Sells the symbol's position; without a symbol it offers the open positions."""
    if not args:
        return held_buttons(context, "sell")
    symbol = named_symbol(context, args[0], held_symbols(context))
    if len(args) > 1 or symbol is None:
        return bad_argument(context, args, "sell SYMBOL")
    found = await plan(context, Side.SELL, symbol, ManualInstruction(caller.user_id, caller.name))
    if not isinstance(found, Plan):
        why = (
            context.texts.reason(found)
            if context.shows_figures(caller)
            else context.texts("answer.in_private", bot=context.program.bot_name())
        )
        return ChatMessage(context.texts("confirm.refused", reason=why))
    unshown = [context.texts("plan.unshown", symbol=found.symbol), *since_lines(context, found)]
    shown = plan_lines(context, found) if context.shows_figures(caller) else unshown
    return ask(context, caller, ROLE, "\n".join(shown), partial(place, context, caller, found), risk=Risk.LOWERS)


COMMAND = Command("sell", run, role=ROLE, arguments="SYMBOL", in_any_group=bool)
