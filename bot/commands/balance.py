"""/balance: the account's balances and their value; where the exchange does not answer, the last known ones and their age."""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal

from bot.commands.base import Args, Command
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.pagination import refresh
from bot.texts import Html, Texts, short
from bot.views.chat_message import ChatMessage
from bot.views.number_format import aligned, money, quantity
from bot.views.trading_mode import not_live
from core.domain.errors import ExchangeUnavailable
from core.domain.instrument import Balance
from core.domain.money import ZERO
from core.policy.conversion_rates import Rate

_UNPRICED_SHOWN = 12
_SHOWN = 20  # assets; a testnet account holds hundreds
_ANSWER_SECONDS = 8.0


async def run(context: CommandContext, _args: Args, _caller: Caller) -> ChatMessage:
    """Lists assets: those traded here first, then by name; values in the report asset."""
    texts = context.texts
    lines = [
        texts("balance", trading_mode=context.exchange.trading_mode.upper()),
        *not_live(context.exchange.trading_mode, texts),
    ]
    buttons = ((refresh("/balance", texts),),)
    quote = context.exchange.rates.report
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            balances = await context.exchange.venue.balances()
            await context.exchange.rates.look(balances)
    except (ExchangeUnavailable, TimeoutError) as error:
        problem = str(error) or f"{_ANSWER_SECONDS:g} s"
        lines.append(texts("answer.exchange", problem=short(problem, 200)))
        if context.portfolio.balances_at is None:
            return ChatMessage("\n".join([*lines, texts("balance.unknown")]), buttons)
        balances = context.portfolio.balances
        lines.append(texts("balance.known", age=texts.duration(context.clock.now() - context.portfolio.balances_at)))
    return ChatMessage("\n".join([*lines, *_lines(context, balances, quote)]), buttons)


def _lines(context: CommandContext, balances: Mapping[str, Balance], quote: str) -> list[Html]:
    texts = context.texts
    if not balances:
        return [texts("balance.none")]
    traded = {asset for symbol in _traded(context) for asset in _assets(context, symbol)}
    ordered = sorted(balances.values(), key=lambda balance: (balance.asset not in traded, balance.asset))
    rates = context.exchange.rates.last(balances)
    worth = {one.asset: rate.at_worst(one.total) for one in ordered if isinstance(rate := rates[one.asset], Rate)}
    shown = ordered[:_SHOWN]
    lines = [texts("balance.table", quote=quote or "?", rows="\n".join(_rows(shown, worth, texts)))]
    if len(ordered) > _SHOWN:
        lines.append(texts("balance.more", count=len(ordered) - _SHOWN))
    if locked := [f"{texts.figure(quantity(one.locked))} {short(one.asset)}" for one in shown if one.locked]:
        lines.append(texts("balance.locked", amounts=", ".join(locked)))
    if worth:
        lines.append(texts("balance.total", total=money(sum(worth.values(), ZERO)), quote=quote))
    if unpriced := [one.asset for one in ordered if one.asset not in worth]:
        named = ", ".join(short(asset, 12) for asset in unpriced[:_UNPRICED_SHOWN])
        more = f", +{len(unpriced) - _UNPRICED_SHOWN}" if len(unpriced) > _UNPRICED_SHOWN else ""
        lines.append(texts("balance.unpriced", assets=named + more))
    return lines


def _rows(shown: Sequence[Balance], worth: Mapping[str, Decimal], texts: Texts) -> list[str]:
    names = [short(one.asset, 12) for one in shown]
    width = max(map(len, names))
    amounts = [texts.figure(each) for each in aligned([quantity(one.free + one.locked) for one in shown])]
    worths = aligned([money(worth[one.asset]) if one.asset in worth else "–" for one in shown])
    values = [texts.figure(each) for each in worths]
    return [f"{name:<{width}}  {amount}  {value}".rstrip() for name, amount, value in zip(names, amounts, values, strict=True)]


def _traded(context: CommandContext) -> set[str]:
    return {*(context.exchange.symbols or ()), *context.portfolio.positions}


def _assets(context: CommandContext, symbol: str) -> tuple[str, ...]:
    instrument = context.exchange.market.instrument(symbol)
    return (instrument.base, instrument.quote) if instrument else ()


COMMAND = Command("balance", run)
