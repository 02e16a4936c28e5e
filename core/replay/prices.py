"""The prices that a recording knows, by time, and a market that shows them. Between two of them no price is known."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from core.domain.candle import Candle, Interval
from core.domain.instrument import Instrument, Quote
from core.domain.money import divide, multiply
from core.domain.order import Fill, Order
from core.domain.order_messages import TrailingDue
from core.domain.signal import Side
from core.ports.clock import Clock
from core.records.recording import RecordedMessage, Recording

_THROUGH = Decimal("1.0001")


class PriceSource(StrEnum):
    """The origins of a recorded price, the better ones first."""

    FILL = "fill"
    DECISION = "decision"
    CANDLE = "candle"
    SIGNAL = "signal"


@dataclass(frozen=True, slots=True)
class PricePoint:
    """A price of `symbol` at a moment, in quote asset: `bid` to sell at, `ask` to buy at."""

    symbol: str
    at: datetime
    bid: Decimal
    ask: Decimal
    source: PriceSource


def point(symbol: str, at: datetime, price: Decimal, source: PriceSource) -> PricePoint:
    """Returns the point of one price, which counts for both sides."""
    return PricePoint(symbol, at, price, price, source)


def recorded_points(recording: Recording) -> list[PricePoint]:
    """Returns every price that the recording knows, oldest first."""
    found = [*_of_decisions(recording.messages), *_of_orders(recording)]
    return sorted((one for one in found if _is_within(one, recording.since)), key=lambda one: one.at)


def _is_within(one: PricePoint, since: datetime | None) -> bool:
    return since is None or one.at >= since


def _of_decisions(messages: Iterable[RecordedMessage]) -> Iterator[PricePoint]:
    """Yields the market's price at each decision, the signal's own where none was known, and the rates that were used."""
    for one in messages:
        body, symbol = one.message.body, one.message.mailbox
        if isinstance(body, TrailingDue):
            yield point(symbol, one.message.received_at, body.bid, PriceSource.DECISION)
        if one.facts is not None and one.facts.price is not None:
            yield point(symbol, one.at, one.facts.price, PriceSource.DECISION)
            for rate in one.facts.rates:
                yield PricePoint(rate.asset + rate.into, one.at, rate.low, rate.high, PriceSource.DECISION)
        elif one.signal is not None:
            yield point(symbol, one.at, one.signal.close, PriceSource.SIGNAL)


def _of_orders(recording: Recording) -> Iterator[PricePoint]:
    """Yields the price at which each order was decided, other than one that protects, and those of all fills."""
    for recorded in recording.orders.values():
        order = recorded.order
        if not order.protects:
            yield point(order.symbol, order.created_at, order.price, PriceSource.DECISION)
        yield from (point(fill.symbol, fill.at, _market_at(fill, order), PriceSource.FILL) for fill in recorded.fills)
    yield from _of_fees(recording)


def _market_at(fill: Fill, order: Order) -> Decimal:
    """Returns the market's price at a fill: it traded through a limit that rested, and by how much is not known."""
    if not order.terms.may_rest or order.terms.limit_price is None or order.terms.stop_price is not None:
        return fill.price
    return multiply(fill.price, _THROUGH if order.side is Side.SELL else 2 - _THROUGH)


def _of_fees(recording: Recording) -> Iterator[PricePoint]:
    """Yields what a third asset was worth when it paid a commission."""
    for one in recording.executions:
        value = recording.fee_values.get(one.client_order_id)
        if value is not None and one.fee:
            for fill in recording.orders[one.client_order_id].fills:
                yield point(one.fee_asset + one.quote_asset, fill.at, divide(value, one.fee), PriceSource.FILL)


class RecordedMarket:
    """See `core.ports.market_data.MarketData`: shows what it was given last. If `is_guessing`, as the price of now; else with its
    true age, so that nobody takes an old one for the market."""

    def __init__(self, instruments: Mapping[str, Instrument], clock: Clock, *, is_guessing: bool = False) -> None:
        self._instruments = instruments
        self._clock = clock
        self._is_guessing = is_guessing
        self._last: dict[str, PricePoint] = {}

    def guessing(self) -> "RecordedMarket":
        """Returns the same market, with its last prices as those of now."""
        found = RecordedMarket(self._instruments, self._clock, is_guessing=True)
        found._last = self._last
        return found

    def show(self, one: PricePoint) -> None:
        """Makes `one` the price of its symbol from now on."""
        self._last[one.symbol] = one

    def age(self, symbol: str) -> timedelta | None:
        """Returns how long ago the price of `symbol` was known; None if it never was."""
        known = self._last.get(symbol)
        return None if known is None else max(self._clock.now() - known.at, timedelta())

    def price(self, symbol: str) -> Decimal | None:
        """Returns the last known selling price, in quote asset."""
        known = self._last.get(symbol)
        return None if known is None else known.bid

    async def server_time(self) -> datetime:
        """Returns the virtual time."""
        return self._clock.now()

    async def instruments(self, symbols: Collection[str] | None) -> Mapping[str, Instrument]:
        """See MarketData."""
        return {name: one for name, one in self._instruments.items() if symbols is None or name in symbols}

    async def quotes(self, symbols: Collection[str]) -> Mapping[str, Quote]:
        """See MarketData."""
        now = self._clock.now()
        known = [self._last[symbol] for symbol in symbols if symbol in self._last]
        return {one.symbol: Quote(one.symbol, one.bid, one.ask, now if self._is_guessing else one.at) for one in known}

    async def candles(self, symbol: str, interval: Interval, since: datetime, limit: int) -> Sequence[Candle]:
        """Returns none: what candles tell is shown as prices."""
        return ()
