"""/buy: a manual entry, after a second tap; it has to pass every rule that a signal's entry does."""

from functools import partial

from bot.access.confirmations import Risk
from bot.commands.arguments.exits import NAMES, USAGE, exit_words
from bot.commands.arguments.symbols import known_symbols, named_symbol, not_traded, traded_buttons
from bot.commands.base import Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.confirm import ask
from bot.commands.context import CommandContext
from bot.commands.manual_orders import Plan, place, plan, plan_lines
from bot.views.chat_message import ChatMessage
from core.domain.access import Role
from core.domain.messages import ManualInstruction
from core.domain.signal import Side
from core.domain.strategy_book import StrategyBook
from core.policy.risk.limits import amount

ROLE = Role.TRADER
_USAGE = f"SYMBOL [50 | 20 WIF] {USAGE}"


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Buys the usual size with `/buy WIFUSDC`, an amount of the quote asset with `/buy WIFUSDC 50` or `50 USDC`, a quantity of
    the base asset with `/buy WIFUSDC 20 WIF`. What follows as `stop 5% target 10%` is its exit plan. Without arguments it offers
    the traded symbols."""
    if not args:
        return traded_buttons(context, "buy", COMMAND.usage)
    symbol = named_symbol(context, args[0], known_symbols(context))
    if symbol is not None and (unknown := not_traded(context, symbol, "buy")) is not None:
        return unknown
    size, exits = _split(args[1:])
    instruction = _instruction(context, symbol, size, caller) if symbol is not None else None
    words = exit_words(exits) if exits else None
    if symbol is None or instruction is None or (exits and (words is None or words.to_breakeven)):
        return bad_argument(context, args, COMMAND.usage)
    found = await plan(context, Side.BUY, StrategyBook(symbol), instruction, words.exits if words is not None else None)
    if not isinstance(found, Plan):
        return ChatMessage(context.texts("confirm.refused", reason=context.texts.reason(found)))
    return ask(
        context, caller, ROLE, "\n".join(plan_lines(context, found)), partial(place, context, caller, found), risk=Risk.RAISES
    )


def _split(args: Args) -> tuple[Args, Args]:
    """Returns the words of the size and those of the exit plan."""
    start = next((place for place, word in enumerate(args) if word.lower() in NAMES), len(args))
    return args[:start], args[start:]


def _instruction(context: CommandContext, symbol: str, size: Args, caller: Caller) -> ManualInstruction | None:
    if not size:
        return ManualInstruction(caller.user_id, caller.name)
    try:
        number = amount(size[0])
    except ValueError:
        return None
    instrument = context.exchange.market.instrument(symbol)
    match [word.upper() for word in size[1:]]:
        case []:
            return ManualInstruction(caller.user_id, caller.name, quote=number)
        case [asset] if instrument is not None and asset == instrument.base:
            return ManualInstruction(caller.user_id, caller.name, qty=number)
        case [asset] if instrument is not None and asset == instrument.quote:
            return ManualInstruction(caller.user_id, caller.name, quote=number)
    return None


COMMAND = Command("buy", run, role=ROLE, arguments=_USAGE)
