"""Trading on paper: real or simulated prices, simulated fills. A Venue that is its own exchange; it sends no order anywhere.

A PaperBook stores its orders and balances, so they survive a restart. Time passes for its open orders when it is asked, and when
`follow_market` is called.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import count

from core.adapters.paper.account import ENTRY_MISSED, NOT_PLACED, PaperAccount, balances_of
from core.adapters.paper.paper_book import PaperBook, PaperOrder, PaperState
from core.adapters.paper.rules import bound_worth, entry_refusal, exits_of, exits_refusal, legs_of, list_refusal, refusal
from core.domain.candle import Candle, Interval
from core.domain.errors import ExchangeUnavailable, LedgerUnavailable
from core.domain.instrument import QUOTE_FRESH, Balance, Instrument, Quote
from core.domain.money import ZERO, floor_to_step
from core.domain.order import (
    EntryList,
    ExecutionReport,
    Fill,
    ListPlaced,
    ListRequest,
    NotTaken,
    OrderRequest,
    PlaceListResult,
    PlaceResult,
    RecentOrders,
    Rejected,
    Unanswered,
)
from core.domain.order_state_machine import OrderState
from core.domain.reasons import reason
from core.ports.clock import Clock
from core.ports.market_data import MarketData

TAKER_FEE = Decimal("0.001")  # Binance's standard fee, maker and taker: 0.1 %, out of what is received


@dataclass(frozen=True, slots=True)
class _Look:
    """The market as it was seen once. A look of a higher `number` was begun later."""

    number: int
    rules: Instrument
    quote: Quote


class PaperExchange:
    """Fills what takes at once and completely, at the best price of its side, less `fee` (a fraction) of what is received; lets
    the rest wait as the exchange does, and refuses what it would refuse. A waiting limit is filled at its own price, and only
    when the market trades through it. Repeating a client order id returns that order: a stronger guarantee than Binance's.

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
        self._looks = count(1)
        self._newest_look: dict[str, int] = {}  # by symbol: an older one would show open orders a price of before
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

    async def candles(self, symbol: str, interval: Interval, since: datetime, limit: int) -> Sequence[Candle]:
        """See MarketData."""
        return await self._market.candles(symbol, interval, since, limit)

    async def follow_market(self, symbols: Collection[str] | None = None) -> None:
        """Shows the market's current prices to the open orders of `symbols` (None: all), and commits what comes of it. To be
        called every second or two: a price between two calls is not seen. Asks nothing where nothing is open; the same prices
        twice change nothing. A symbol without a fresh price, or that is halted, stands still.

        Raises ExchangeUnavailable.
        """
        number = next(self._looks)
        with _answering():
            async with self._one_at_a_time:
                waiting = {order.report.symbol for order in (await self._load()).resting}
        wanted = sorted(waiting if symbols is None else waiting.intersection(symbols))
        if not wanted:
            return
        rules = {symbol: await self._rules_of(symbol) for symbol in wanted}
        quotes = await self._market.quotes(wanted)
        looks = [
            _Look(number, found, quotes[symbol])
            for symbol, found in rules.items()
            if found is not None and found.trading and symbol in quotes and self._is_fresh(quotes[symbol])
        ]
        with _answering():
            async with self._one_at_a_time:
                await self._follow(looks)

    async def place(self, request: OrderRequest) -> PlaceResult:
        """See Venue."""
        look = await self._look(request.symbol)
        async with self._one_at_a_time:
            try:
                if isinstance(look, _Look):
                    await self._follow([look])
                known = await self._book.find(request.client_order_id)
                if known is not None:
                    return known
                return await self._place(request, look) if isinstance(look, _Look) else look
            except LedgerUnavailable as error:
                return Unanswered(str(error))

    async def place_list(self, request: ListRequest) -> PlaceListResult:
        """See Venue."""
        names = [leg.client_order_id for leg in legs_of(request)]
        return await self._place_all(request.symbol, names, lambda look: self._place_list(request, look))

    async def place_entry(self, request: EntryList) -> PlaceListResult:
        """See Venue. Takes an entry that may not rest alone: its exits never wait for it."""
        names = [request.entry.client_order_id, *(leg.client_order_id for leg in request.exits)]
        return await self._place_all(request.symbol, names, lambda look: self._place_entry(request, look))

    async def _place_all(
        self, symbol: str, names: Sequence[str], place: Callable[[_Look], Awaitable[ListPlaced | Rejected]]
    ) -> PlaceListResult:
        """Places the orders `names` by `place`, or returns them if they are there already."""
        look = await self._look(symbol)
        async with self._one_at_a_time:
            try:
                if isinstance(look, _Look):
                    await self._follow([look])
                known = [await self._book.find(name) for name in names]
                found = tuple(report for report in known if report is not None)
                if len(found) == len(known):
                    return ListPlaced(found)
                if found or len(set(names)) < len(names):
                    return Rejected(reason("duplicate_order"))
                return await place(look) if isinstance(look, _Look) else look
            except LedgerUnavailable as error:
                return Unanswered(str(error))

    async def find_order(self, symbol: str, client_order_id: str) -> ExecutionReport | None:
        """See Venue."""
        await self.follow_market([symbol])
        with _answering():
            report = await self._book.find(client_order_id)
        return report if report is not None and report.symbol == symbol else None

    async def cancel_order(self, symbol: str, client_order_id: str) -> bool:
        """See Venue."""
        await self.follow_market([symbol])
        with _answering():
            async with self._one_at_a_time:
                account = self._account(await self._load())
                for order in account.open_of(symbol):
                    if order.report.client_order_id == client_order_id:
                        account.cancel(order)
                        await self._commit(account)
                        return True
        return False

    async def fills(self, symbol: str, order_id: str) -> Sequence[Fill]:
        """See Venue."""
        await self.follow_market([symbol])
        with _answering():
            fills = await self._book.fills(order_id)
        return [fill for fill in fills if fill.symbol == symbol]

    async def balances(self) -> Mapping[str, Balance]:
        """See Venue."""
        await self.follow_market()
        with _answering():
            async with self._one_at_a_time:
                return balances_of(await self._load())

    async def recent_orders(self, symbol: str, limit: int) -> RecentOrders:
        """See Venue."""
        await self.follow_market([symbol])
        with _answering():
            return RecentOrders(tuple(await self._book.recent(symbol, limit)))

    async def orders_between(self, symbol: str, since: datetime, until: datetime) -> Sequence[ExecutionReport]:
        """See AccountHistory."""
        await self.follow_market([symbol])
        with _answering():
            return await self._book.between(symbol, since, until)

    async def open_orders(self, symbol: str | None = None) -> Sequence[ExecutionReport]:
        """See Venue."""
        await self.follow_market(None if symbol is None else [symbol])
        with _answering():
            async with self._one_at_a_time:
                resting = (await self._load()).resting
        return [order.report for order in resting if symbol in {None, order.report.symbol}]

    async def _load(self) -> PaperState:
        if self._state is None:
            state = await self._book.load()
            self._state = PaperState(self._start_balances, 1) if state.next_order_id == 1 else state
        return self._state

    async def _look(self, symbol: str) -> _Look | Rejected | NotTaken:
        """Returns the current rules and price, or why nothing can be traded. May take a while, so other orders do not wait for
        it."""
        number = next(self._looks)
        try:
            rules = await self._rules_of(symbol)
            if rules is None:
                return Rejected(reason("invalid_symbol", symbol=symbol))
            if not rules.trading:
                return Rejected(reason("market_closed", symbol=symbol))
            quote = (await self._market.quotes([symbol])).get(symbol)
        except ExchangeUnavailable as error:
            return NotTaken(reason("unreachable", detail=error), error.retry_after)
        if quote is None or not self._is_fresh(quote):
            return NotTaken(reason("price_unknown", symbol=symbol))
        return _Look(number, rules, quote)

    def _is_fresh(self, quote: Quote) -> bool:
        """Tells whether a price is still good: the answer may have been slow."""
        return quote.is_fresh(self._clock.now(), QUOTE_FRESH)

    async def _rules_of(self, symbol: str) -> Instrument | None:
        rules, learned = self._rules.get(symbol, (None, 0.0))
        if rules is None or self._clock.monotonic() - learned > self._rules_max_age:
            rules = (await self.instruments([symbol])).get(symbol)
        return rules

    async def _follow(self, looks: Sequence[_Look]) -> None:
        account = self._account(await self._load())
        for look in looks:
            symbol = look.rules.symbol
            if look.number > self._newest_look.get(symbol, 0):
                self._newest_look[symbol] = look.number
                account.follow(look.quote)
        await self._commit(account)

    async def _place(self, request: OrderRequest, look: _Look) -> ExecutionReport | Rejected:
        account = self._account(await self._load())
        if refused := refusal(request, look.rules, look.quote, account):
            return Rejected(refused)
        price = look.quote.price_for(request.side)
        order = account.add(request, look.rules, bound_worth(request, price))
        account.execute(order, price)
        await self._commit(account)
        return account.changed[order.report.order_id].report

    async def _place_list(self, request: ListRequest, look: _Look) -> ListPlaced | Rejected:
        account = self._account(await self._load())
        if refused := list_refusal(request, look.rules, look.quote, account):
            return Rejected(refused)
        legs = [account.add(leg, look.rules, ZERO, request.list_id) for leg in legs_of(request)]
        await self._commit(account)
        return ListPlaced(tuple(leg.report for leg in legs))

    async def _place_entry(self, request: EntryList, look: _Look) -> ListPlaced | Rejected:
        account, rules = self._account(await self._load()), look.rules
        if refused := entry_refusal(request, rules, look.quote, account):
            return Rejected(refused)
        free, price = account.free(rules.base), look.quote.price_for(request.entry.side)
        order = account.add(request.entry, rules, bound_worth(request.entry, price))
        account.execute(order, price)
        entry = account.changed[order.report.order_id].report
        exits = self._place_exits(request, look, account, account.received(entry, free))
        await self._commit(account)
        waiting = [replace(leg.report, state=OrderState.ACCEPTED, is_pending=True, expiry_reason="") for leg in exits]
        names = [leg.client_order_id for leg in request.exits]
        return ListPlaced((entry, *sorted(waiting, key=lambda leg: names.index(leg.client_order_id))))

    def _place_exits(self, request: EntryList, look: _Look, account: PaperAccount, received: Decimal) -> list[PaperOrder]:
        """Places what waits for an entry that has brought `received` (base asset), or ends it."""
        rules, at_market = look.rules, any(leg.terms.limit_price is None for leg in request.exits)
        qty = rules.market_quantity(received) if at_market else floor_to_step(received, rules.step_size)
        legs = exits_of(request, qty)
        if not received:
            return [account.add_ended(leg, rules, ENTRY_MISSED) for leg in legs]
        if exits_refusal(request, qty, rules, look.quote, account):
            return [account.add_ended(leg, rules, NOT_PLACED) for leg in legs]
        return [account.add(leg, rules, ZERO, request.list_id) for leg in legs]

    def _account(self, state: PaperState) -> PaperAccount:
        return PaperAccount(state, self._fee, self._clock.now())

    async def _commit(self, account: PaperAccount) -> None:
        """Records what changed, if anything did. Until that is confirmed only the book knows the state; the next caller reads it
        from there."""
        if not account.changed:
            return
        self._state = None
        await self._book.record(tuple(account.changed.values()), account.balances)
        self._state = account.state


@contextmanager
def _answering() -> Iterator[None]:
    """Makes a book that cannot be read an exchange that does not answer."""
    try:
        yield
    except LedgerUnavailable as error:
        raise ExchangeUnavailable(str(error)) from error
