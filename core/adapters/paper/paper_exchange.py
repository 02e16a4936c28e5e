"""Trading on paper: real or simulated prices, simulated fills. A Venue that is its own exchange; it sends no order anywhere.

A PaperBook stores its orders and balances, so they survive a restart.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from core.domain.errors import ExchangeUnavailable, LedgerUnavailable
from core.domain.instrument import QUOTE_FRESH, Balance, Instrument, Quote
from core.domain.money import ZERO, floor_to_step, multiply
from core.domain.order import ExecutionReport, Fill, NotTaken, OrderRequest, PlaceResult, RecentOrders, Rejected, Unanswered
from core.domain.order_state_machine import OrderState
from core.domain.reasons import Reason, reason
from core.domain.signal import Side
from core.ports.clock import Clock
from core.ports.market_data import MarketData

TAKER_FEE = Decimal("0.001")  # Binance's standard fee: 0.1 %, out of what is received
_PRECISION = Decimal("1e-8")  # Binance's finest unit; anything smaller is truncated


@dataclass(frozen=True, slots=True)
class PaperState:
    """The content of the book: every balance by asset, and the number of the next order, 1 if there was none."""

    balances: Mapping[str, Decimal]
    next_order_id: int


class PaperBook(Protocol):
    """Stores a paper exchange's orders. Every method raises LedgerUnavailable."""

    async def load(self) -> PaperState:
        """Returns the state after the last order recorded; `PaperState({}, 1)` if there was none."""
        ...

    async def find(self, client_order_id: str) -> ExecutionReport | None:
        """Returns the order of this id with its fills, or None if none was recorded."""
        ...

    async def record(self, report: ExecutionReport, balances: Mapping[str, Decimal]) -> None:
        """Records the order, its fills and all balances after it, in one commit. `client_order_id` and `order_id` are unique."""
        ...

    async def fills(self, order_id: str) -> Sequence[Fill]:
        """Returns the fills of a recorded order; none for an unknown one."""
        ...

    async def recent(self, symbol: str, limit: int) -> Sequence[ExecutionReport]:
        """Returns the newest `limit` orders of `symbol`."""
        ...

    async def between(self, symbol: str, since: datetime, until: datetime) -> Sequence[ExecutionReport]:
        """Returns the orders of `symbol` at or after `since` and before `until`, with their fills."""
        ...


