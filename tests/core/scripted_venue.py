"""A scripted exchange at the port: it fills at its quotes unless the test says what goes wrong with the next order."""

import asyncio
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.domain.candle import Candle, Interval
from core.domain.errors import ExchangeUnavailable, SymbolUnknown
from core.domain.instrument import Balance, Instrument, Quote
from core.domain.money import ZERO
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
    UnreadableOrder,
)
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms, OrderType
from core.domain.reasons import reason
from core.domain.signal import Side
from tests.core.virtual_time import VirtualClock


@dataclass(frozen=True)
class Course:
    """The course of one order. `fills` is the part of the quantity that is filled, in two halves; `ended_for` is why the exchange
    ended it by itself; `answer` replaces the report; `visible_after` and `final_after` are seconds from the request; `error` is
    raised by the adapter; `asked` is set when the request arrives, which waits for `gate`."""

    executed: bool = True
    fills: Decimal = Decimal(1)
    state: OrderState = OrderState.FILLED
    ended_for: str = ""
    answer: Unanswered | Rejected | NotTaken | None = None
    visible_after: float = 0.0
    final_after: float = 0.0
    error: Exception | None = None
    gate: asyncio.Event | None = None
    asked: asyncio.Event | None = None


LOST = Unanswered("no answer in 10 s")


@dataclass
class _Known:
    """An order on the venue."""

    report: ExecutionReport
    course: Course
    visible_at: datetime
    final_at: datetime


