"""The account's money, asked for when a size or a limit counts from it: balances, the prices of what is held, and the rates."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

import structlog

from core.domain.errors import ExchangeUnavailable
from core.domain.instrument import Balance
from core.domain.money import ZERO
from core.domain.position import Position
from core.domain.reasons import Reason, reason
from core.domain.signal import Side
from core.domain.strategy_book import StrategyBook
from core.policy.conversion_rates import Rate, Unknown, same
from core.policy.exits.protection import bound
from core.policy.funds import Entering, Funds, Valued, funds_of
from core.ports.clock import Clock
from core.state.exchange_rates import ExchangeRates
from core.state.market_data import ASK_TIMEOUT_SECONDS, FRESH, MarketDataCache
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)

Balances = Callable[[], Awaitable[Mapping[str, Balance]]]

_MOST_LOOKS = 3
_ROUNDED = Decimal("1e-7")  # of an asset: the exchange locks amounts of eight digits


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The account's balances, and the rates of its quote assets. `positions` are those that the balances belong to: once another
    one is booked, they describe an account that is gone."""

    balances: Mapping[str, Balance]
    rates: Mapping[str, Rate | Unknown]
    positions: Mapping[StrategyBook, Position]


class AccountFunds:
    """Reads what the account is worth. What is not known, or has changed since it was asked for, is unknown."""

    def __init__(
        self, portfolio: Portfolio, market: MarketDataCache, rates: ExchangeRates, balances: Balances, clock: Clock
    ) -> None:
        """Builds it. `balances` asks for the account's balances."""
        self._portfolio = portfolio
        self._market = market
        self._rates = rates
        self.balances = balances
        self._clock = clock

    async def look(self, quote: str = "") -> Snapshot | Reason:
        """Asks for the balances, and for the prices and rates that are not fresh. `quote` is an asset that is to be spent."""
        for _ in range(_MOST_LOOKS):
            positions = dict(self._portfolio.positions)
            try:
                async with asyncio.timeout(ASK_TIMEOUT_SECONDS):
                    balances = await self.balances()
            except (ExchangeUnavailable, TimeoutError) as error:
                log.warning("the balances cannot be read for a size or a limit", error=str(error) or "no answer in time")
                break
            rates = await self._rates.fresh(self.assets(quote) - {self._rates.report})
            if stale := {one.symbol for one in positions.values() if one.qty and not self._is_fresh(one.symbol)}:
                await self._market.freshen(stale)
            if positions == self._portfolio.positions:
                return Snapshot(balances, rates, positions)
        return reason("balances_unknown")

    def of(self, snapshot: Snapshot | Reason, quote: str = "", *, besides: str = "") -> Funds | Reason:
        """Returns the money at this moment, without an entry under way with the id `besides`. Answers from memory."""
        if isinstance(snapshot, Reason):
            return snapshot
        if snapshot.positions != self._portfolio.positions:
            return reason("balances_unknown")
        report = self._rates.report

        def rate(asset: str) -> Rate | Unknown:
            return same(asset) if asset == report else snapshot.rates.get(asset) or Unknown(asset, report)

        holdings = [self._holding(one) for one in snapshot.positions.values() if one.qty]
        entering = [*self._entering(besides)]
        orders = (*self._portfolio.in_flight.values(), *self._portfolio.resting.values())
        realised = self._portfolio.record.with_open((order, self._quote_of(order.symbol)) for order in orders)
        return funds_of(
            snapshot.balances, holdings, entering, assets=self.assets(quote), rate=rate, quote=quote, realised=realised
        )

    def is_behind(self, snapshot: Snapshot) -> bool:
        """Tells whether an order of ours that is believed to rest locks less than it should: it has filled, or ended, and nobody
        has heard of it yet. The balances and the positions are of two moments then."""
        locked: defaultdict[str, Decimal] = defaultdict(Decimal)
        for symbol in {order.symbol for order in self._portfolio.resting.values()}:
            instrument, resting = self._market.instrument(symbol), self._portfolio.open_for(symbol)
            if instrument is not None:
                locked[instrument.base] += bound(resting)
                locked[instrument.quote] += sum((Entering(one, "").unspent for one in resting if one.side is Side.BUY), ZERO)
        return any(_locked(snapshot.balances, asset) < amount - _ROUNDED for asset, amount in locked.items())

    def assets(self, quote: str = "") -> set[str]:
        """Returns the quote assets that count as the account's money: the report asset, those of the traded symbols and of
        what is held, and those that counted before."""
        known, limits = self._market.instruments(), self._portfolio.limits
        symbols = {one.symbol for one in self._portfolio.positions.values() if one.qty} | (limits.symbols or frozenset())
        counted = self._portfolio.equity_mark.external.keys() if self._portfolio.equity_mark is not None else set()
        return ({known[symbol].quote for symbol in symbols if symbol in known} | {limits.report_asset, quote, *counted}) - {""}

    def _quote_of(self, symbol: str) -> str:
        instrument = self._market.instrument(symbol)
        return instrument.quote if instrument is not None else symbol

    def _holding(self, position: Position) -> Valued:
        quote = self._market.quote(position.symbol) if self._is_fresh(position.symbol) else None
        return Valued(position, self._market.instrument(position.symbol), quote.bid if quote is not None else None)

    def _is_fresh(self, symbol: str) -> bool:
        quote = self._market.quote(symbol)
        return quote is not None and quote.is_fresh(self._clock.now(), FRESH)

    def _entering(self, besides: str) -> Iterator[Entering]:
        """Yields the entries under way: those being sent, and those that rest on the exchange."""
        for order in (*self._portfolio.in_flight.values(), *self._portfolio.resting.values()):
            if order.side is Side.BUY and order.client_order_id != besides:
                yield Entering(order, self._quote_of(order.symbol))


def _locked(balances: Mapping[str, Balance], asset: str) -> Decimal:
    return balances[asset].locked if asset in balances else ZERO
