"""An answer is as old as its question: prices, balances, rules, and the clock that dates requests."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from bot.jobs.timers import BalanceReader
from core.adapters.binance.binance_client import BinanceClient
from core.adapters.binance.errors import Answer
from core.adapters.paper.paper_exchange import PaperExchange
from core.domain.order import ExecutionReport, NotTaken, OrderRequest
from core.domain.signal import Side
from core.domain.trading_state import TradingState
from core.state.portfolio import Portfolio
from tests.core.adapters.paper.memory_paper_book import MemoryPaperBook
from tests.core.scripted_venue import ScriptedVenue
from tests.core.virtual_time import VirtualClock
from tests.core.world import LIMITS, instrument

BUY = OrderRequest("mf-1", "WIFUSDC", Side.BUY, Decimal(20))
TICKER = [{"symbol": "WIFUSDC", "bidPrice": "0.48", "askPrice": "0.48"}]


class SlowWire:
    """An exchange that is `ahead` of us; a question travels `out` seconds to it, and its answer `back` seconds."""

    def __init__(self, clock: VirtualClock, out: float, back: float, ahead: float = 0.0) -> None:
        self._clock, self._out, self._back, self._ahead = clock, out, back, ahead
        self.offset = 0.0

    def now(self) -> float:
        return self._clock.now().timestamp()

    def date_by(self, offset: float) -> None:
        self.offset = offset

    async def server_time(self) -> Answer:
        await self._clock.sleep(self._out)
        told = self.now() + self._ahead
        await self._clock.sleep(self._back)
        return Answer({"serverTime": round(told * 1000)})

    async def quotes(self, symbols: Sequence[str]) -> Answer:
        await self._clock.sleep(self._out + self._back)
        return Answer(TICKER)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} is not asked for here")


def client(clock: VirtualClock, wire: SlowWire) -> BinanceClient:
    return BinanceClient(api_url="http://127.0.0.1:1/api", clock=clock, wire=lambda: wire)


async def test_a_price_is_dated_when_it_is_asked_for() -> None:
    clock = VirtualClock()
    asked_at = clock.now()
    quotes = await clock.run(client(clock, SlowWire(clock, 0.2, 12.2)).quotes(["WIFUSDC"]))
    assert quotes["WIFUSDC"].at == asked_at


@pytest.mark.parametrize("ahead", [-7.0, 0.0, 7.0])
@pytest.mark.parametrize(("out", "back"), [(0.0, 0.3), (0.3, 0.0), (0.0, 1.9), (0.0, 9.0), (9.0, 0.0), (4.0, 5.0), (1.5, 1.5)])
async def test_no_request_is_dated_further_ahead_than_the_fence_counts_in(ahead: float, out: float, back: float) -> None:
    """Protects the fence: a request dated ahead of the exchange's clock by more than `request_lifetime` minus recvWindow could
    still become an order after it is believed dead."""
    clock = VirtualClock()
    wire = SlowWire(clock, out, back, ahead)
    await clock.run(client(clock, wire).measure_clock())
    assert wire.offset - ahead <= 1.001


async def paper(clock: VirtualClock, slow: float) -> NotTaken | ExecutionReport:
    class Slow(ScriptedVenue):
        async def quotes(self, symbols: Any) -> Any:
            found = await super().quotes(symbols)
            await clock.sleep(slow)
            return found

    market = Slow(clock, {"WIFUSDC": instrument()}, {"WIFUSDC": Decimal("0.48")})
    exchange = PaperExchange(market=market, book=MemoryPaperBook(), clock=clock, balances={"USDC": Decimal(1000)})
    result = await clock.run(exchange.place(BUY))
    assert isinstance(result, NotTaken | ExecutionReport)
    return result


async def test_nothing_is_filled_on_paper_at_a_price_of_long_ago() -> None:
    late = await paper(VirtualClock(), 12.4)
    assert isinstance(late, NotTaken)
    assert late.reason.code == "price_unknown"
    assert isinstance(await paper(VirtualClock(), 1.0), ExecutionReport)


async def test_balances_are_as_old_as_their_question() -> None:
    clock = VirtualClock()

    class Slow(ScriptedVenue):
        async def balances(self) -> Any:
            await clock.sleep(8)
            return {}

    venue = Slow(clock, {}, {})
    portfolio = Portfolio(TradingState(), LIMITS)
    asked_at = clock.now()
    await clock.run(BalanceReader(portfolio, venue, clock).run())
    assert portfolio.balances_at == asked_at
