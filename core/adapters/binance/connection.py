"""The way to Binance: dates requests by its clock, keeps within its rate limits, and asks its questions."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from math import ceil

from core.adapters.binance import codec
from core.adapters.binance import requests as costs
from core.adapters.binance.backoff import Backoff
from core.adapters.binance.errors import CLOCK_OFF, NO_SUCH_SYMBOL, UNKNOWN_SYMBOL, Answer, Refusal, Said, Silence
from core.adapters.binance.json_fields import read
from core.adapters.binance.rate_limit_budget import RateLimitBudget, Request
from core.adapters.binance.requests import Call, Cost, ListCall, Wire
from core.domain.errors import ExchangeUnavailable, SymbolUnknown
from core.domain.reasons import Reason, reason
from core.ports.clock import Clock

AHEAD = 1.0  # rest-api.md, "Timing security": a request may be dated up to a second ahead of the exchange's clock
_MOST_SYMBOLS = 100  # per request: the list travels in the URL
_CLOCK_SAMPLES = 2  # the first may have to open a connection, which skews its answer away from the middle of the round trip


class Connection:
    """Asks questions over a wire, which `make_wire` opens with the first of them. Raises ExchangeUnavailable for what cannot be
    answered. Nothing can be signed without a key (`has_key`)."""

    def __init__(self, make_wire: Callable[[], Awaitable[Wire]], clock: Clock, *, has_key: bool) -> None:
        self._make_wire = make_wire
        self._clock = clock
        self.has_key = has_key
        self._wire: Wire | None = None
        self._closed = False
        self._opening = asyncio.Lock()
        self._measuring = asyncio.Lock()
        self.measured = 0
        """The number of clock measurements; 0: nothing can be signed yet."""
        self.offset = 0.0
        """The exchange's clock minus this machine's at the last measurement, in seconds."""
        self.backoff = Backoff(clock)
        self.budget = RateLimitBudget(self.venue_time)

    def venue_time(self) -> float:
        """Returns the exchange's time as last measured, in seconds since the epoch."""
        return self._clock.now().timestamp() + self.offset

    async def server_time(self) -> datetime:
        """Returns the exchange's time."""
        return read(codec.server_time, await self.answer(lambda wire: wire.server_time(), costs.TIME))

    async def bodies(self, symbols: Sequence[str], call: ListCall, cost: Cost) -> list[tuple[Sequence[str], object]]:
        """Requests a list and halves it until unknown symbols stand alone: one unknown symbol fails a whole list."""
        if not symbols:
            return []
        if len(symbols) <= _MOST_SYMBOLS:
            said = await self.ask(lambda wire: call(wire, symbols), cost)
            if isinstance(said, Answer) or not (said.definite and said.code in UNKNOWN_SYMBOL):
                return [(symbols, body_of(said))]
            if len(symbols) == 1:
                return []
        middle = len(symbols) // 2
        return await self.bodies(symbols[:middle], call, cost) + await self.bodies(symbols[middle:], call, cost)

    async def answer(self, call: Call, cost: Cost, *, signed: bool = False) -> object:
        """Returns the content of the answer to a question."""
        return body_of(await self.ask(call, cost, signed=signed))

    async def ask(self, call: Call, cost: Cost, *, signed: bool = False) -> Answer | Refusal:
        """Sends a question, and once more if only the clock was off: a question, unlike an order, may be repeated."""
        measured = self.measured
        said = await self._ask_once(call, cost, signed=signed)
        if signed and isinstance(said, Refusal) and said.code == CLOCK_OFF:
            await self.measure(measured)
            said = await self._ask_once(call, cost, signed=signed)
        return said

    async def _ask_once(self, call: Call, cost: Cost, *, signed: bool) -> Answer | Refusal:
        if wait := self.backoff.left():
            raise ExchangeUnavailable(str(self.backoff.reason(wait)), retry_after=wait)
        wire = await (self.signing() if signed else self.open())
        while cost.share is not None and (wait := self.budget.wait_for_question(cost.weight, cost.share)):
            if not cost.patient:
                raise ExchangeUnavailable(str(held_back(wait)), retry_after=wait)
            await self._clock.sleep(wait)
        said = await self.counted(Request(cost.weight), call(wire))
        if isinstance(said, Silence):
            raise ExchangeUnavailable(said.what)
        if isinstance(said, Refusal):
            self.backoff.note(said)
        return said

    async def counted(self, request: Request, call: Awaitable[Said]) -> Said:
        """Returns the answer and records its cost in the rate limit budget."""
        self.budget.begin(request)
        said: Said | None = None
        try:
            said = await call
            return said
        finally:
            counts = said.counts if isinstance(said, Answer | Refusal) else {}
            lost = said is None or (isinstance(said, Silence) and said.sent)
            self.budget.end(request, counts, taken=lost or isinstance(said, Answer))

    async def read_signed(self, cost: Cost, call: Call) -> object:
        """Returns the content of the answer to a signed question."""
        return await self.answer(call, cost, signed=True)

    async def signing(self) -> Wire:
        """Returns the wire once requests can be signed: the clock is measured."""
        if not self.has_key:
            raise ExchangeUnavailable("no API key is set")
        if not self.measured:
            await self.measure(0)
        return await self.open()

    async def measure(self, seen: int) -> float:
        """Measures the clock. Many requests may find at once that it is off: only the first of those with the same `seen`
        measures."""
        async with self._measuring:
            if self.measured == seen:
                _, self.offset = min([await self._clock_sample() for _ in range(_CLOCK_SAMPLES)])
                (await self.open()).date_by(self.offset)
                self.measured += 1
        return self.offset

    async def _clock_sample(self) -> tuple[float, float]:
        """Returns round trip and offset in seconds, relative to the time that requests are dated by."""
        wire = await self.open()
        sent = wire.now()
        venue = await self.server_time()
        received = wire.now()
        took = received - sent
        # The middle is off by at most half the round trip. For a long one the end is used: a request must not be dated further
        # ahead of the exchange than `request_lifetime` allows for, or it could become an order after it is believed dead.
        return took, venue.timestamp() - (received - took / 2 if took <= 2 * AHEAD else received)

    async def open(self) -> Wire:
        """Returns the wire, opened. Raises ExchangeUnavailable once the connection is closed."""
        if self._wire is not None:
            return self._wire
        async with self._opening:
            if self._closed:
                raise ExchangeUnavailable("the client is closed")
            if self._wire is None:
                self._wire = await self._make_wire()
            return self._wire

    async def close(self) -> None:
        """Closes the connections. Any later request raises ExchangeUnavailable."""
        async with self._opening:
            self._closed = True
            wire, self._wire = self._wire, None
            if wire is not None:
                await wire.close()


def held_back(wait: float) -> Reason:
    """Returns the reason why nothing is sent for `wait` seconds to stay within the rate limits."""
    return reason("held_back", seconds=ceil(wait))


def body_of(said: Answer | Refusal) -> object:
    """Returns the content of an answer. Raises ExchangeUnavailable for a refusal, SymbolUnknown if it is about its symbol."""
    if isinstance(said, Refusal):
        if said.definite and said.code == NO_SUCH_SYMBOL:
            raise SymbolUnknown(str(said))
        raise ExchangeUnavailable(str(said), retry_after=said.wait)
    return said.body
