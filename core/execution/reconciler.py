"""Finds out what became of an unanswered order. The same code serves a lost answer and start-up after a crash."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

import structlog

from core.domain.errors import ExchangeUnavailable, SymbolUnknown
from core.domain.instrument import Instrument
from core.domain.order import ExecutionReport, Order
from core.domain.retry_backoff import RetryBackoff
from core.ports.clock import Clock
from core.ports.venue import Venue
from core.state.market_data import MarketDataCache

log = structlog.get_logger(__name__)

FENCE_MARGIN = timedelta(seconds=2)
RECENT = 100
BACKOFF = RetryBackoff(first=0.1, longest=5.0)
GONE_BACKOFF = RetryBackoff(first=0.1, longest=60.0)
GONE_SECONDS = 600.0
"""Seconds for which the venue must have reported an unknown symbol; the request has long expired by then."""
GONE_ANSWERS = 10


@dataclass(frozen=True, slots=True)
class NeverPlaced:
    """Proof that the venue has no such order and can no longer get one from the request that was sent. `by_other` is the order
    that another program placed under the same client order id."""

    by_other: ExecutionReport | None = None


@dataclass(frozen=True, slots=True)
class FateUnknown:
    """The venue no longer knows the order's symbol, for good: it can never be found out whether there was an order."""


@dataclass(slots=True)
class _Gone:
    """Measures how long, and how often, the venue has reported an unknown symbol, with no answer about the order in between."""

    since: float = 0.0
    answers: int = 0

    def say(self, now: float) -> None:
        """Adds one more such answer; `now` in monotonic seconds."""
        self.since = self.since if self.answers else now
        self.answers += 1

    def is_for_good(self, now: float) -> bool:
        """Tells whether it was reported for long enough and often enough."""
        return self.answers >= GONE_ANSWERS and now - self.since >= GONE_SECONDS

    @property
    def backoff(self) -> RetryBackoff:
        """Returns the pauses between two queries: a delisted symbol is not urgent."""
        return GONE_BACKOFF if self.answers else BACKOFF


class Reconciler:
    """Asks the venue until it knows. Writes nothing."""

    def __init__(self, venue: Venue, market: MarketDataCache, clock: Clock, mark: Callable[[], int | None]) -> None:
        """Builds it; `mark` is the ledger's."""
        self._venue = venue
        self._mark = mark
        self._market = market
        self._clock = clock

    async def find_out(self, order: Order) -> ExecutionReport | NeverPlaced | FateUnknown:
        """Finds out what became of `order`, whose answer is missing: returns its final report with all fills, or proof that it
        was never placed. If its symbol was delisted meanwhile, that can no longer be known.

        The request carried a venue time T that is not later than the venue's time now, so once the venue's own clock is past
        now plus the request's lifetime plus a margin it can no longer become an order (rest-api.md, "Timing security": the
        venue compares `recvWindow` again before the matching engine). "Does not exist" counts as proof only if asked after
        that, and never for an order that the venue itself has named.
        """
        fence: datetime | None = None
        named = order.order_id is not None
        pause, gone = BACKOFF.first, _Gone()
        while True:
            try:
                venue_time = await self._venue.server_time()
                if fence is None:
                    fence = venue_time + timedelta(seconds=self._venue.request_lifetime) + FENCE_MARGIN
                report, other = await self._find(order)
                if report is None and venue_time > fence and not named:
                    return NeverPlaced(other)
                named, gone = named or report is not None, _Gone()
                if report is not None and report.state.final:
                    return await self.with_fills(report) or FateUnknown()
            except SymbolUnknown as error:
                if await self._is_gone(order.symbol, gone, error):
                    return FateUnknown()
            except ExchangeUnavailable as error:
                log.warning("cannot find out about the order yet", error=str(error))
                pause = max(pause, error.retry_after)
            await self._clock.sleep(pause)
            pause = gone.backoff.longer(pause)

    async def _is_gone(self, symbol: str, gone: _Gone, error: SymbolUnknown) -> bool:
        """Tells whether the symbol is gone for good, counting one more such answer. Believed after a while, and if the list of
        all symbols agrees."""
        gone.say(self._clock.monotonic())
        log.warning("the exchange does not know the symbol or its order", error=str(error), times=gone.answers)
        if not gone.is_for_good(self._clock.monotonic()):
            return False
        try:
            await self._market.load_instruments([symbol])
        except ExchangeUnavailable:
            return False
        return self._market.is_gone(symbol)

    async def _find(self, order: Order) -> tuple[ExecutionReport | None, ExecutionReport | None]:
        """Returns the order itself, and another program's order that has its client order id: the same signal produces the same
        id."""
        found = await self._venue.find_order(order.symbol, order.client_order_id)
        if found is None or found.mark is None or found.mark == self._mark():
            return found, None
        recent = await self._venue.recent_orders(order.symbol, RECENT)
        if any(one.client_order_id == order.client_order_id for one in recent.unreadable):
            raise ExchangeUnavailable("an order of this name cannot be read: it may be the one that is asked for")
        ours = (one for one in recent.reports if (one.client_order_id, one.mark) == (order.client_order_id, self._mark()))
        return next(ours, None), found

    async def with_fills(self, report: ExecutionReport) -> ExecutionReport | None:
        """Returns the report with every fill that it covers, from the account's trades if the answer did not carry them; None if
        the venue no longer knows its symbol, for good."""
        pause, gone = BACKOFF.first, _Gone()
        while not report.fills_complete:
            try:
                report = replace(report, fills=tuple(await self._venue.fills(report.symbol, report.order_id)))
                if report.fills_complete:
                    break
                log.info("the account's trades do not show all fills yet", order_id=report.order_id)
                gone = _Gone()
            except SymbolUnknown as error:
                if await self._is_gone(report.symbol, gone, error):
                    return None
            except ExchangeUnavailable as error:
                log.warning("cannot read the order's fills yet", error=str(error))
                pause = max(pause, error.retry_after)
            await self._clock.sleep(pause)
            pause = gone.backoff.longer(pause)
        return report

    async def fee_rates(self, report: ExecutionReport, instrument: Instrument) -> Mapping[str, Decimal]:
        """Returns, for each fee asset that is neither base nor quote, its price in the quote asset. Omits what cannot be
        learned."""
        rates: dict[str, Decimal] = {}
        for asset in {fill.fee_asset for fill in report.fills if fill.fee} - {instrument.base, instrument.quote}:
            symbol = f"{asset}{instrument.quote}"
            try:
                known = await self._market.find_instrument(symbol)
                quote = await self._market.fresh_quote(symbol) if known else None
            except ExchangeUnavailable:
                quote = None
            if quote is None:
                log.warning("the fee cannot be valued", fee_asset=asset, quote_asset=instrument.quote)
            else:
                rates[asset] = (quote.bid + quote.ask) / 2
        return rates
