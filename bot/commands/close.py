"""/close: sells one position or all of them at the market, after a second tap. Works while trading is paused."""

import asyncio
from decimal import Decimal
from functools import partial

from bot.access.confirmations import Risk
from bot.commands import sell
from bot.commands.arguments.books import name_of
from bot.commands.arguments.symbols import held_buttons
from bot.commands.base import Args, Command
from bot.commands.caller import Caller
from bot.commands.confirm import ask
from bot.commands.context import CommandContext
from bot.commands.manual_orders import Plan, place_all, plan, sell_body
from bot.commands.protection import legs_lines
from bot.commands.valuation import together
from bot.texts import Html
from bot.views.chat_message import Button, ChatMessage
from bot.views.number_format import money, quantity
from core.domain.access import Role
from core.domain.messages import ManualInstruction
from core.domain.money import ZERO, multiply
from core.domain.signal import Side
from core.policy.sizing.fees import TAKER_FEE

ROLE = Role.TRADER
_SHOWN = 12


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Sells the symbol's position; without a symbol it offers the open positions."""
    if [word.lower() for word in args] == ["all"]:
        return await _all(context, caller)
    if args:
        return await sell.run(context, args, caller)
    offered = held_buttons(context, "close")
    rows = (
        (*offered.keyboard, (Button(context.texts("close.all"), "/close all"),))
        if len(offered.keyboard) > 1
        else offered.keyboard
    )
    return ChatMessage(offered.text, rows)


async def _all(context: CommandContext, caller: Caller) -> ChatMessage:
    held = context.portfolio.open_positions()
    if not context.shows_figures(caller):
        return ask(context, caller, ROLE, context.texts("close.unshown"), partial(_close_all, context, caller), risk=Risk.LOWERS)
    if not held:
        return ChatMessage(context.texts("positions.none"))
    text = "\n".join([context.texts("close.all_head", count=len(held)), *await exit_lines(context, caller)])
    return ask(context, caller, ROLE, text, partial(_close_all, context, caller), risk=Risk.LOWERS)


async def exit_lines(context: CommandContext, caller: Caller) -> list[Html]:
    """Returns what selling everything would bring, per symbol and in total."""
    instruction, unknown = ManualInstruction(caller.user_id, caller.name), False
    lines: list[Html] = []
    sums: dict[str, Decimal] = {}
    held = context.portfolio.open_positions()
    # All at once: a slow exchange would delay each one.
    plans = await asyncio.gather(*(plan(context, Side.SELL, position.book, instruction) for position in held))
    for position, found in zip(held, plans, strict=True):
        priced, name = context.exchange.priced(position.symbol), name_of(context, position.book)
        if isinstance(found, Plan) and not found.price_known:
            unknown = True
            lines.append(context.texts("close.line_unknown", symbol=name, quantity=quantity(found.qty), base=priced.base))
        elif isinstance(found, Plan):
            left = multiply(found.value, 1 - TAKER_FEE)
            profit = left - multiply(position.average_cost, found.qty)
            sums[priced.quote_asset] = sums.get(priced.quote_asset, ZERO) + profit
            shown = {"value": money(left), "profit": money(profit, signed=True), "quote": priced.quote_asset}
            lines.append(context.texts("close.line", symbol=name, **shown))
        else:
            lines.append(context.texts("close.line_refused", symbol=name, reason=context.texts.reason(found)))
    totals = [
        context.texts("close.total", profit=money(total, signed=True), quote=quote) for quote, total in sorted(sums.items())
    ]
    totals += together(context, sums)
    if len(lines) > _SHOWN:
        lines = [*lines[:_SHOWN], context.texts("status.more", count=len(lines) - _SHOWN)]
    lines += legs_lines(context, "protection.all_taken_off")
    return [*lines, context.texts("plan.no_price")] if unknown else [*lines, *totals]


async def _close_all(context: CommandContext, caller: Caller, source_id: str) -> str:
    instruction = ManualInstruction(caller.user_id, caller.name)
    books = [position.book for position in context.portfolio.open_positions()]
    bodies = [(book.symbol, sell_body(context, book, instruction, f"{source_id}:{number}")) for number, book in enumerate(books)]
    return await place_all(context, caller, bodies, source_id)


COMMAND = Command(
    "close",
    run,
    role=ROLE,
    arguments="[SYMBOL [@STRATEGY] | all]",
    examples=("SYMBOL", "all"),
    answers_anew=True,
    in_any_group=bool,
)
