"""The venue of a replay: an order that was really sent has the fate that it really had, any other is sent on paper.

An order is the same if its client order id, its size and its terms are. The fate of such an order is not guessed again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.adapters.paper.paper_exchange import PaperExchange
from core.domain.candle import Candle, Interval
from core.domain.errors import ExchangeUnavailable
from core.domain.instrument import Balance, Instrument, Quote
from core.domain.money import ZERO, divide, floor_to_step, multiply
from core.domain.order import (
    EntryList,
    ExecutionReport,
    Fill,
    LegRequest,
    ListPlaced,
    ListRequest,
    OrderRequest,
    PlaceListResult,
    PlaceResult,
    RecentOrders,
    Rejected,
)
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms
from core.domain.reasons import reason
from core.domain.signal import Side
from core.domain.strategy_book import strategy_number
from core.records.recording import RecordedOrder
from core.replay.prices import PriceSource, RecordedMarket, point
from core.replay.virtual_time import VirtualClock

MARK = 1
"""The mark of the replay's own ledger, which its orders carry."""
_PATIENCE = timedelta(seconds=60)
"""The time after its recorded cancellation after which an order that nobody cancels here goes on as an order on paper."""


@dataclass(slots=True)
class _Sent:
    """An order that was really sent, and is sent again here; `cancelled_at` is when it was cancelled here. `beyond` is what
    it did on paper beyond its record."""

    request: OrderRequest
    recorded: RecordedOrder
    number: int
    list_id: str = ""
    cancelled_at: datetime | None = None
    beyond: ExecutionReport | None = None

    def report(self, now: datetime) -> ExecutionReport:
        """Returns what the venue says of it at `now`."""
        found = self._recorded(now)
        if self.beyond is None:
            return found
        return replace(
            found,
            state=self.beyond.state,
            executed_qty=found.executed_qty + self.beyond.executed_qty,
            quote_qty=found.quote_qty + self.beyond.quote_qty,
            at=self.beyond.at,
            fills=(*found.fills, *self.beyond.fills),
        )

    def _recorded(self, now: datetime) -> ExecutionReport:
        order = self.recorded.order
        fills = self._fills(now)
        executed = sum((fill.qty for fill in fills), ZERO)
        whole = executed == order.executed_qty
        state, at = self._state(now, executed, whole=whole)
        return ExecutionReport(
            client_order_id=order.client_order_id,
            order_id=order.order_id or f"r{self.number}",
            symbol=order.symbol,
            side=order.side,
            state=state,
            executed_qty=executed,
            quote_qty=order.quote_qty if whole else sum((multiply(fill.qty, fill.price) for fill in fills), ZERO),
            at=fills[-1].at if fills and at is None else at or now,
            fills=fills,
            mark=self.request.mark,
            qty=order.qty,
            terms=order.terms,
            strategy_number=strategy_number(self.request.strategy),
        )

    def _fills(self, now: datetime) -> tuple[Fill, ...]:
        """Returns the fills that the ledger knew at `now`. It learned of the end of an order that rested when it booked that."""
        order, fills = self.recorded.order, self.recorded.fills
        if not order.terms.may_rest:
            return fills
        until = now if self.cancelled_at is None else self.cancelled_at
        known = tuple(fill for fill in fills if fill.at <= until)
        is_early = order.state.final and until < order.updated_at and len(known) == len(fills)
        return known[:-1] if is_early else known

    def _state(self, now: datetime, executed: Decimal, *, whole: bool) -> tuple[OrderState, datetime | None]:
        """Returns its state at `now`, and since when; None: since its last fill."""
        order = self.recorded.order
        if executed == order.qty:
            return OrderState.FILLED, None
        if self.cancelled_at is not None:
            return OrderState.CANCELED, self.cancelled_at
        by_itself = order.state.final and order.state is not OrderState.CANCELED
        if by_itself and whole and (not order.terms.may_rest or order.updated_at <= now):
            return order.state, order.updated_at
        if not order.terms.may_rest and order.state.final:
            return order.state, order.updated_at
        return (OrderState.PARTIALLY_FILLED, None) if executed else (OrderState.ACCEPTED, order.created_at)

    def goes_on(self, now: datetime) -> bool:
        """Tells whether it was really cancelled some time ago, and here was not."""
        order = self.recorded.order
        is_left = self.beyond is None and self.cancelled_at is None
        return is_left and order.state is OrderState.CANCELED and now > order.updated_at + _PATIENCE


