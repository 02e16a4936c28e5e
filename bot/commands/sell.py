"""/sell: all that is held of a symbol, at the market, after a second tap. Also while trading is paused."""

from functools import partial

from bot.access.confirmations import Risk
from bot.commands.arguments.symbols import held_buttons, held_symbols, named_symbol
from bot.commands.base import Args, Command, bad_argument
from bot.commands.confirm import ask
from bot.commands.context import Caller, Desk
from bot.commands.manual_orders import Plan, place, plan, plan_lines
from bot.views.chat_message import ChatMessage
from core.domain.access import Role
from core.domain.messages import Hand
from core.domain.signal import Side

ROLE = Role.TRADER


async def run(desk: Desk, args: Args, caller: Caller) -> ChatMessage:
    """Bare, it offers what is held."""
    if not args:
        return held_buttons(desk, "sell")
    symbol = named_symbol(desk, args[0], held_symbols(desk))
    if len(args) > 1 or symbol is None:
        return bad_argument(desk, args, "sell SYMBOL")
    found = await plan(desk, Side.SELL, symbol, Hand(caller.user_id, caller.name))
    if not isinstance(found, Plan):
        why = desk.texts.reason(found) if desk.shows_figures(caller) else desk.texts("answer.in_private", bot=desk.bot_name())
        return ChatMessage(desk.texts("confirm.refused", reason=why))
    shown = "\n".join(plan_lines(desk, found)) if desk.shows_figures(caller) else desk.texts("plan.unshown", symbol=found.symbol)
    return ask(desk, caller, ROLE, shown, partial(place, desk, caller, found), risk=Risk.LOWERS)


COMMAND = Command("sell", run, role=ROLE, arguments="SYMBOL", in_any_group=bool)