@dataclass
class ScriptedVenue:
    """See `core.ports.Venue`. `placed` holds every request that arrived, `executed` the client order ids that were filled.
    Bids are `spread` below `prices` (quote asset)."""

    clock: VirtualClock
    rules: dict[str, Instrument]
    prices: dict[str, Decimal]
    ahead: timedelta = timedelta(0)
    spread: Decimal = Decimal(0)
    request_lifetime: float = 3.0
    fee_rate: Decimal = Decimal("0.001")
    fee_asset: str | None = None
    courses: deque[Course] = field(default_factory=deque)
    placed: list[OrderRequest] = field(default_factory=list)
    placed_at: list[datetime] = field(default_factory=list)
    executed: list[str] = field(default_factory=list)
    asked_at: list[datetime] = field(default_factory=list)
    unavailable: bool = False
    late_fills: int = 0
    more: dict[str, Decimal] = field(default_factory=dict)
    foreign: list[ExecutionReport] = field(default_factory=list)
    delisted: set[str] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)  # client order ids
    listed: list[ListRequest] = field(default_factory=list)
    entered: list[EntryList] = field(default_factory=list)
    keeps_waiting: int = 0  # answers that say that an entry's exits still wait for it
    refuses_exits: bool = False  # once their entry has filled
    from_free: bool = False  # the commission of an entry with exits is taken from what was free before
    cancelled: list[str] = field(default_factory=list)
    _known: dict[str, _Known] = field(default_factory=dict)
    _terms: dict[str, OrderTerms] = field(default_factory=dict)  # of orders that rest
    _mates: dict[str, str] = field(default_factory=dict)
    _trades: int = 0

    def next(self, *courses: Course) -> None:
        """Sets the courses of the coming orders; when they are used up all goes well again."""
        self.courses.extend(courses)

    def hide_until(self, moment: datetime) -> None:
        """Hides every order until then."""
        for known in self._known.values():
            known.visible_at = moment

    async def server_time(self) -> datetime:
        self._must_be_there()
        return self.clock.now() + self.ahead

    async def instruments(self, symbols: Collection[str] | None) -> Mapping[str, Instrument]:
        self._must_be_there()
        listed = {name: rules for name, rules in self.rules.items() if name not in self.delisted}
        return {name: rules for name, rules in listed.items() if symbols is None or name in symbols}

    async def quotes(self, symbols: Collection[str]) -> Mapping[str, Quote]:
        self._must_be_there()
        now = self.clock.now()
        asks = {name: self.prices[name] for name in symbols if name in self.prices}
        return {name: Quote(name, ask - self.spread, ask, now) for name, ask in asks.items()}

    async def candles(self, symbol: str, interval: Interval, since: datetime, limit: int) -> Sequence[Candle]:
        self._must_be_there()
        return []

    async def place(self, request: OrderRequest) -> PlaceResult:
        course = self.courses.popleft() if self.courses else Course()
        self.placed.append(request)
        self.placed_at.append(self.clock.now())
        if course.asked is not None:
            course.asked.set()
        if course.gate is not None:
            await course.gate.wait()
        if request.terms.type is OrderType.LIMIT_MAKER and self._would_take(request):
            return Rejected(reason("would_take", code=-2010))
        if course.executed:
            self._execute(request, course)
        if course.error is not None:
            raise course.error
        if course.answer is not None:
            return course.answer
        return self._seen(self._known[request.client_order_id])

    async def place_list(self, request: ListRequest) -> PlaceListResult:
        course = self.courses.popleft() if self.courses else Course()
        self.listed.append(request)
        self.placed_at.append(self.clock.now())
        legs = [
            OrderRequest(leg.client_order_id, request.symbol, Side.SELL, request.qty, request.mark, leg.terms)
            for leg in (request.above, request.below)
        ]
        if course.executed:
            for leg in legs:
                self._rest(leg, course)
            self._mates |= {legs[0].client_order_id: legs[1].client_order_id, legs[1].client_order_id: legs[0].client_order_id}
        if course.answer is not None:
            return course.answer
        return ListPlaced(tuple(self._known[leg.client_order_id].report for leg in legs))

    async def place_entry(self, request: EntryList) -> PlaceListResult:
        course = self.courses.popleft() if self.courses else Course()
        self.entered.append(request)
        self.placed_at.append(self.clock.now())
        if course.executed:
            self._execute(request.entry, course)
            self._enter(request, course)
        if course.answer is not None:
            return course.answer
        names = (request.entry.client_order_id, *(leg.client_order_id for leg in request.exits))
        entry, *exits = (self._known[name].report for name in names)
        waiting = [replace(leg, state=OrderState.ACCEPTED, is_pending=True, qty=ZERO) for leg in exits]
        return ListPlaced((self._seen(self._known[entry.client_order_id]), *waiting))

    def _enter(self, request: EntryList, course: Course) -> None:
        """Places the exits of an entry for what it has bought after its fee, or ends them."""
        entry = self._known[request.entry.client_order_id].report
        fees = sum((fill.fee for fill in entry.fills if fill.fee_asset == self.rules[request.symbol].base), ZERO)
        received = entry.executed_qty - (ZERO if self.from_free else fees)
        qty = self.rules[request.symbol].market_quantity(received)
        names = [leg.client_order_id for leg in request.exits]
        for leg in request.exits:
            self._rest(OrderRequest(leg.client_order_id, request.symbol, Side.SELL, qty, request.entry.mark, leg.terms), course)
            if entry.state is not OrderState.FILLED or self.refuses_exits:
                self.end(leg.client_order_id, OrderState.EXPIRED)
        if len(names) > 1:
            self._mates |= {names[0]: names[1], names[1]: names[0]}

    def trade(self, symbol: str, price: str) -> None:
        """Moves the market: limits that it trades through fill at their own price, stops that it reaches at the market."""
        now = self.prices[symbol] = Decimal(price)
        for name, terms in list(self._terms.items()):
            if self._known[name].report.symbol != symbol or self._known[name].report.state.final:
                continue
            if self._known[name].report.side is Side.BUY:
                if terms.limit_price is not None and now < terms.limit_price:
                    self.fill(name, terms.limit_price)
            elif terms.stop_price is not None and now <= terms.stop_price:
                self.fill(name, now)
            elif terms.stop_price is None and terms.limit_price is not None and now > terms.limit_price:
                self.fill(name, terms.limit_price)

    def fill(self, client_order_id: str, price: Decimal, qty: Decimal | None = None) -> None:
        """Fills a resting order, all of it or `qty`: the other of its list is cancelled."""
        known = self._known[client_order_id]
        report, left = known.report, known.report.qty - known.report.executed_qty
        qty = left if qty is None else qty
        request = OrderRequest(client_order_id, report.symbol, report.side, qty)
        fill = self._fill(request, price, qty, self.clock.now())
        state = OrderState.FILLED if qty == left else OrderState.PARTIALLY_FILLED
        executed, worth = report.executed_qty + qty, report.quote_qty + qty * price
        known.report = replace(
            report, state=state, executed_qty=executed, quote_qty=worth, fills=(*report.fills, fill), at=self.clock.now()
        )
        if (mate := self._mates.get(client_order_id)) is not None:
            self.end(mate)

    def end(self, client_order_id: str, state: OrderState = OrderState.CANCELED, *, why: str = "") -> None:
        """Ends a resting order, as its owner may by hand, or the exchange for the reason `why`."""
        known = self._known[client_order_id]
        if not known.report.state.final:
            known.report = replace(known.report, state=state, at=self.clock.now(), expiry_reason=why)

    def forget(self) -> None:
        """Forgets every order, as a testnet does that is reset."""
        self._known.clear()
        self._terms.clear()
        self._mates.clear()

    def _rest(self, request: OrderRequest, course: Course) -> None:
        now = self.clock.now()
        report = ExecutionReport(
            client_order_id=request.client_order_id,
            order_id=str(1_000 + len(self._known)),
            symbol=request.symbol,
            side=request.side,
            state=OrderState.ACCEPTED,
            executed_qty=ZERO,
            quote_qty=ZERO,
            at=now,
            mark=request.mark,
            qty=request.qty,
            terms=request.terms,
        )
        self._known[request.client_order_id] = _Known(report, course, now + timedelta(seconds=course.visible_after), now)
        self._terms[request.client_order_id] = request.terms

    async def find_order(self, symbol: str, client_order_id: str) -> ExecutionReport | None:
        self._must_be_there()
        self.asked_at.append(self.clock.now() + self.ahead)
        self._must_be_listed(symbol)
        known = self._known.get(client_order_id)
        if known is None or known.report.symbol != symbol or self.clock.now() < known.visible_at:
            return None
        waits = self.keeps_waiting > 0 and client_order_id in {leg.client_order_id for one in self.entered for leg in one.exits}
        self.keeps_waiting -= waits
        return replace(self._seen(known), fills=(), is_pending=waits)  # a query's answer lacks the fills

    async def fills(self, symbol: str, order_id: str) -> Sequence[Fill]:
        self._must_be_there()
        self._must_be_listed(symbol)
        found = next(known.report for known in self._known.values() if known.report.order_id == order_id)
        assert found.symbol == symbol
        if self.late_fills:
            self.late_fills -= 1
            return found.fills[:1]
        return found.fills

    async def balances(self) -> Mapping[str, Balance]:
        """Returns what its fills left of each base asset, plus what the test added, and of a quote asset that it gave some of;
        orders that rest lock theirs, a list once."""
        self._must_be_there()
        held = {rules.base: ZERO for rules in self.rules.values()}
        held |= {rules.quote: ZERO for rules in self.rules.values() if rules.quote in self.more}
        for known in self._known.values():
            report, rules = known.report, self.rules[known.report.symbol]
            bought = report.side is Side.BUY
            held[rules.base] += report.executed_qty if bought else -report.executed_qty
            if rules.quote in held:
                held[rules.quote] += -report.quote_qty if bought else report.quote_qty
            for fill in report.fills:
                if fill.fee_asset in held:
                    held[fill.fee_asset] -= fill.fee
        bound = dict.fromkeys(held, ZERO)
        for name in self._terms:
            mate, report = self._mates.get(name), self._known[name].report
            if (
                report.side is Side.SELL
                and not report.state.final
                and not (mate is not None and mate < name and not self._known[mate].report.state.final)
            ):
                bound[self.rules[report.symbol].base] += report.qty - report.executed_qty
            quote, limit = self.rules[report.symbol].quote, self._terms[name].limit_price
            if report.side is Side.BUY and not report.state.final and quote in bound and limit is not None:
                bound[quote] += (report.qty - report.executed_qty) * limit
        total = {asset: qty + self.more.get(asset, ZERO) for asset, qty in held.items()}
        return {asset: Balance(asset, qty - bound[asset], bound[asset]) for asset, qty in total.items()}

    async def recent_orders(self, symbol: str, limit: int) -> RecentOrders:
        self._must_be_there()
        self._must_be_listed(symbol)
        reports = [replace(self._seen(known), fills=()) for known in self._known.values() if known.report.symbol == symbol]
        found = [*reports, *(report for report in self.foreign if report.symbol == symbol)][-limit:]
        spoiled = [report for report in found if report.client_order_id in self.unreadable]
        return RecentOrders(
            tuple(report for report in found if report not in spoiled),
            tuple(UnreadableOrder(report.client_order_id, report.order_id) for report in spoiled),
        )

    async def open_orders(self, symbol: str | None = None) -> Sequence[ExecutionReport]:
        self._must_be_there()
        found = [self._known[name].report for name in self._terms]
        return [replace(one, fills=()) for one in found if not one.state.final and symbol in {None, one.symbol}]

    async def cancel_order(self, symbol: str, client_order_id: str) -> bool:
        """Ends an unfinished order, with nothing filled."""
        self._must_be_there()
        self._must_be_listed(symbol)
        self.cancelled.append(client_order_id)
        known = self._known.get(client_order_id)
        if client_order_id in self._terms:
            was_open = not self._known[client_order_id].report.state.final
            for name in (client_order_id, *filter(None, [self._mates.get(client_order_id)])):
                self.end(name)
            return was_open
        if known is None or known.report.symbol != symbol or self.clock.now() >= known.final_at:
            return False
        ended = replace(known.report, state=OrderState.CANCELED, executed_qty=ZERO, quote_qty=ZERO, fills=())
        self._known[client_order_id] = replace(known, report=ended, final_at=self.clock.now())
        return True

    def _must_be_there(self) -> None:
        if self.unavailable:
            raise ExchangeUnavailable("no route to host")

    def _must_be_listed(self, symbol: str) -> None:
        if symbol in self.delisted:
            raise SymbolUnknown("HTTP 400, code -1121: Invalid symbol.")

    def _seen(self, known: _Known) -> ExecutionReport:
        if self.clock.now() >= known.final_at:
            return known.report
        return replace(known.report, state=OrderState.ACCEPTED, executed_qty=ZERO, quote_qty=ZERO, fills=())

    def _execute(self, request: OrderRequest, course: Course) -> None:
        if request.terms.may_rest and not self._would_take(request):
            self._rest(request, course)
            return
        price, now = self.prices[request.symbol], self.clock.now()
        if request.terms.limit_price is not None and price > request.terms.limit_price:  # only entries have one
            course = replace(course, fills=ZERO, state=OrderState.EXPIRED)
        quantity = request.qty * course.fills
        fills = tuple(self._fill(request, price, part, now) for part in _halves(quantity))
        report = ExecutionReport(
            client_order_id=request.client_order_id,
            order_id=str(1_000 + len(self._known)),
            symbol=request.symbol,
            side=request.side,
            state=course.state,
            executed_qty=quantity,
            quote_qty=quantity * price,
            qty=request.qty,
            terms=request.terms,
            at=now,
            fills=fills,
            mark=request.mark,
            expiry_reason=course.ended_for,
        )
        visible, final = timedelta(seconds=course.visible_after), timedelta(seconds=course.final_after)
        self._known[request.client_order_id] = _Known(report, course, now + visible, now + final)
        self.executed.append(request.client_order_id)

    def _would_take(self, request: OrderRequest) -> bool:
        """Tells whether an entry matches at once."""
        limit, now = request.terms.limit_price, self.prices[request.symbol]
        return request.side is Side.BUY and limit is not None and now <= limit

    def _fill(self, request: OrderRequest, price: Decimal, qty: Decimal, at: datetime) -> Fill:
        self._trades += 1
        rules = self.rules[request.symbol]
        base_fee, quote_fee = qty * self.fee_rate, qty * price * self.fee_rate
        if self.fee_asset is not None:
            fee, asset = quote_fee, self.fee_asset
        else:
            fee, asset = (base_fee, rules.base) if request.side is Side.BUY else (quote_fee, rules.quote)
        return Fill(request.symbol, str(self._trades), price, qty, fee, asset, at)


def _halves(quantity: Decimal) -> list[Decimal]:
    return [quantity / 2, quantity - quantity / 2] if quantity else []


def lost(*, executed: bool, visible_after: float = 0.0) -> Course:
    """Loses the answer."""
    return Course(executed=executed, answer=LOST, visible_after=visible_after)


def refused(answer: Rejected | NotTaken) -> Course:
    """Refuses, for good or for now."""
    return Course(executed=False, answer=answer)


def part_filled(part: str) -> Course:
    """Fills a part, like a MARKET order that exhausts the order book."""
    return Course(fills=Decimal(part), state=OrderState.EXPIRED)