class RecordedVenue:
    """See `core.ports.venue.Venue`. `known` are the recorded orders, by client order id."""

    def __init__(
        self,
        paper: PaperExchange,
        market: RecordedMarket,
        known: Mapping[str, RecordedOrder],
        clock: VirtualClock,
        *,
        is_shadow: bool = False,
    ) -> None:
        """Builds it. That of a shadow gives no order its recorded fate: all are sent on paper, at the price of their signal."""
        self._is_shadow = is_shadow
        self._paper = paper
        self._market = market
        self._known = known
        self._clock = clock
        self._sent: dict[str, _Sent] = {}
        self._missed: dict[str, ExecutionReport] = {}  # exits that could not be placed once their entry had filled
        self.on_paper: set[str] = set()
        """The orders whose fate is guessed, by client order id."""
        self.money: Decimal | None = None
        """The free amount of `report_asset`; None while it is unknown."""
        self.report_asset = ""

    @property
    def request_lifetime(self) -> float:
        """Returns 0: an order is placed before `place` returns, or never."""
        return 0.0

    async def server_time(self) -> datetime:
        """See MarketData."""
        return self._clock.now()

    async def instruments(self, symbols: Collection[str] | None) -> Mapping[str, Instrument]:
        """See MarketData."""
        return await self._paper.instruments(symbols)

    async def quotes(self, symbols: Collection[str]) -> Mapping[str, Quote]:
        """See MarketData."""
        return await self._market.quotes(symbols)

    async def candles(self, symbol: str, interval: Interval, since: datetime, limit: int) -> Sequence[Candle]:
        """See MarketData."""
        return await self._market.candles(symbol, interval, since, limit)

    async def balances(self) -> Mapping[str, Balance]:
        """Returns the money that the record tells. Raises ExchangeUnavailable where it tells none."""
        if self.money is None:
            raise ExchangeUnavailable("the record does not tell what the account was worth")
        return {self.report_asset: Balance(self.report_asset, self.money)}

    def take_up(self, recorded: RecordedOrder) -> None:
        """Takes up an order that rested before the replay began."""
        order = recorded.order
        request = OrderRequest(
            order.client_order_id, order.symbol, order.side, order.qty, MARK, order.terms, strategy=order.signal.strategy
        )
        self._send(request, recorded, order.list_id or "")

    async def follow(self) -> None:
        """Shows the market to the orders on paper; what was really cancelled and here was not is one of them from now on."""
        now = self._clock.now()
        for sent in [one for one in self._sent.values() if one.list_id and one.report(now).executed_qty]:
            await self._end_others(sent)
        for sent in [one for one in self._sent.values() if one.goes_on(now)]:
            await self._go_on(sent)
        await self._paper.follow_market()
        for sent in [one for one in self._sent.values() if one.beyond is not None and not one.beyond.state.final]:
            sent.beyond = await self._paper.find_order(sent.request.symbol, sent.request.client_order_id)
            if sent.beyond is not None and sent.beyond.executed_qty:
                await self._end_others(sent)

    async def place(self, request: OrderRequest) -> PlaceResult:
        """See Venue."""
        if (sent := self._sent.get(request.client_order_id)) is not None:
            return sent.report(self._clock.now())
        recorded = self._known.get(request.client_order_id)
        if recorded is None or self._is_shadow or not _is_same(recorded, request.qty, request.terms):
            return await self._guess(request, recorded)
        if _is_rejected(recorded):
            await self._clock.until(recorded.order.updated_at)
            return Rejected(recorded.order.reason or reason("exchange_busy"))
        sent = self._send(request, recorded)
        if not request.terms.may_rest:
            await self._clock.until(recorded.order.updated_at)
        return sent.report(self._clock.now())

    async def place_list(self, request: ListRequest) -> PlaceListResult:
        """See Venue."""
        legs = (request.above, request.below)
        recorded = [self._known.get(leg.client_order_id) for leg in legs]
        same = [one for one, leg in zip(recorded, legs, strict=True) if one and _is_same(one, request.qty, leg.terms)]
        if self._is_shadow or len(same) < len(legs):
            self.on_paper |= {leg.client_order_id for leg in legs}
            return await self._paper.place_list(request)
        if all(_is_rejected(one) for one in same):
            return Rejected(same[0].order.reason or reason("exchange_busy"))
        sent = [self._send(_leg(request, leg), one, request.list_id) for leg, one in zip(legs, same, strict=True)]
        return ListPlaced(tuple(one.report(self._clock.now()) for one in sent))

    async def place_entry(self, request: EntryList) -> PlaceListResult:
        """See Venue. The exits are placed for what the entry has brought."""
        entry = await self.place(request.entry)
        if not isinstance(entry, ExecutionReport):
            return entry
        instrument = (await self.instruments([request.symbol]))[request.symbol]
        fees = sum((fill.fee for fill in entry.fills if fill.fee_asset == instrument.base), ZERO)
        qty = floor_to_step(entry.executed_qty - fees, instrument.step_size)
        for leg in request.exits:
            recorded = self._known.get(leg.client_order_id)
            qty = recorded.order.qty if recorded is not None and request.entry.client_order_id in self._sent else qty
        reports = [await self._place_exits(request, qty)] if qty and entry.executed_qty else []
        if not reports or not isinstance(reports[0], ListPlaced):
            for leg in request.exits:
                self._missed[leg.client_order_id] = _missed(request, leg, self._clock.now())
        pending = [replace(_missed(request, leg, self._clock.now()), state=OrderState.ACCEPTED) for leg in request.exits]
        return ListPlaced((entry, *(replace(one, is_pending=True, expiry_reason="") for one in pending)))

    async def _place_exits(self, request: EntryList, qty: Decimal) -> PlaceListResult:
        """Places the exits of an entry for `qty` (base asset), as the exchange does."""
        entry, target, stop = request.entry, request.target, request.stop
        if target is not None and stop is not None:
            both = ListRequest(request.list_id, request.symbol, qty, target, stop, entry.mark, entry.strategy)
            return await self.place_list(both)
        (leg,) = request.exits
        alone = OrderRequest(leg.client_order_id, request.symbol, Side.SELL, qty, entry.mark, leg.terms, entry.strategy)
        placed = await self.place(alone)
        return ListPlaced((placed,)) if isinstance(placed, ExecutionReport) else placed

    async def find_order(self, symbol: str, client_order_id: str) -> ExecutionReport | None:
        """See Venue."""
        if (sent := self._sent.get(client_order_id)) is not None:
            return sent.report(self._clock.now())
        return self._missed.get(client_order_id) or await self._paper.find_order(symbol, client_order_id)

    async def cancel_order(self, symbol: str, client_order_id: str) -> bool:
        """See Venue."""
        sent, now = self._sent.get(client_order_id), self._clock.now()
        if sent is None:
            return await self._paper.cancel_order(symbol, client_order_id)
        if sent.report(now).state.final:
            return False
        await self._cancel(sent)
        await self._end_others(sent)
        return True

    async def _end_others(self, sent: _Sent) -> None:
        """Cancels the other legs of the order's list."""
        for one in [each for each in self._sent.values() if each is not sent and sent.list_id and each.list_id == sent.list_id]:
            if not one.report(self._clock.now()).state.final:
                await self._cancel(one)

    async def _cancel(self, sent: _Sent) -> None:
        sent.cancelled_at = self._clock.now()
        if sent.beyond is not None:
            await self._paper.cancel_order(sent.request.symbol, sent.request.client_order_id)
            sent.beyond = await self._paper.find_order(sent.request.symbol, sent.request.client_order_id)

    async def fills(self, symbol: str, order_id: str) -> Sequence[Fill]:
        """See Venue."""
        now = self._clock.now()
        reports = (sent.report(now) for sent in self._sent.values() if sent.request.symbol == symbol)
        found = next((report.fills for report in reports if report.order_id == order_id), None)
        return found if found is not None else await self._paper.fills(symbol, order_id)

    async def recent_orders(self, symbol: str, limit: int) -> RecentOrders:
        """See Venue."""
        own = self._alone((await self._paper.recent_orders(symbol, limit)).reports)
        return RecentOrders((*self._reports(symbol), *own)[-limit:])

    async def open_orders(self, symbol: str | None = None) -> Sequence[ExecutionReport]:
        """See Venue."""
        reports = [report for report in self._reports(symbol) if not report.state.final]
        return [*reports, *self._alone(await self._paper.open_orders(symbol))]

    def _alone(self, reports: Iterable[ExecutionReport]) -> list[ExecutionReport]:
        """Returns the orders on paper that do not go on with one that was really sent."""
        return [one for one in reports if one.client_order_id not in self._sent]

    def _reports(self, symbol: str | None) -> Iterable[ExecutionReport]:
        now = self._clock.now()
        return [one.report(now) for one in self._sent.values() if symbol in {None, one.request.symbol}]

    def _send(self, request: OrderRequest, recorded: RecordedOrder, list_id: str = "") -> _Sent:
        sent = self._sent[request.client_order_id] = _Sent(request, recorded, len(self._sent), list_id)
        return sent

    async def _guess(self, request: OrderRequest, recorded: RecordedOrder | None) -> PlaceResult:
        """Sends an order on paper: at the price at which one for the same signal has really filled, if one has."""
        self.on_paper.add(request.client_order_id)
        order = recorded.order if recorded is not None else None
        if order is not None and self._is_shadow and order.leg is None and not order.terms.may_rest:
            self._market.show(point(request.symbol, self._clock.now(), order.signal.close, PriceSource.SIGNAL))
        elif order is not None and order.executed_qty and not order.terms.may_rest:
            price = divide(order.quote_qty, order.executed_qty)
            self._market.show(point(request.symbol, self._clock.now(), price, PriceSource.FILL))
        return await self._paper.place(request)

    async def _go_on(self, sent: _Sent) -> None:
        left = sent.request.qty - sent.report(self._clock.now()).executed_qty
        placed = await self._guess(replace(sent.request, qty=left), None)
        if isinstance(placed, ExecutionReport):
            sent.beyond = placed
        else:
            sent.cancelled_at = self._clock.now()


