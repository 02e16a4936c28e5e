"""The rates that convert limits and totals into one asset, REPORT_ASSET: kept in memory, and read if missing."""

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from functools import reduce

import structlog

from core.domain.errors import ExchangeUnavailable
from core.domain.instrument import Quote
from core.domain.money import EXACT, ZERO
from core.policy.conversion_rates import MIDDLES, Known, Rate, Unknown, names, paths, rate
from core.ports.clock import Clock
from core.state.market_data import FRESH, MarketDataCache
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)

ASK_AGAIN_SECONDS = 60.0
SHOWN_FOR = timedelta(minutes=10)  # an older rate is not shown as current


class ExchangeRates:
    """The worth of each asset in the report asset, by market prices."""

    def __init__(self, portfolio: Portfolio, market: MarketDataCache, clock: Clock) -> None:
        self._portfolio = portfolio
        self._market = market
        self._clock = clock
        self._asked_at: dict[str, float] = {}  # when the rules of an asset's pairs were requested, in monotonic seconds

    @property
    def report(self) -> str:
        """Returns the asset that everything is counted in."""
        return self._portfolio.limits.report_asset

    def needed(self, quote: str) -> set[str]:
        """Returns the assets, besides the report asset, whose rates decide an entry priced in `quote`."""
        return {quote, *self._portfolio.results_of(self._clock.now().date().isoformat())} - {self.report}

    def pairs(self, symbols: Collection[str]) -> set[str]:
        """Returns the pairs whose prices must be in memory, so that no entry in one of `symbols` waits for a rate."""
        return {leg for asset in self._assets(symbols) for leg in self._first_way(asset)}

    async def load(self, symbols: Collection[str]) -> None:
        """Reads the rules of those pairs, if they are not known yet. What cannot be read now is read when an entry needs it: no
        exit may wait for it."""
        for asset in sorted(self._assets(symbols)):
            await self._try_to_load(asset)

    async def fresh(self, assets: Collection[str]) -> Mapping[str, Rate | Unknown]:
        """Returns the rates of `assets` by prices that are at most 3 s old: from memory, else from the exchange."""
        found = {asset: self._rate(asset, self._fresh) for asset in assets}
        for asset in [asset for asset, one in found.items() if isinstance(one, Unknown)]:
            found[asset] = await self._ask(asset)
        return found

    def are_at_hand(self, assets: Collection[str]) -> bool:
        """Tells whether `fresh` would answer from memory."""
        return not any(isinstance(self._rate(asset, self._fresh), Unknown) for asset in assets)

    async def look(self, assets: Iterable[str]) -> None:
        """Requests the prices of the first way from each of `assets`, in one question, if they are not fresh. Reads no rules;
        unanswered prices stay as they are."""
        legs = {leg for asset in assets for leg in self._first_way(asset)}
        await self._market.freshen({leg for leg in legs if self._fresh(leg) is None})

    def last(self, assets: Iterable[str]) -> Mapping[str, Rate | Unknown]:
        """Returns the rates of `assets` by the last known prices, at most ten minutes old: for display, and for what must not
        wait. Answers from memory."""
        return {asset: self._rate(asset, self._lately) for asset in assets}

    def total(self, amounts: Mapping[str, Decimal]) -> tuple[Decimal, tuple[str, ...]]:
        """Returns the total of amounts by asset in the report asset, each at its worst, and the assets left out for lack of a
        rate."""
        rates = self.last(amounts)
        known = [one.at_worst(amounts[asset]) for asset, one in rates.items() if isinstance(one, Rate)]
        return reduce(EXACT.add, known, ZERO), tuple(sorted(asset for asset, one in rates.items() if isinstance(one, Unknown)))

    def _assets(self, symbols: Collection[str]) -> set[str]:
        """Returns the assets, besides the report asset, of `symbols`' prices (and of whatever else is allowed) and of today's
        results."""
        known = self._market.instruments()
        named = [known[symbol] for symbol in symbols if symbol in known]
        allowed = named if self._portfolio.limits.symbols is not None else [*named, *known.values()]
        quotes = {one.quote for one in allowed if one.trading}
        return {*quotes, *self._portfolio.results_of(self._clock.now().date().isoformat())} - {self.report}

    def _first_way(self, asset: str) -> list[str]:
        path = next(paths(asset, self.report, self._market.instruments()), ())
        return [leg.symbol for leg in path]

    async def _ask(self, asset: str) -> Rate | Unknown:
        """Requests the prices of the first way, and if that brings nothing, of all others at once."""
        readable = await self._try_to_load(asset)
        ways = [[leg.symbol for leg in path] for path in paths(asset, self.report, self._market.instruments())]
        for some in (ways[:1], ways[1:]):
            if some and isinstance(self._rate(asset, self._fresh), Unknown):
                await self._market.freshen({symbol for way in some for symbol in way})
        found = self._rate(asset, self._fresh)
        # A missing pair is reported only if the exchange could be asked for one.
        if isinstance(found, Rate) or found.pairs or readable:
            return found
        return Unknown(asset, self.report, names(asset, self.report)[:1])

    async def _try_to_load(self, asset: str) -> bool:
        try:
            await self._load(asset)
        except ExchangeUnavailable as error:
            log.warning("the rules of a pair cannot be read", asset=asset, error=str(error))
            return False
        return True

    async def _load(self, asset: str) -> None:
        """Reads the pair of the two if there is one, else the pairs of both with each middle asset, until there is a way."""
        now = self._clock.monotonic()
        if self._first_way(asset) or now - self._asked_at.get(asset, -ASK_AGAIN_SECONDS) < ASK_AGAIN_SECONDS:
            return
        await self._market.load_instruments(names(asset, self.report))
        for middle in MIDDLES:
            if self._first_way(asset):
                return
            if middle not in {asset, self.report}:
                await self._market.load_instruments([*names(asset, middle), *names(middle, self.report)])
        self._asked_at[asset] = now  # there is none

    def _rate(self, asset: str, known: Known) -> Rate | Unknown:
        return rate(asset, self.report, self._market.instruments(), known)

    def _fresh(self, symbol: str) -> Quote | None:
        return self._not_older(symbol, FRESH)

    def _lately(self, symbol: str) -> Quote | None:
        return self._not_older(symbol, SHOWN_FOR)

    def _not_older(self, symbol: str, age: timedelta) -> Quote | None:
        quote = self._market.quote(symbol)
        return quote if quote is not None and quote.is_fresh(self._clock.now(), age) else None