class PaperExchange:
    """Fills a MARKET order at once and completely, at the best price of its side, less `fee` (a fraction) of what is received,
    and refuses what the exchange would refuse. Repeating a client order id returns the first answer: a stronger guarantee than
    Binance's.

    `balances` is the starting balance if `book` is empty. Rules are read again when they are `rules_max_age` seconds old.
    """

    def __init__(
        self,
        *,
        market: MarketData,
        book: PaperBook,
        clock: Clock,
        balances: Mapping[str, Decimal],
        fee: Decimal = TAKER_FEE,
        rules_max_age: float = 60.0,
    ) -> None:
        self._market = market
        self._book = book
        self._clock = clock
        self._start_balances = dict(balances)
        self._fee = fee
        self._rules_max_age = rules_max_age
        self._rules: dict[str, tuple[Instrument, float]] = {}  # with the monotonic second at which they were read
        self._state: PaperState | None = None
        self._one_at_a_time = asyncio.Lock()

    @property
    def request_lifetime(self) -> float:
        """Returns 0: an order is placed before `place` returns, or never."""
        return 0.0

    async def server_time(self) -> datetime:
        """Returns this machine's time: the paper exchange runs here."""
        return self._clock.now()

    async def instruments(self, symbols: Collection[str] | None) -> Mapping[str, Instrument]:
        """See MarketData."""
        learned = self._clock.monotonic()
        found = await self._market.instruments(symbols)
        self._rules |= {symbol: (rules, learned) for symbol, rules in found.items()}
        return found

    async def quotes(self, symbols: Collection[str]) -> Mapping[str, Quote]:
        """See MarketData."""
        return await self._market.quotes(symbols)

    async def place(self, request: OrderRequest) -> PlaceResult:
        """See Venue."""
        market = await self._look(request.symbol)
        async with self._one_at_a_time:
            try:
                known = await self._book.find(request.client_order_id)
                if known is not None:
                    return known
                return await self._execute(request, *market) if isinstance(market, tuple) else market
            except LedgerUnavailable as error:
                return Unanswered(str(error))

    async def find_order(self, symbol: str, client_order_id: str) -> ExecutionReport | None:
        """See Venue."""
        try:
            report = await self._book.find(client_order_id)
        except LedgerUnavailable as error:
            raise ExchangeUnavailable(str(error)) from error
        return report if report is not None and report.symbol == symbol else None

    async def cancel_order(self, symbol: str, client_order_id: str) -> bool:
        """See Venue. Never cancels anything: an order is filled or refused at once."""
        return False

    async def fills(self, symbol: str, order_id: str) -> Sequence[Fill]:
        """See Venue."""
        try:
            fills = await self._book.fills(order_id)
        except LedgerUnavailable as error:
            raise ExchangeUnavailable(str(error)) from error
        return [fill for fill in fills if fill.symbol == symbol]

    async def balances(self) -> Mapping[str, Balance]:
        """See Venue."""
        async with self._one_at_a_time:
            try:
                state = await self._load()
            except LedgerUnavailable as error:
                raise ExchangeUnavailable(str(error)) from error
        return {asset: Balance(asset, free) for asset, free in state.balances.items() if free}

    async def recent_orders(self, symbol: str, limit: int) -> RecentOrders:
        """See Venue."""
        try:
            return RecentOrders(tuple(await self._book.recent(symbol, limit)))
        except LedgerUnavailable as error:
            raise ExchangeUnavailable(str(error)) from error

    async def orders_between(self, symbol: str, since: datetime, until: datetime) -> Sequence[ExecutionReport]:
        """See AccountHistory."""
        try:
            return await self._book.between(symbol, since, until)
        except LedgerUnavailable as error:
            raise ExchangeUnavailable(str(error)) from error

    async def open_orders(self) -> Sequence[ExecutionReport]:
        """See Venue. Always empty: a market order is complete when it is placed."""
        return ()

    async def _load(self) -> PaperState:
        if self._state is None:
            state = await self._book.load()
            self._state = PaperState(self._start_balances, 1) if state.next_order_id == 1 else state
        return self._state

    async def _look(self, symbol: str) -> tuple[Instrument, Quote] | Rejected | NotTaken:
        """Returns the current rules and price, or why nothing can be traded. May take a while, so other orders do not wait for
        it."""
        try:
            rules = await self._rules_of(symbol)
            if rules is None:
                return Rejected(reason("invalid_symbol", symbol=symbol))
            if not rules.trading:
                return Rejected(reason("market_closed", symbol=symbol))
            quote = (await self._market.quotes([symbol])).get(symbol)
        except ExchangeUnavailable as error:
            return NotTaken(reason("unreachable", detail=error), error.retry_after)
        if quote is None or not quote.is_fresh(self._clock.now(), QUOTE_FRESH):  # the answer may have been slow
            return NotTaken(reason("price_unknown", symbol=symbol))
        return rules, quote

    async def _rules_of(self, symbol: str) -> Instrument | None:
        rules, learned = self._rules.get(symbol, (None, 0.0))
        if rules is None or self._clock.monotonic() - learned > self._rules_max_age:
            rules = (await self.instruments([symbol])).get(symbol)
        return rules

    async def _execute(self, request: OrderRequest, rules: Instrument, quote: Quote) -> PlaceResult:
        state = await self._load()
        report = self._fill(request, rules, quote.price_for(request.side), state.next_order_id)
        if refused := _refused(request, rules, report.quote_qty, state.balances):
            return Rejected(refused)
        after = _after(report, rules, state.balances)
        # Until the commit is confirmed only the book knows the state; the next caller reads it from there.
        self._state = None
        await self._book.record(report, after)
        self._state = PaperState(after, state.next_order_id + 1)
        return report

    def _fill(self, request: OrderRequest, rules: Instrument, price: Decimal, order_id: int) -> ExecutionReport:
        """Returns the order as it would be filled if allowed."""
        now = self._clock.now()
        worth = floor_to_step(multiply(request.qty, price), _PRECISION)
        received, asset = (request.qty, rules.base) if request.side is Side.BUY else (worth, rules.quote)
        fee = floor_to_step(multiply(received, self._fee), _PRECISION)
        fill = Fill(request.symbol, str(order_id), price, request.qty, fee, asset, now)
        return ExecutionReport(
            client_order_id=request.client_order_id,
            order_id=str(order_id),
            symbol=request.symbol,
            side=request.side,
            state=OrderState.FILLED,
            executed_qty=request.qty,
            quote_qty=worth,
            at=now,
            fills=(fill,),
            mark=request.mark,
            qty=request.qty,
        )


def _after(report: ExecutionReport, rules: Instrument, balances: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Returns all balances after the order is filled."""
    sign = 1 if report.side is Side.BUY else -1
    after = dict(balances)
    after[rules.base] = after.get(rules.base, ZERO) + sign * report.executed_qty
    after[rules.quote] = after.get(rules.quote, ZERO) - sign * report.quote_qty
    for fill in report.fills:
        after[fill.fee_asset] -= fill.fee
    return after


def _refused(request: OrderRequest, rules: Instrument, worth: Decimal, balances: Mapping[str, Decimal]) -> Reason | None:
    """Returns why the exchange would refuse the order (`worth` in quote asset), checking in the exchange's sequence."""
    if not rules.market_orders:
        return reason("market_orders_off", symbol=request.symbol)
    if broken := _broken_filter(request.qty, rules, worth):
        return reason("filter_failure", filter=broken)
    asset, needed = (rules.quote, worth) if request.side is Side.BUY else (rules.base, request.qty)
    if balances.get(asset, ZERO) < needed:
        return reason("insufficient_balance", asset=asset)
    return None


def _broken_filter(qty: Decimal, rules: Instrument, worth: Decimal) -> str | None:
    """Returns the first filter that a MARKET order breaks (filters.md). A step or an upper limit of 0 checks nothing."""
    for name, least, most, step in (
        ("LOT_SIZE", rules.min_qty, rules.max_qty, rules.step_size),
        ("MARKET_LOT_SIZE", rules.market_min_qty, rules.market_max_qty, rules.market_step_size),
    ):
        if qty <= 0 or qty < least or (most is not None and qty > most) or floor_to_step(qty, step) != qty:
            return name
    if worth < rules.min_notional or (rules.max_notional is not None and worth > rules.max_notional):
        return "NOTIONAL"
    return None
