"""A toy strategy that makes the demo move: it publishes a signal at simulated prices every few seconds. Not advice."""

import heapq
import random
from collections.abc import Sequence

import structlog

from core.adapters.kafka_settings import KafkaOptions
from core.adapters.signal_publisher import SignalPublisher
from core.domain.errors import SourceUnavailable
from core.domain.signal import Side
from core.ports import Clock
from demo.market import SimulatedMarket

log = structlog.get_logger(__name__)

_FIRST_BUY = 1.0  # seconds after the start
_BETWEEN_SYMBOLS = 4.0
_HOLD = (8.0, 15.0)
_REST = (5.0, 12.0)


class ToyStrategy:
    """Buys each of `symbols` in turn, sells it 8 to 15 s later, rests, and begins again.
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

    async def run(self) -> None:
        """Publishes until cancelled; a broker that is away is tried again."""
        while True:
            try:
                async with SignalPublisher(self._options, self._topic) as publisher:
                    await self._trade(publisher)
            except SourceUnavailable as unavailable:
                log.warning("demo_strategy_waits", why=str(unavailable))
            await self._clock.sleep(_REST[0])

    async def _trade(self, publisher: SignalPublisher) -> None:
        begun = self._clock.monotonic()
        turns = [
            (begun + _FIRST_BUY + number * _BETWEEN_SYMBOLS, symbol, Side.BUY) for number, symbol in enumerate(self._symbols)
        ]
        while turns:
            due, symbol, side = heapq.heappop(turns)
            await self._clock.sleep(max(0.0, due - self._clock.monotonic()))
            quote = self._market.quote_at(symbol, self._clock.now())
            await publisher.publish(f"{side}_SM", quote.price_for(side), symbol=symbol, extra={"strategy": "toy"})
            pause = self._random.uniform(*(_HOLD if side is Side.BUY else _REST))
            heapq.heappush(turns, (self._clock.monotonic() + pause, symbol, side.opposite))
