"""Finds out what became of an unanswered order. The same code serves a lost answer and start-up after a crash."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import structlog

from core.domain.errors import ExchangeUnavailable, SymbolUnknown
from core.domain.instrument import Instrument
from core.domain.order import ExecutionReport, Fill, Order, by_trade
from core.domain.retry_backoff import RetryBackoff
from core.execution.fence import Fence
from core.execution.gone import Gone
from core.ports.clock import Clock
from core.ports.venue import Venue
from core.state.market_data import MarketDataCache

log = structlog.get_logger(__name__)

RECENT = 100
BACKOFF = RetryBackoff(first=0.1, longest=5.0)
PENDING_SECONDS = 5.0
"""Seconds for which an order that waits for the entry of its list is asked for: the entry has ended by then."""


@dataclass(frozen=True, slots=True)
class NeverPlaced:
    """Proof that the venue has no such order and can no longer get one from the request that was sent. `by_other` is the order
    that another program placed under the same client order id."""

    by_other: ExecutionReport | None = None


@dataclass(frozen=True, slots=True)
class FateUnknown:
    """The venue no longer knows the order, or its symbol, for good: it can never be found out what became of it."""


class Reconciler:
    """Asks the venue until it knows. Writes nothing."""

    def __init__(self, venue: Venue, market: MarketDataCache, clock: Clock, mark: Callable[[], int | None]) -> None:
        """Builds it; `mark` is the ledger's."""
        self._venue = venue
        self._mark = mark
        self._market = market
        self._clock = clock

    async def find_out(self, order: Order, fence: Fence | None = None) -> ExecutionReport | NeverPlaced | FateUnknown:
        """Finds out what became of `order`, whose answer is missing: returns its final report with all fills (of an order that
        may rest, the present one), or proof that it was never placed. If its symbol was delisted meanwhile, that can no longer be
        known.

        "Does not exist" counts as proof only if asked after the fence, and never for an order that the venue itself has named. Of
        one that may rest, which it named and does not know for a long time (a testnet that was reset forgets all), nothing more
        can be known. Orders that were all sent before may share a `fence`.
        """
        fence = fence if fence is not None else Fence(self._clock.monotonic())
        named = order.order_id is not None
        pause, gone, forgotten, since = BACKOFF.first, Gone(), Gone(), self._clock.monotonic()
        while True:
            try:
                await fence.left(self._venue, self._clock)
                is_past = fence.is_past  # before the question
                report, other = await self._find(order)
                if report is None and is_past and not named:
                    return NeverPlaced(other)
                named, gone = named or report is not None, Gone()
                if report is None and named and order.terms.may_rest:
                    forgotten.say(self._clock.monotonic())
                    if forgotten.is_for_good(self._clock.monotonic()):
                        return FateUnknown()
                else:
                    forgotten = Gone()
                if report is not None and self._is_answer(report, order, since):
                    return await self.with_fills(report) or FateUnknown()
            except SymbolUnknown as error:
                if await self._is_gone(order.symbol, gone, error):
                    return FateUnknown()
            except ExchangeUnavailable as error:
                log.warning("cannot find out about the order yet", error=str(error))
                pause = max(pause, error.retry_after)
            await self._clock.sleep(pause)
            pause = gone.backoff(BACKOFF).longer(pause)

    async def ask_once(self, order: Order) -> ExecutionReport | FateUnknown | None:
        """Returns what the venue knows of an order that rested there: FateUnknown if it is nothing now, None if there is no
        answer."""
        try:
            return await self._venue.find_order(order.symbol, order.client_order_id) or FateUnknown()
        except SymbolUnknown:
            return FateUnknown()
        except ExchangeUnavailable as error:
            log.warning("a resting order cannot be asked about yet", client_order_id=order.client_order_id, error=str(error))
            return None

    def _is_answer(self, report: ExecutionReport, order: Order, since: float) -> bool:
        """Tells whether a report says what became of `order`, which is asked about `since`. One that waits for the entry of its
        list is placed or refused as soon as that fills: it is asked for again, but not for ever."""
        if report.is_pending and self._clock.monotonic() - since < PENDING_SECONDS:
            return False
        return report.state.final or order.terms.may_rest

    async def _is_gone(self, symbol: str, gone: Gone, error: SymbolUnknown) -> bool:
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
        pause, gone = BACKOFF.first, Gone()
        while not report.fills_complete:
            try:
                fills = await self._venue.fills(report.symbol, report.order_id)
                report = replace(report, fills=_covered(fills, report.executed_qty))
                if report.fills_complete:
                    break
                log.info("the account's trades do not show all fills yet", order_id=report.order_id)
                gone = Gone()
            except SymbolUnknown as error:
                if await self._is_gone(report.symbol, gone, error):
                    return None
            except ExchangeUnavailable as error:
                log.warning("cannot read the order's fills yet", error=str(error))
                pause = max(pause, error.retry_after)
            await self._clock.sleep(pause)
            pause = gone.backoff(BACKOFF).longer(pause)
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


def _covered(fills: Sequence[Fill], executed_qty: Decimal) -> tuple[Fill, ...]:
    """Returns the first fills of an order that make up `executed_qty` (base asset): it may have filled on since its report."""
    covered: list[Fill] = []
    for fill in by_trade(fills):
        if sum((one.qty for one in covered), fill.qty) > executed_qty:
            break
        covered.append(fill)
    return tuple(covered)
