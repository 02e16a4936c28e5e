"""/balance: what the account holds and what it is worth; where the exchange does not answer, what was known last, and its age."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal

from bot.command import Args, Command
from bot.desk import Caller, Desk
from bot.lists import refresh
from bot.message import ChatMessage
from bot.numbers import aligned, money, quantity
from bot.render import duration, not_live
from bot.texts import Html, short
from core.domain.errors import ExchangeUnavailable
from core.domain.instrument import Balance
from core.domain.money import ZERO, multiply
from core.market import FRESH

_SHOWN = 20  # assets; a testnet account holds hundreds
_ANSWER_SECONDS = 8.0


async def run(desk: Desk, _args: Args, _caller: Caller) -> ChatMessage:
    """By asset: first those that are traded here, then by name; the worth in the quote asset that most of what is traded has."""
    texts = desk.texts
    lines = [texts("balance", trading_mode=desk.trading_mode.upper()), *not_live(desk.trading_mode, texts)]
    buttons = ((refresh("/balance", texts),),)
    quote = _main_quote(desk)
    prices: Mapping[str, Decimal] = {}
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            balances = await desk.venue.balances()
            prices = await _prices(desk, balances, quote)
    except (ExchangeUnavailable, TimeoutError) as error:
        problem = str(error) or f"{_ANSWER_SECONDS:g} s"
        lines.append(texts("answer.exchange", problem=short(problem, 200)))
        if desk.book.balances_at is None:
            return ChatMessage("\n".join([*lines, texts("balance.unknown")]), buttons)
        balances = desk.book.balances
        prices = _known_prices(desk, balances, quote)
        lines.append(texts("balance.known", age=duration(desk.clock.now() - desk.book.balances_at, texts)))
    return ChatMessage("\n".join([*lines, *_lines(desk, balances, quote, prices)]), buttons)


def _main_quote(desk: Desk) -> str:
    """The quote asset of most symbols that are traded here, else of most that are known; empty before any is."""
    traded = _traded(desk)
    known = desk.market.instruments().values()
    quotes = Counter(one.quote for one in known if one.symbol in traded) or Counter(one.quote for one in known)
    return max(sorted(quotes), key=lambda each: quotes[each], default="")


async def _prices(desk: Desk, balances: Mapping[str, Balance], quote: str) -> Mapping[str, Decimal]:
    """What one could sell each asset at, in `quote`; asked for where what is known is not of this moment."""
    now = desk.clock.now()
    known = {asset: desk.market.quote(f"{asset}{quote}") for asset in balances}
    old = [asset for asset, price in known.items() if price is None or not price.is_fresh(now, FRESH)]
    symbols = [f"{asset}{quote}" for asset in old if desk.market.instrument(f"{asset}{quote}") is not None]
    try:
        asked = await desk.venue.quotes(symbols) if symbols else {}
    except ExchangeUnavailable:
        asked = {}  # what is known last is better than no value
    found = {asset: asked.get(f"{asset}{quote}", price) for asset, price in known.items()}
    return {quote: Decimal(1)} | {asset: price.bid for asset, price in found.items() if price is not None}


def _known_prices(desk: Desk, balances: Mapping[str, Balance], quote: str) -> Mapping[str, Decimal]:
    prices = {asset: desk.market.price(f"{asset}{quote}") for asset in balances}
    return {quote: Decimal(1)} | {asset: price for asset, price in prices.items() if price is not None}


def _lines(desk: Desk, balances: Mapping[str, Balance], quote: str, prices: Mapping[str, Decimal]) -> list[Html]:
    texts = desk.texts
    if not balances:
        return [texts("balance.none")]
    traded = {asset for symbol in _traded(desk) for asset in _assets(desk, symbol)}
    ordered = sorted(balances.values(), key=lambda balance: (balance.asset not in traded, balance.asset))
    worth = {one.asset: multiply(one.free + one.locked, prices[one.asset]) for one in ordered if one.asset in prices}
    shown = ordered[:_SHOWN]
    lines = [texts("balance.table", quote=quote or "?", rows="\n".join(_rows(shown, worth)))]
    if len(ordered) > _SHOWN:
        lines.append(texts("balance.more", count=len(ordered) - _SHOWN))
    if locked := [f"{quantity(one.locked)} {short(one.asset)}" for one in shown if one.locked]:
        lines.append(texts("balance.locked", amounts=", ".join(locked)))
    if worth:
        lines.append(texts("balance.total", total=money(sum(worth.values(), ZERO)), quote=quote))
    if unpriced := len(ordered) - len(worth):
        lines.append(texts("balance.unpriced", count=unpriced))
    return lines


def _rows(shown: Sequence[Balance], worth: Mapping[str, Decimal]) -> list[str]:
    names = [short(one.asset, 12) for one in shown]
    width = max(map(len, names))
    amounts = aligned([quantity(one.free + one.locked) for one in shown])
    values = aligned([money(worth[one.asset]) if one.asset in worth else "–" for one in shown])
    return [f"{name:<{width}}  {amount}  {value}".rstrip() for name, amount, value in zip(names, amounts, values, strict=True)]


def _traded(desk: Desk) -> set[str]:
    return {*(desk.symbols or ()), *desk.book.positions}


def _assets(desk: Desk, symbol: str) -> tuple[str, ...]:
    instrument = desk.market.instrument(symbol)
    return (instrument.base, instrument.quote) if instrument else ()


COMMAND = Command("balance", run)