def _is_same(recorded: RecordedOrder, qty: Decimal, terms: OrderTerms) -> bool:
    """Tells whether an order of this size and these terms was really sent, and its fate is known."""
    order = recorded.order
    was_sent = order.order_id is not None or order.state is OrderState.REJECTED
    return was_sent and order.qty == qty and order.terms == terms and not order.in_flight


def _is_rejected(recorded: RecordedOrder) -> bool:
    return recorded.order.state is OrderState.REJECTED and not recorded.order.executed_qty


def _leg(request: ListRequest, leg: LegRequest) -> OrderRequest:
    return OrderRequest(leg.client_order_id, request.symbol, Side.SELL, request.qty, request.mark, leg.terms, request.strategy)


def _missed(request: EntryList, leg: LegRequest, now: datetime) -> ExecutionReport:
    """Returns the report on an exit that was not placed."""
    return ExecutionReport(
        client_order_id=leg.client_order_id,
        order_id=f"m{leg.client_order_id}",
        symbol=request.symbol,
        side=Side.SELL,
        state=OrderState.EXPIRED,
        executed_qty=ZERO,
        quote_qty=ZERO,
        at=now,
        mark=request.entry.mark,
        terms=leg.terms,
        strategy_number=strategy_number(request.entry.strategy),
    )
