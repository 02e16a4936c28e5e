"""A paper exchange on a market whose price the test sets."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from core.adapters.paper.paper_book import PaperBook
from core.adapters.paper.paper_exchange import PaperExchange
from core.domain.candle import Candle, Interval
from core.domain.errors import ExchangeUnavailable
from core.domain.instrument import Instrument, Quote
from core.domain.money import plain
from core.domain.order import ExecutionReport, LegRequest, ListPlaced, ListRequest, OrderRequest, Rejected
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms, OrderType, TimeInForce
from core.domain.resting_rules import PriceBand, RestingRules
from core.domain.signal import Side
from tests.core.adapters.clocks import RealClock
from tests.core.adapters.paper.memory_paper_book import MemoryPaperBook

WIF = "WIFUSDC"
RULES = Instrument(
    symbol=WIF,
    base="WIF",
    quote="USDC",
    status="TRADING",
    tick_size=Decimal("0.01"),
    step_size=Decimal("0.01"),
    min_qty=Decimal("0.01"),
    max_qty=Decimal(100_000),
    min_notional=Decimal(5),
    resting=RestingRules(
        order_types=frozenset(OrderType),
        oco_allowed=True,
        sell_band=PriceBand(Decimal("0.2"), Decimal(5)),
        min_notional=Decimal(5),
        most_orders=200,
        most_stops=5,
        most_lists=20,
    ),
)


class Market:
    """A MarketData with one symbol at one price, until the test sets another; `asked` counts the questions for a price."""

    def __init__(self, clock: RealClock) -> None:
        self._clock = clock
        self.rules = {WIF: RULES}
        self.bid = Decimal(100)
        self.spread = Decimal("0.02")
        self.is_down = False
        self.asked = 0

    async def server_time(self) -> datetime:
        return self._clock.now()

    async def instruments(self, symbols: Collection[str] | None) -> Mapping[str, Instrument]:
        return {name: rules for name, rules in self.rules.items() if symbols is None or name in symbols}

    async def quotes(self, symbols: Collection[str]) -> Mapping[str, Quote]:
        self.asked += 1
        if self.is_down:
            raise ExchangeUnavailable("no answer in time")
        return {name: Quote(name, self.bid, self.bid + self.spread, self._clock.now()) for name in self.rules if name in symbols}

    async def candles(self, symbol: str, interval: Interval, since: datetime, limit: int) -> Sequence[Candle]:
        return [Candle(since, self.bid, self.bid, self.bid, self.bid, Decimal(limit))] if interval.length else []


class World:
    """A paper exchange with 10 WIF and 1000 USDC, bid 100.00, ask 100.02."""

    def __init__(self) -> None:
        self.clock = RealClock()
        self.market = Market(self.clock)
        self.book = MemoryPaperBook()
        self.paper = self.exchange()

    def exchange(self, book: PaperBook | None = None) -> PaperExchange:
        """Returns another exchange on the same book, a restart, or on another one."""
        start = {"WIF": Decimal(10), "USDC": Decimal(1000)}
        return PaperExchange(market=self.market, book=book or self.book, clock=self.clock, balances=start, rules_max_age=0)

    async def price(self, *bids: str) -> None:
        """Lets the bid become each of `bids`, and the timer look at it."""
        for bid in bids:
            self.market.bid = Decimal(bid)
            await self.paper.follow_market()

    async def order(self, order_id: str) -> ExecutionReport:
        found = await self.paper.find_order(WIF, order_id)
        assert found is not None
        return found

    async def state(self, order_id: str) -> OrderState:
        return (await self.order(order_id)).state

    async def held(self) -> dict[str, str]:
        """Returns free and locked by asset, as `6+4`."""
        balances = await self.paper.balances()
        return {asset: f"{plain(held.free)}+{plain(held.locked)}" for asset, held in balances.items()}

    async def place(self, request: OrderRequest) -> ExecutionReport:
        result = await self.paper.place(request)
        assert isinstance(result, ExecutionReport), result
        return result

    async def refused(self, request: OrderRequest | ListRequest) -> str:
        """Places what is refused; returns the sentence."""
        placing = self.paper.place(request) if isinstance(request, OrderRequest) else self.paper.place_list(request)
        result = await placing
        assert isinstance(result, Rejected), result
        return str(result.reason)

    async def place_list(self, request: ListRequest) -> dict[str, ExecutionReport]:
        result = await self.paper.place_list(request)
        assert isinstance(result, ListPlaced), result
        return {report.client_order_id: report for report in result.reports}


def sell(terms: OrderTerms, qty: str = "4", order_id: str = "mf-1") -> OrderRequest:
    return OrderRequest(order_id, WIF, Side.SELL, Decimal(qty), 7, terms)


def buy(terms: OrderTerms, qty: str = "4", order_id: str = "mf-1") -> OrderRequest:
    return replace(sell(terms, qty, order_id), side=Side.BUY)


def limit(price: str, time_in_force: TimeInForce = TimeInForce.GTC) -> OrderTerms:
    return OrderTerms(OrderType.LIMIT, time_in_force, Decimal(price))


def maker(price: str) -> OrderTerms:
    return OrderTerms(OrderType.LIMIT_MAKER, limit_price=Decimal(price))


def stop(price: str | None, kind: OrderType = OrderType.STOP_LOSS, *, trailing: int | None = None) -> OrderTerms:
    return OrderTerms(kind, stop_price=None if price is None else Decimal(price), trailing_delta=trailing)


def stop_limit(
    price: str,
    limit_price: str,
    kind: OrderType = OrderType.STOP_LOSS_LIMIT,
    time_in_force: TimeInForce = TimeInForce.GTC,
) -> OrderTerms:
    return OrderTerms(kind, time_in_force, Decimal(limit_price), Decimal(price))


def oco(above: OrderTerms, below: OrderTerms, qty: str = "4", number: int = 1) -> ListRequest:
    """Returns a list `list-1` of a target `t-1` and a stop `s-1`."""
    target, loss = LegRequest(f"t-{number}", above), LegRequest(f"s-{number}", below)
    return ListRequest(f"list-{number}", WIF, Decimal(qty), target, loss, mark=7)
