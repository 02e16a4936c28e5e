"""A toy strategy that makes the demo move: a quick trade first, then signals slow enough to follow. Not advice."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import structlog

from core.adapters.kafka.options import KafkaOptions
from core.adapters.kafka.publisher import SignalPublisher
from core.domain.errors import SourceUnavailable
from core.domain.signal import Side
from core.ports.clock import Clock
from demo import exit_plan
from demo.market import SimulatedMarket

log = structlog.get_logger(__name__)

_FIRST, _SECOND = 0.5, 4.0  # seconds after the start at which the first two symbols may be bought
_AT_ONCE = 2  # bought at any price
_LOOK = 1.0
_PAST = [timedelta(seconds=seconds) for seconds in range(50, 301, 50)]
_CHEAP = Decimal("0.99")  # buys when so far below the recent mean, as these prices always come back,
_IMPATIENCE = 20.0  # or at any price after waiting so long
_FEES = Decimal("0.2")  # per cent: the paper exchange takes 0.1% for each side
_GOAL = (0.5, 3.0)
_RETRY = 5.0


@dataclass(frozen=True, slots=True)
class Delays:
    """Delays in seconds. A position is kept for `hold`: from the least to the most; then the symbol rests. As a signal withdraws
    the question that an opposite one asked, both are long enough for a question to be read and answered.

    `first_hold` is for the very first position, so that the first result comes soon. `apart`: the least time between two signals,
    whatever their symbols, after these first ones. `after_plan` is the rest after a position that its exit plan has sold.
    """

    first_hold: tuple[float, float] = (7.0, 9.5)
    hold: tuple[float, float] = (102.0, 120.0)
    rest: tuple[float, float] = (100.0, 104.0)
    apart: float = 12.0
    after_plan: tuple[float, float] = (2.0, 10.0)


@dataclass(frozen=True, slots=True)
class HeldPosition:
    """An open position and when to sell it: from `until` on at a profit of `goal` per cent net of fees, and `at_latest` in any
    case. Times in seconds of the monotonic clock; `since` is when it was bought. `has_plan`: its entry brought an exit plan,
    which may sell it earlier."""

    bought_at: Decimal
    until: float
    at_latest: float
    goal: Decimal
    since: float = 0.0
    has_plan: bool = False

    def is_over(self, bid: Decimal, now: float) -> bool:
        """Tells whether to sell at `bid`."""
        result = (bid / self.bought_at - 1) * 100 - _FEES
        return now >= self.at_latest or (now >= self.until and result >= self.goal)


class ToyStrategy:
    """Buys each of `symbols` when it is cheap, with an exit plan, sells it after its holding time if the plan has not, rests,
    begins again. Everything but the prices' own course follows from `seed`."""

    def __init__(
        self,
        market: SimulatedMarket,
        options: KafkaOptions,
        topic: str,
        clock: Clock,
        *,
        symbols: Sequence[str],
        delays: Delays | None = None,
        seed: int = 1,
    ) -> None:
        self._market = market
        self._options = options
        self._topic = topic
        self._clock = clock
        self._symbols = symbols
        self._delays = delays or Delays()
        self._random = random.Random(seed)  # noqa: S311 - a toy's whims, no secret
        self._held: dict[str, HeldPosition] = {}
        self._watched_since: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._quiet_until = 0.0
        self._bought = 0

    async def run(self) -> None:
        """Publishes until cancelled; retries while the broker is away."""
        while True:
            try:
                async with SignalPublisher(self._options, self._topic) as publisher:
                    await self._trade(publisher)
            except SourceUnavailable as unavailable:
                log.warning("demo_strategy_waits", why=str(unavailable))
            await self._clock.sleep(_RETRY)

    async def _trade(self, publisher: SignalPublisher) -> None:
        self._due = self._due or self._begin()
        while True:
            symbol = min(self._due, key=self._due.__getitem__)
            due = max(self._due[symbol], self._quiet_until)
            await self._clock.sleep(max(0.0, due - self._clock.monotonic()))
            turn = self._sell if symbol in self._held else self._buy
            self._due[symbol] = self._clock.monotonic() + await turn(publisher, symbol)

    def _begin(self) -> dict[str, float]:
        """Returns when each symbol is checked first: two at once, for something to be seen, the rest while the second is held."""
        begun, between = self._clock.monotonic(), self._delays.hold[0] / len(self._symbols)
        quick, *others = sorted(self._symbols, key=self._worth)
        return {quick: begun + _FIRST} | {symbol: begun + _SECOND + number * between for number, symbol in enumerate(others)}

    async def _buy(self, publisher: SignalPublisher, symbol: str) -> float:
        """Buys if the time is right; returns the seconds until the next check."""
        now = self._clock.monotonic()
        waited = now - self._watched_since.setdefault(symbol, now)
        if self._bought >= _AT_ONCE and self._worth(symbol) > _CHEAP and waited < _IMPATIENCE:
            return _LOOK
        ask = self._market.quote_at(symbol, self._clock.now()).ask
        has_plan = self._bought > 0  # the first one, which is sold again at once, has the settings'
        await self._publish(publisher, Side.BUY, symbol, ask, exit_plan.FIELDS if has_plan else {})
        least, most = self._delays.hold if self._bought else self._delays.first_hold
        goal = Decimal(str(round(self._random.uniform(*_GOAL), 2)))
        self._held[symbol] = HeldPosition(ask, now + least, now + most, goal, now, has_plan)
        self._bought += 1
        if self._bought > _AT_ONCE:
            self._quiet_until = now + self._delays.apart
        return least

    async def _sell(self, publisher: SignalPublisher, symbol: str) -> float:
        """Sells if it was held long enough; returns the seconds until the next check."""
        now = self._clock.monotonic()
        bid, held = self._market.quote_at(symbol, self._clock.now()).bid, self._held[symbol]
        if held.has_plan and exit_plan.is_carried_out(held.bought_at, self._bids(symbol, now - held.since)):
            del self._held[symbol], self._watched_since[symbol]
            return self._random.uniform(*self._delays.after_plan)
        if not held.is_over(bid, now):
            return _LOOK
        await self._publish(publisher, Side.SELL, symbol, bid)
        del self._held[symbol], self._watched_since[symbol]
        self._quiet_until = now + self._delays.apart
        return self._random.uniform(*self._delays.rest)

    def _bids(self, symbol: str, seconds: float) -> Iterator[Decimal]:
        """Yields the price at every other of the last `seconds`, the oldest first."""
        now = self._clock.now()
        for ago in range(int(seconds), -1, -2):
            yield self._market.quote_at(symbol, now - timedelta(seconds=ago)).bid

    def _worth(self, symbol: str) -> Decimal:
        """Returns its price relative to its mean of the last minutes; 1 is neither cheap nor expensive."""
        now = self._clock.now()
        past = [self._market.quote_at(symbol, now - ago).bid for ago in _PAST]
        return self._market.quote_at(symbol, now).bid * len(past) / sum(past)

    async def _publish(
        self, publisher: SignalPublisher, side: Side, symbol: str, price: Decimal, plan: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        extra = {"strategy": "toy", **plan}
        await publisher.publish(f"{side}_SM", price, symbol=symbol, ts=self._clock.now(), extra=extra)
