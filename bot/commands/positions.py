"""/positions: open positions, their cost and current value. Answers from memory."""

from bot.commands.arguments.books import name_of, words_of
from bot.commands.base import Args, Command
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.pagination import refresh
from bot.commands.pending_exits import pending_exit_lines
from bot.commands.protection import protection_lines
from bot.commands.waiting_steps import waiting_steps_lines
from bot.texts import Html
from bot.views.chat_message import ChatMessage, Keyboard
from bot.views.number_format import money, percent_of, price, quantity
from bot.views.position_buttons import position_buttons
from core.domain.money import multiply
from core.domain.position import Position

_WITH_BUTTONS = 5


async def run(context: CommandContext, _args: Args, _caller: Caller) -> ChatMessage:
    """Shows a block for each open position, the oldest first; dust in one line, and pending exits at the end."""
    held = context.portfolio.open_positions()
    blocks = ["\n".join(_lines(context, position)) for position in held]
    dust = [position for position in context.portfolio.positions.values() if position.qty and not position.is_open]
    if dust:
        named = ", ".join(
            f"{context.texts.figure(quantity(position.qty))} {context.exchange.priced(position.symbol).base}" for position in dust
        )
        blocks.append(context.texts("positions.dust", dust=named))
    if exits := pending_exit_lines(context):
        blocks.append("\n".join(exits))
    head = context.texts("positions", count=len(held)) if held else context.texts("positions.none")
    buttons = [row for position in held[:_WITH_BUTTONS] for row in _buttons(context, position, named=len(held) > 1)]
    return ChatMessage("\n\n".join([head, *blocks]), (*buttons, (refresh("/positions", context.texts),)))


def _buttons(context: CommandContext, position: Position, *, named: bool) -> Keyboard:
    plan = context.portfolio.plans.get(position.book)
    has_stop = plan is not None and plan.exits.stop is not None
    name = _label(context, position) if named else ""
    return position_buttons(words_of(context, position.book), context.texts, has_stop=has_stop, name=name)


def _label(context: CommandContext, position: Position) -> str:
    """Returns the position's name for a button, which is narrow on a phone: by its coin, where that names one symbol alone."""
    name, base = name_of(context, position.book), context.exchange.priced(position.symbol).base
    symbols = {one.symbol for one in context.portfolio.open_positions() if context.exchange.priced(one.symbol).base == base}
    return name.replace(position.symbol, base, 1) if len(symbols) == 1 else name


def _lines(context: CommandContext, position: Position) -> list[Html]:
    texts, now = context.texts, context.clock.now()
    priced = context.exchange.priced(position.symbol)
    lines = [texts("positions.head", symbol=name_of(context, position.book), quantity=quantity(position.qty), base=priced.base)]
    cost = price(position.average_cost)
    if priced.price is None:
        lines.append(texts("positions.cost_unpriced", cost=cost))
    else:
        age = priced.age(now)
        old = texts("age.old", age=texts.duration(age)) if age is not None else ""
        lines.append(texts("positions.cost", cost=cost, price=price(priced.price), age=old))
        profit = multiply(position.qty, priced.price) - position.cost
        percent, earned = percent_of(profit, position.cost), money(profit, signed=True)
        lines.append(texts("positions.unrealised", percent=percent, profit=earned, quote=priced.quote_asset))
    if context.exchange.market.is_gone(position.symbol):
        lines.append(texts("positions.gone", symbol=position.symbol))
    lines += [*protection_lines(context, position), *waiting_steps_lines(context, position)]
    if position.opened_at is not None:
        since, held = texts.full_moment(position.opened_at), texts.duration(now - position.opened_at)
        lines.append(texts("positions.since", time=since, duration=held))
    return lines


COMMAND = Command("positions", run)
