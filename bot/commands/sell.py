"""/sell: sells a position or a part of it at the market, after a second tap. Works while trading is paused."""

from functools import partial

from bot.access.confirmations import Risk
from bot.commands.arguments.amounts import PER_CENT, UnreadAmount, typed_amount
from bot.commands.arguments.books import book_asked, name_of
from bot.commands.arguments.symbols import held_buttons, several_held, symbol_to_sell
from bot.commands.base import Args, Command, bad_argument, why_unread
from bot.commands.caller import Caller
from bot.commands.confirm import ask
from bot.commands.context import CommandContext
from bot.commands.manual_orders import Plan, place, plan, plan_lines, since_lines
from bot.texts import Html, short
from bot.views.chat_message import ChatMessage
from core.domain.access import Role
from core.domain.messages import ManualInstruction
from core.domain.money import HUNDRED, divide, multiply, plain
from core.domain.money import amount as worth_of
from core.domain.reasons import Reason, reason
from core.domain.signal import Side
from core.domain.strategy_book import StrategyBook

ROLE = Role.TRADER
_ALL = "all"
_USAGE = "SYMBOL [@STRATEGY] [20 | 50%]"


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Sells the symbol's position, an amount of its base asset (`/sell WIF 20`) or a share of it (`/sell WIF 50%`); without a
    symbol it offers the open positions."""
    if not args:
        return held_buttons(context, "sell")
    symbol = symbol_to_sell(context, args[0])
    if symbol is not None and (which := several_held(context, symbol, "sell")) is not None:
        return which
    asked = book_asked(context, symbol, args[1:], "sell") if symbol is not None else None
    if isinstance(asked, ChatMessage):
        return asked
    return await _asked(context, caller, args, *asked) if asked is not None else bad_argument(context, args, COMMAND)


async def _asked(context: CommandContext, caller: Caller, args: Args, book: StrategyBook, words: Args) -> ChatMessage:
    """Asks whether to sell what `words` say of the book's position."""
    instruction = _instruction(context, book, words, caller)
    if isinstance(instruction, Html):
        return bad_argument(context, args, COMMAND, instruction)
    nothing = reason("no_position", base=short(context.exchange.priced(book.symbol).base))
    found = await plan(context, Side.SELL, book, instruction) if context.portfolio.position(book).is_open else nothing
    if isinstance(found, Plan) and (unfit := _too_little(context, found)) is not None:
        found = unfit
    if not isinstance(found, Plan):
        why = (
            context.texts.reason(found)
            if context.shows_figures(caller)
            else context.texts("answer.in_private", bot=context.program.bot_name())
        )
        held = held_buttons(context, "sell").keyboard if found is nothing and context.shows_figures(caller) else ()
        return ChatMessage(context.texts("confirm.refused", reason=why), held)
    size, key = short(" ".join(words)), "plan.unshown_part" if words else "plan.unshown"
    unshown = [context.texts(key, symbol=name_of(context, book), size=size), *since_lines(context, found)]
    shown = plan_lines(context, found) if context.shows_figures(caller) else unshown
    return ask(context, caller, ROLE, "\n".join(shown), partial(place, context, caller, found), risk=Risk.LOWERS)


def _too_little(context: CommandContext, found: Plan) -> Reason | None:
    """Returns why a part cannot be sold: it is worth less than the exchange accepts. All of a position is always tried."""
    instrument = context.exchange.market.instrument(found.symbol)
    if found.instruction.qty is None or instrument is None or found.value >= instrument.min_notional:
        return None
    worth, minimum = worth_of(found.value), plain(instrument.min_notional)
    return reason("below_min_notional", value=worth, quote=instrument.quote, minimum=minimum)


def _instruction(context: CommandContext, book: StrategyBook, size: Args, caller: Caller) -> ManualInstruction | Html:
    """Returns how much to sell, or why the size is none."""
    priced, held = context.exchange.priced(book.symbol), context.portfolio.position(book).qty
    if [word.lower() for word in size] in ([], [_ALL]):
        return ManualInstruction(caller.user_id, caller.name)
    try:
        typed = typed_amount(size)
    except UnreadAmount as error:
        return why_unread(context, size, error)
    if typed.unit == PER_CENT and typed.number > HUNDRED:
        return context.texts("sell.share")
    if typed.unit not in ("", PER_CENT, priced.base):
        return context.texts("sell.in_base", unit=short(typed.unit), base=priced.base)
    qty = divide(multiply(held, typed.number), HUNDRED) if typed.unit == PER_CENT else typed.number
    if qty >= held:
        return ManualInstruction(caller.user_id, caller.name)
    qty = priced.instrument.market_quantity(qty) if priced.instrument is not None else qty
    return ManualInstruction(caller.user_id, caller.name, qty=qty)


COMMAND = Command(
    "sell", run, role=ROLE, arguments=_USAGE, examples=("SYMBOL 50%", "SYMBOL"), answers_anew=True, in_any_group=bool
)
