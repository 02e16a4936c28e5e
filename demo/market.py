"""A simulated market: price paths determined by a seed and the time alone. Nothing in it is real."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from itertools import pairwise

from core.domain.candle import Candle, Interval
from core.domain.errors import ExchangeUnavailable, SymbolUnknown
from core.domain.instrument import Instrument, Quote
from core.domain.order_terms import OrderType
from core.domain.resting_rules import PriceBand, RestingRules
from core.ports.clock import Clock

# Each path is its base price times one plus the sum of waves. A wave joins random heights by straight lines: inside a step it is
# a trend, and as its heights are bounded the price always comes back. (seconds of a step, greatest height)
_WAVES = (
    (Decimal(150), Decimal("0.020")),
    (Decimal(20), Decimal("0.030")),
    (Decimal(7), Decimal("0.005")),
    (Decimal(1), Decimal("0.0005")),
)
_HALF_SPREAD = Decimal("0.0002")
_TURNOVER = Decimal(900)  # in quote asset, at each look at a price
_PATIENCE_SECONDS = 1.5  # how long a caller waits for an answer that does not come
_LOOKS = 12  # at a candle's prices: its high and low are the highest and the lowest of them
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# symbol's base asset, base price, tick, step, least notional; in USDC, as Binance Spot has them or close to it
_TABLE = (
    ("WIF", "0.4800", "0.0001", "0.01", "5"),
    ("BTC", "67000.00", "0.01", "0.00001", "5"),
    ("ETH", "3500.00", "0.01", "0.0001", "5"),
    ("SOL", "150.00", "0.01", "0.001", "5"),
    ("DOGE", "0.12000", "0.00001", "1", "5"),
)

_BAND = PriceBand(Decimal("0.2"), Decimal(5))


def _instrument(base: str, tick: str, step: str, notional: str) -> Instrument:
    return Instrument(
        symbol=f"{base}USDC",
        base=base,
        quote="USDC",
        status="TRADING",
        tick_size=Decimal(tick),
        step_size=Decimal(step),
        min_qty=Decimal(step),
        max_qty=Decimal(9_000_000),
        min_notional=Decimal(notional),
        max_notional=Decimal(9_000_000),
        resting=RestingRules(
            order_types=frozenset(OrderType),
            oco_allowed=True,
            buy_band=_BAND,
            sell_band=_BAND,
            min_notional=Decimal(notional),
            max_notional=Decimal(9_000_000),
            most_orders=200,
            most_stops=5,
            most_lists=20,
        ),
    )


INSTRUMENTS: Mapping[str, Instrument] = {
    rules.symbol: rules for rules in (_instrument(base, tick, step, least) for base, _, tick, step, least in _TABLE)
}
"""The rules of every symbol that is traded here."""

_BASE_PRICES = {f"{base}USDC": Decimal(price) for base, price, *_ in _TABLE}


class SimulatedMarket:
    """A MarketData that answers unless `away_for` makes it fail. Two with the same seed agree on every price at every time."""

    def __init__(self, clock: Clock, *, seed: int = 1) -> None:
        self._clock = clock
        self._seed = seed
        self._away_until = 0.0

    def away_for(self, seconds: float) -> None:
        """Answers nothing for `seconds` from now."""
        self._away_until = self._clock.monotonic() + seconds

    async def _must_be_there(self) -> None:
        if self._clock.monotonic() < self._away_until:
            await self._clock.sleep(_PATIENCE_SECONDS)
            raise ExchangeUnavailable("no answer in time")

    async def server_time(self) -> datetime:
        """Returns our own clock's time: the simulated venue has no other."""
        await self._must_be_there()
        return self._clock.now()

    async def instruments(self, symbols: Collection[str] | None) -> Mapping[str, Instrument]:
        """Returns the rules of `symbols` (None: all) as far as they are traded here."""
        await self._must_be_there()
        return {symbol: rules for symbol, rules in INSTRUMENTS.items() if symbols is None or symbol in symbols}

    async def quotes(self, symbols: Collection[str]) -> Mapping[str, Quote]:
        """Returns bid and ask now."""
        await self._must_be_there()
        now = self._clock.now()
        return {symbol: self.quote_at(symbol, now) for symbol in symbols if symbol in INSTRUMENTS}

    async def candles(self, symbol: str, interval: Interval, since: datetime, limit: int) -> Sequence[Candle]:
        """Returns candles of the middle of bid and ask."""
        await self._must_be_there()
        if symbol not in INSTRUMENTS:
            raise SymbolUnknown("no such symbol")
        now, length = self._clock.now(), interval.length
        first, found = -(-(since - _EPOCH) // length), list[Candle]()
        while len(found) < limit and (at := _EPOCH + length * (first + len(found))) <= now:
            found.append(self._candle(symbol, at, length, now))
            await self._clock.sleep(0)  # others have their turn
        return found

    def _candle(self, symbol: str, at: datetime, length: timedelta, now: datetime) -> Candle:
        moments = [at + length * look / _LOOKS for look in range(_LOOKS + 1)]
        seen = [self._middle(symbol, moment) for moment in moments if moment <= now]
        if moments[-1] > now:
            seen.append(self._middle(symbol, now))
        moved = sum((abs(after - before) for before, after in pairwise(seen)), Decimal(0)) / seen[0]
        volume = _TURNOVER * Decimal(len(seen)) * (1 + 100 * moved) / seen[0]
        return Candle(at, seen[0], max(seen), min(seen), seen[-1], volume.quantize(INSTRUMENTS[symbol].step_size))

    def _middle(self, symbol: str, moment: datetime) -> Decimal:
        quote, tick = self.quote_at(symbol, moment), INSTRUMENTS[symbol].tick_size
        return ((quote.bid + quote.ask) / 2 / tick).quantize(Decimal(1), ROUND_HALF_EVEN) * tick

    def quote_at(self, symbol: str, moment: datetime) -> Quote:
        """Returns bid and ask, at least one tick apart, at any aware `moment`. Raises KeyError for a symbol that is not traded
        here."""
        tick = INSTRUMENTS[symbol].tick_size
        middle = _BASE_PRICES[symbol] * (1 + self._deviation(symbol, moment))
        bid = (middle * (1 - _HALF_SPREAD) / tick).quantize(Decimal(1), ROUND_HALF_EVEN) * tick
        ask = (middle * (1 + _HALF_SPREAD) / tick).quantize(Decimal(1), ROUND_HALF_EVEN) * tick
        return Quote(symbol, bid, max(ask, bid + tick), moment)

    def _deviation(self, symbol: str, moment: datetime) -> Decimal:
        since = moment - _EPOCH
        seconds = Decimal(since.days * 86_400 + since.seconds) + Decimal(since.microseconds).scaleb(-6)
        total = Decimal(0)
        for wave, (step, height) in enumerate(_WAVES):
            number, inside = divmod(seconds, step)
            before, after = (_height(self._seed, symbol, wave, int(number) + more) for more in (0, 1))
            total += height * (before + (after - before) * inside / step)
        return total


@lru_cache(maxsize=4096)  # the same ones are asked for again and again while a step lasts
def _height(seed: int, symbol: str, wave: int, number: int) -> Decimal:
    """Returns a number of -1 to 1 that is always the same for the same arguments."""
    drawn = hashlib.blake2b(f"{seed}/{symbol}/{wave}/{number}".encode(), digest_size=4).digest()
    return Decimal(int.from_bytes(drawn)) / Decimal(2**31) - 1
