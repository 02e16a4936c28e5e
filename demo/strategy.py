"""A toy strategy that makes the demo move: it publishes a signal at simulated prices every few seconds. Not advice."""

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import structlog

from core.adapters.kafka_settings import KafkaOptions
from core.adapters.signal_publisher import SignalPublisher
from core.domain.errors import SourceUnavailable
from core.domain.signal import Side
from core.ports import Clock
from demo.market import SimulatedMarket

log = structlog.get_logger(__name__)

_FIRST_BUY = 0.5  # seconds after the start
_FIRST_HOLD, _FIRST_AT_LATEST = 7.0, 9.5  # who opens the demo should not wait long for the first result
_BETWEEN_SYMBOLS = 4.0
_HOLD = (8.0, 15.0)
_AT_LATEST = 30.0  # even if it stands at nothing worth telling
_REST = (5.0, 12.0)
_LOOK = 0.5
_TREND = timedelta(seconds=2)  # it buys what rose for that long,
_IMPATIENCE = 5.0  # or anything after waiting so long
_FEES = Decimal("0.2")  # per cent: the paper exchange takes 0.1% for each side
_WORTH_TELLING = Decimal("0.3")
_GOAL = (2.5, 5.0)
_STOP = (1.0, 2.2)
_RETRY = 5.0


@dataclass(frozen=True, slots=True)
class Holding:
    """What was bought, and when to be rid of it: at a profit of `goal` or a loss of `stop` per cent net of fees, from `until`
    on at any result worth telling, and `at_latest` in any case. Times in seconds of the monotonic clock."""

    bought_at: Decimal
    until: float
    at_latest: float
    goal: Decimal
    stop: Decimal

    def is_over(self, bid: Decimal, now: float) -> bool:
        """Whether to sell at `bid`."""
        result = (bid / self.bought_at - 1) * 100 - _FEES
        enough = result >= self.goal or result <= -self.stop or now >= self.at_latest
        return enough or (now >= self.until and abs(result) >= _WORTH_TELLING)


class ToyStrategy:
    """Buys each of `symbols` as it rises, sells it some 8 to 15 s later or when it won or lost enough, rests, begins again.
    Everything but the prices' own course follows from `seed`."""

    def __init__(
        self, market: SimulatedMarket, options: KafkaOptions, topic: str, clock: Clock, *, symbols: Sequence[str], seed: int = 1
    ) -> None:
        self._market = market
        self._options = options
        self._topic = topic
        self._clock = clock
        self._symbols = symbols
        self._random = random.Random(seed)  # noqa: S311 - a toy's whims, no secret
        self._held: dict[str, Holding] = {}
        self._watched_since: dict[str, float] = {}
        self._is_first = True

    async def run(self) -> None:
        """Publishes until cancelled; a broker that is away is tried again."""
        while True:
            try:
                async with SignalPublisher(self._options, self._topic) as publisher:
                    await self._trade(publisher)
            except SourceUnavailable as unavailable:
                log.warning("demo_strategy_waits", why=str(unavailable))
            await self._clock.sleep(_RETRY)

    async def _trade(self, publisher: SignalPublisher) -> None:
        begun = self._clock.monotonic()
        symbols = sorted(self._symbols, key=self._rise, reverse=True)
        turns = [(begun + _FIRST_BUY + number * _BETWEEN_SYMBOLS, symbol) for number, symbol in enumerate(symbols)]
        heapq.heapify(turns)
        while turns:
            due, symbol = heapq.heappop(turns)
            await self._clock.sleep(max(0.0, due - self._clock.monotonic()))
            turn = self._sell if symbol in self._held else self._buy
            heapq.heappush(turns, (self._clock.monotonic() + await turn(publisher, symbol), symbol))

    async def _buy(self, publisher: SignalPublisher, symbol: str) -> float:
        """Buys if the time is good for it; seconds until it wants to look again."""
        now = self._clock.monotonic()
        waited = now - self._watched_since.setdefault(symbol, now)
        if self._rise(symbol) <= 0 and waited < _IMPATIENCE and not self._is_first:
            return _LOOK
        ask = self._market.quote_at(symbol, self._clock.now()).ask
        await self._publish(publisher, Side.BUY, symbol, ask)
        self._held[symbol] = self._hold(ask, now)
        self._is_first = False
        return _LOOK

    async def _sell(self, publisher: SignalPublisher, symbol: str) -> float:
        """Sells if it has held for long enough; seconds until it wants to look again."""
        bid = self._market.quote_at(symbol, self._clock.now()).bid
        if not self._held[symbol].is_over(bid, self._clock.monotonic()):
            return _LOOK
        await self._publish(publisher, Side.SELL, symbol, bid)
        del self._held[symbol], self._watched_since[symbol]
        return self._random.uniform(*_REST)

    def _hold(self, price: Decimal, now: float) -> Holding:
        until, at_latest = (_FIRST_HOLD, _FIRST_AT_LATEST) if self._is_first else (self._random.uniform(*_HOLD), _AT_LATEST)
        goal, stop = (Decimal(str(round(self._random.uniform(*span), 2))) for span in (_GOAL, _STOP))
        return Holding(price, now + until, now + at_latest, goal, stop)

    def _rise(self, symbol: str) -> Decimal:
        """By what share the price rose lately; negative when it fell."""
        now = self._clock.now()
        return self._market.quote_at(symbol, now).bid / self._market.quote_at(symbol, now - _TREND).bid - 1

    async def _publish(self, publisher: SignalPublisher, side: Side, symbol: str, price: Decimal) -> None:
        await publisher.publish(f"{side}_SM", price, symbol=symbol, extra={"strategy": "toy"})
