"""/close: one position or all of them, at the market, after a second tap. Also while trading is paused."""

import asyncio
from decimal import Decimal
from functools import partial

from bot.access.confirmations import Risk
from bot.commands import sell
from bot.commands.arguments.symbols import held_buttons
from bot.commands.base import Args, Command
from bot.commands.confirm import ask
from bot.commands.context import Caller, Desk
from bot.commands.manual_orders import Plan, place_all, plan, sell_body
from bot.commands.valuation import together
from bot.texts import Html
from bot.views.chat_message import Button, ChatMessage
from bot.views.number_format import money, quantity
from core.domain.access import Role
from core.domain.messages import Hand
from core.domain.money import ZERO, multiply
from core.domain.signal import Side
from core.policy.sizing.market_orders import TAKER_FEE

ROLE = Role.TRADER
_SHOWN = 12


async def run(desk: Desk, args: Args, caller: Caller) -> ChatMessage:
    """Bare, it offers what is held."""
    if [word.lower() for word in args] == ["all"]:
        return await _all(desk, caller)
    if args:
        return await sell.run(desk, args, caller)
    offered = held_buttons(desk, "close")
    rows = (
        (*offered.keyboard, (Button(desk.texts("close.all"), "/close all"),)) if len(offered.keyboard) > 1 else offered.keyboard
    )
    return ChatMessage(offered.text, rows)


async def _all(desk: Desk, caller: Caller) -> ChatMessage:
    held = desk.book.open_positions()
    if not desk.shows_figures(caller):
        return ask(desk, caller, ROLE, desk.texts("close.unshown"), partial(_close_all, desk, caller), risk=Risk.LOWERS)
    if not held:
        return ChatMessage(desk.texts("positions.none"))
    text = "\n".join([desk.texts("close.all_head", count=len(held)), *await exit_lines(desk, caller)])
    return ask(desk, caller, ROLE, text, partial(_close_all, desk, caller), risk=Risk.LOWERS)


async def exit_lines(desk: Desk, caller: Caller) -> list[Html]:
    """What selling everything would bring, symbol by symbol, and in all."""
    hand, unknown = Hand(caller.user_id, caller.name), False
    lines: list[Html] = []
    sums: dict[str, Decimal] = {}
    held = desk.book.open_positions()
    # All at once: an exchange that does not answer takes its time for each.
    plans = await asyncio.gather(*(plan(desk, Side.SELL, position.symbol, hand) for position in held))
    for position, found in zip(held, plans, strict=True):
        priced = desk.priced(position.symbol)
        if isinstance(found, Plan) and not found.price_known:
            unknown = True
            lines.append(desk.texts("close.line_unknown", symbol=position.symbol, quantity=quantity(found.qty), base=priced.base))
        elif isinstance(found, Plan):
            left = multiply(found.value, 1 - TAKER_FEE)
            profit = left - multiply(position.average_cost, found.qty)
            sums[priced.quote_asset] = sums.get(priced.quote_asset, ZERO) + profit
            shown = {"value": money(left), "profit": money(profit, signed=True), "quote": priced.quote_asset}
            lines.append(desk.texts("close.line", symbol=position.symbol, **shown))
        else:
            lines.append(desk.texts("close.line_refused", symbol=position.symbol, reason=desk.texts.reason(found)))
    totals = [desk.texts("close.total", profit=money(total, signed=True), quote=quote) for quote, total in sorted(sums.items())]
    totals += together(desk, sums)
    if len(lines) > _SHOWN:
        lines = [*lines[:_SHOWN], desk.texts("status.more", count=len(lines) - _SHOWN)]
    return [*lines, desk.texts("plan.no_price")] if unknown else [*lines, *totals]


async def _close_all(desk: Desk, caller: Caller, source_id: str) -> str:
    hand = Hand(caller.user_id, caller.name)
    symbols = [position.symbol for position in desk.book.open_positions()]
    bodies = [(symbol, sell_body(desk, symbol, hand, f"{source_id}:{number}")) for number, symbol in enumerate(symbols)]
    return await place_all(desk, caller, bodies, source_id)


COMMAND = Command("close", run, role=ROLE, arguments="[SYMBOL|all]", in_any_group=bool)
