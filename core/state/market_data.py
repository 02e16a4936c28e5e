"""Prices and rules, cached so that a decision waits for neither. Uses the market data port; never places anything.

The age of a price counts from the request: an answer that took 12 s describes the market 12 s ago.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import structlog

from core.domain.errors import ExchangeUnavailable
from core.domain.instrument import QUOTE_FRESH, Instrument, Quote
from core.ports.clock import Clock
from core.ports.market_data import MarketData

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
FRESH = QUOTE_FRESH
ASK_AGAIN_SECONDS = 10.0
_MOST_ASKED = 1_000
ASK_TIMEOUT_SECONDS = 2.0
GONE = "DELISTED"
"""The status of a symbol that the exchange used to know."""


class MarketDataCache:
    """The newest quote of each watched symbol, and every symbol's rules."""

    def __init__(self, data: MarketData, clock: Clock, watched: Callable[[], Collection[str]]) -> None:
        """Builds the cache. `watched` names, at each poll, the symbols whose price must be in memory."""
        self._data = data
        self._clock = clock
        self._watched = watched
        self._instruments: dict[str, Instrument] = {}
        self._quotes: dict[str, Quote] = {}
        self._gone: set[str] = set()
        self._asked_at: dict[str, float] = {}  # when a symbol's own rules were last requested, in monotonic seconds
        self._requests: dict[str, asyncio.Task[Quote | None]] = {}
        self._priceless: set[str] = set()
        self.problem = "not asked yet"

    @property
    def ready(self) -> tuple[bool, str]:
        """Tells whether the exchange answered last time, and its error if not."""
        return (not self.problem, self.problem or "answers")

    @property
    def instruments_ready(self) -> tuple[bool, str]:
        return (bool(self._instruments), f"{len(self._instruments)} symbols loaded")

    def instrument(self, symbol: str) -> Instrument | None:
        return self._instruments.get(symbol)

    def instruments(self) -> Mapping[str, Instrument]:
        return self._instruments

    def quote(self, symbol: str) -> Quote | None:
        """Returns the last known quote, however old."""
        return self._quotes.get(symbol)

    def price(self, symbol: str) -> Decimal | None:
        """Returns the last known selling price, in quote asset; for display, not for decisions."""
        quote = self._quotes.get(symbol)
        return quote.bid if quote else None

    def is_gone(self, symbol: str) -> bool:
        """Tells whether the exchange, asked for the rules of `symbol`, reported that it knows no such symbol."""
        return symbol in self._gone

    def symbols(self) -> Collection[str]:
        """Returns all symbols whose rules were read, or requested in vain."""
        return self._instruments.keys() | self._gone

    async def load_instruments(self, symbols: Collection[str] | None) -> None:
        """Reads the rules of `symbols` (None: all). Raises ExchangeUnavailable."""
        try:
            found = await self._data.instruments(symbols)
        except ExchangeUnavailable as error:
            self.problem = str(error)
            raise
        self._instruments.update(found)
        self._gone = (self._gone | set(symbols or ())) - found.keys()
        for symbol in self._gone & self._instruments.keys():
            self._instruments[symbol] = replace(self._instruments[symbol], status=GONE)
        self.problem = ""

    def learn_instruments(self, known: Mapping[str, Instrument]) -> None:
        """Stores rules that were read a moment ago."""
        self._instruments.update(known)
        self.problem = "" if known else self.problem

    async def find_instrument(self, symbol: str) -> Instrument | None:
        """Returns the rules of `symbol`; requests them, at most every 10 s, while they are unknown or say that it is halted: that
        may be over. Raises ExchangeUnavailable."""
        known = self._instruments.get(symbol)
        if (known is None or not known.trading) and self._may_ask(symbol):
            await self.load_instruments([symbol])
        return self._instruments.get(symbol)

    def _may_ask(self, symbol: str) -> bool:
        now = self._clock.monotonic()
        if len(self._asked_at) > _MOST_ASKED:
            self._asked_at.clear()
        if now - self._asked_at.get(symbol, -ASK_AGAIN_SECONDS) < ASK_AGAIN_SECONDS:
            return False
        self._asked_at[symbol] = now
        return True

    def quote_at_hand(self, symbol: str) -> Quote | None:
        """Returns the quote that is in memory if it is at most 3 s old."""
        quote = self._quotes.get(symbol)
        return quote if quote is not None and quote.is_fresh(self._clock.now(), FRESH) else None

    async def fresh_quote(self, symbol: str) -> Quote | None:
        """Returns a quote that is at most 3 s old: from memory, else requested once however many wait. None if there is none."""
        if (quote := self.quote_at_hand(symbol)) is not None:
            return quote
        request = self._requests.get(symbol)
        if request is None:
            request = self._requests[symbol] = asyncio.create_task(self._ask_for(symbol))
            request.add_done_callback(lambda _: self._requests.pop(symbol, None))
        return await asyncio.shield(request)

    async def _ask_for(self, symbol: str) -> Quote | None:
        try:
            async with asyncio.timeout(ASK_TIMEOUT_SECONDS):
                await self._refresh([symbol])
        except (ExchangeUnavailable, TimeoutError) as error:
            if symbol not in self._priceless:  # a good entry asks again and again
                log.warning("no current price", symbol=symbol, error=str(error) or "no answer in time")
            self._priceless.add(symbol)
            return None
        return self.quote_at_hand(symbol)

    async def freshen(self, symbols: Collection[str]) -> None:
        """Requests the prices of many symbols in one question; unanswered ones stay as they are."""
        try:
            async with asyncio.timeout(ASK_TIMEOUT_SECONDS):
                await self._refresh(symbols)
        except (ExchangeUnavailable, TimeoutError) as error:
            log.warning("no current prices", symbols=len(symbols), error=str(error) or "no answer in time")

    async def _refresh(self, symbols: Iterable[str]) -> bool:
        """Requests the quotes of known symbols; tells whether there was anything to request."""
        known = [symbol for symbol in symbols if symbol in self._instruments and symbol not in self._gone]
        if known:
            self._learn(self._clock.now(), await self._data.quotes(known))
        return bool(known)

    def _learn(self, asked_at: datetime, quotes: Mapping[str, Quote]) -> None:
        """Stores quotes. An answer is as old as its request, whatever the adapter says; a late one replaces no newer one."""
        for symbol, quote in quotes.items():
            self._priceless.discard(symbol)
            known, learned = self._quotes.get(symbol), replace(quote, at=min(quote.at, asked_at))
            if known is None or known.at <= learned.at or known.at > self._clock.now():
                self._quotes[symbol] = learned

    async def run(self) -> None:
        """Keeps the quotes of the watched symbols fresh until cancelled."""
        while True:
            try:
                if await self._refresh(self._watched()):
                    self.problem = ""
                pause = POLL_SECONDS
            except ExchangeUnavailable as error:
                if not self.problem:
                    log.warning("exchange does not answer", error=str(error))
                self.problem = str(error)
                pause = max(POLL_SECONDS, error.retry_after)
            await self._clock.sleep(pause)
