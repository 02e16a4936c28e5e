"""/balance: what the account holds, from the exchange; where it does not answer, what was known last and how old that is."""

import asyncio
from collections.abc import Mapping

from bot.command import Args, Command
from bot.desk import Caller, Desk
from bot.message import ChatMessage
from bot.numbers import quantity
from bot.render import duration, not_live
from bot.texts import Html, short
from core.domain.errors import ExchangeUnavailable
from core.domain.instrument import Balance

_SHOWN = 25  # assets; a testnet account holds hundreds
_ANSWER_SECONDS = 8.0


async def run(desk: Desk, _args: Args, _caller: Caller) -> ChatMessage:
    """By asset: first those that are traded here, then by name."""
    texts = desk.texts
    head = [texts("balance", trading_mode=desk.trading_mode.upper()), *not_live(desk.trading_mode, texts)]
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            balances = await desk.venue.balances()
    except (ExchangeUnavailable, TimeoutError) as error:
        problem = str(error) or f"{_ANSWER_SECONDS:g} s"
        head.append(texts("answer.exchange", problem=short(problem, 200)))
        if desk.book.balances_at is None:
            return ChatMessage("\n".join([*head, texts("balance.unknown")]))
        balances = desk.book.balances
        head.append(texts("balance.known", age=duration(desk.clock.now() - desk.book.balances_at, texts)))
    return ChatMessage("\n".join([*head, *_lines(desk, balances)]))


def _lines(desk: Desk, balances: Mapping[str, Balance]) -> list[Html]:
    texts = desk.texts
    if not balances:
        return [texts("balance.none")]
    traded = {asset for symbol in _traded(desk) for asset in _assets(desk, symbol)}
    ordered = sorted(balances.values(), key=lambda balance: (balance.asset not in traded, balance.asset))
    lines = [
        texts("balance.line_locked", asset=short(held.asset), free=quantity(held.free), locked=quantity(held.locked))
        if held.locked
        else texts("balance.line", asset=short(held.asset), free=quantity(held.free))
        for held in ordered[:_SHOWN]
    ]
    return [*lines, texts("balance.more", count=len(ordered) - _SHOWN)] if len(ordered) > _SHOWN else lines


def _traded(desk: Desk) -> set[str]:
    return {*(desk.symbols or ()), *desk.book.positions}


def _assets(desk: Desk, symbol: str) -> tuple[str, ...]:
    instrument = desk.market.instrument(symbol)
    return (instrument.base, instrument.quote) if instrument else ()


COMMAND = Command("balance", run)
