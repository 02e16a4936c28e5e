"""Candles from where the program has its prices: the exchange's public market data, or the demo's simulated market."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.clock import SystemClock
from core.adapters.binance.binance_client import BinanceClient
from core.domain.candle import Candle, Span
from core.domain.errors import ExchangeUnavailable
from dashboard.source import chosen_source

_ANSWER_SECONDS = 8.0
_KEPT_SECONDS = 5.0  # for all visitors: a page that is open many times asks the exchange no more often
_AWAY_SECONDS = 20.0  # an exchange that does not answer would hold up each refresh
_MOST_KEPT = 32


@dataclass(frozen=True, slots=True)
class _Kept:
    """The answer to a question, and until when (monotonic seconds) it is not asked again."""

    answer: Sequence[Candle] | ExchangeUnavailable
    until: float


_KEPT: dict[tuple[str, Span], _Kept] = {}


def market_host() -> str | None:
    """Returns the host that the candles come from; None for the demo's market."""
    source = chosen_source()
    return None if source.is_demo else urlsplit(source.settings.binance_api_url).hostname


def candles(symbol: str, span: Span) -> Sequence[Candle]:
    """Returns the candles of a symbol, the oldest first. Raises ExchangeUnavailable, SymbolUnknown."""
    kept = _KEPT.get((symbol, span))
    if kept is None or time.monotonic() >= kept.until:
        kept = _asked(symbol, span)
        if len(_KEPT) >= _MOST_KEPT:
            _KEPT.clear()
        _KEPT[symbol, span] = kept
    if isinstance(kept.answer, ExchangeUnavailable):
        raise kept.answer
    return kept.answer


def _asked(symbol: str, span: Span) -> _Kept:
    try:
        return _Kept(asyncio.run(_candles(symbol, span)), time.monotonic() + _KEPT_SECONDS)
    except ExchangeUnavailable as error:
        return _Kept(error, time.monotonic() + _AWAY_SECONDS)


async def _candles(symbol: str, span: Span) -> Sequence[Candle]:
    source, clock = chosen_source(), SystemClock()
    since = span.start(now := clock.now())
    limit = (now - since) // span.interval.length + 1
    if source.is_demo:
        from demo.market import SimulatedMarket  # noqa: PLC0415 - only a demo's dashboard needs it

        return await SimulatedMarket(clock).candles(symbol, span.interval, since, limit)
    client = BinanceClient(api_url=source.settings.binance_api_url, clock=clock, timeout=_ANSWER_SECONDS)
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await client.candles(symbol, span.interval, since, limit)
    except TimeoutError:
        raise ExchangeUnavailable(f"{_ANSWER_SECONDS:g} s") from None
    finally:
        await client.close()
