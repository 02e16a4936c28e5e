"""The simulated market: the same for everybody, within its own rules, and worth trading in."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from core.domain.candle import Interval
from core.domain.errors import SymbolUnknown
from core.domain.signal import Side
from demo.market import INSTRUMENTS, SimulatedMarket

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return (self.time - START).total_seconds()

    async def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


async def test_the_same_seed_and_time_give_the_same_prices() -> None:
    clock = HandClock()
    one, other, stranger = SimulatedMarket(clock), SimulatedMarket(clock), SimulatedMarket(clock, seed=2)
    symbols = list(INSTRUMENTS)
    first = await one.quotes(symbols)
    await clock.sleep(3600)
    assert await one.quotes(symbols) == await other.quotes(symbols) != first
    assert await stranger.quotes(symbols) != await one.quotes(symbols)


async def test_only_what_is_traded_has_rules_and_a_price() -> None:
    market = SimulatedMarket(HandClock())
    assert set(await market.instruments(None)) == {"WIFUSDC", "BTCUSDC", "ETHUSDC", "SOLUSDC", "DOGEUSDC"}
    assert set(await market.instruments(["WIFUSDC", "NOPEUSDC"])) == {"WIFUSDC"}
    assert set(await market.quotes(["WIFUSDC", "NOPEUSDC"])) == {"WIFUSDC"}
    assert await market.server_time() == START


async def test_candles_follow_the_prices_up_to_now() -> None:
    market = SimulatedMarket(HandClock())
    since = START - timedelta(hours=1)
    candles = await market.candles("WIFUSDC", Interval.M5, since, 100)
    assert [candle.opened_at for candle in candles] == [since + timedelta(minutes=5 * number) for number in range(13)]
    assert all(
        candle.low <= min(candle.open, candle.close) <= max(candle.open, candle.close) <= candle.high for candle in candles
    )
    assert all(after.open == before.close for before, after in pairwise(candles))
    now = market.quote_at("WIFUSDC", START)
    assert now.bid <= candles[-1].close <= now.ask
    assert candles == await market.candles("WIFUSDC", Interval.M5, since, 100)
    assert await market.candles("WIFUSDC", Interval.M5, since, 3) == candles[:3]
    with pytest.raises(SymbolUnknown):
        await market.candles("NOPEUSDC", Interval.M5, since, 3)


@pytest.mark.parametrize("symbol", INSTRUMENTS)
def test_quotes_stand_on_the_tick_with_a_narrow_spread(symbol: str) -> None:
    market, tick = SimulatedMarket(HandClock()), INSTRUMENTS[symbol].tick_size
    for second in range(0, 4000, 37):
        quote = market.quote_at(symbol, START + timedelta(seconds=second))
        assert quote.bid % tick == quote.ask % tick == 0
        assert 0 < quote.ask - quote.bid <= max(quote.bid * Decimal("0.001"), 2 * tick)
        assert isinstance(quote.bid, Decimal)


def round_trip(market: SimulatedMarket, symbol: str, start: datetime, seconds: int) -> Decimal:
    bought = market.quote_at(symbol, start).price_for(Side.BUY)
    return (market.quote_at(symbol, start + timedelta(seconds=seconds)).price_for(Side.SELL) / bought - 1) * 100


@pytest.mark.parametrize("symbol", INSTRUMENTS)
def test_round_trips_win_and_lose_but_never_absurdly(symbol: str) -> None:
    market = SimulatedMarket(HandClock())
    results = [
        round_trip(market, symbol, START + timedelta(seconds=start), hold)
        for start in range(0, 7200, 45)
        for hold in (20, 40, 60)
    ]
    assert -9 < min(results) < -1
    assert 1 < max(results) < 9
    assert sum(result > 0 for result in results) > len(results) // 4
    assert sum(result < 0 for result in results) > len(results) // 4


@pytest.mark.parametrize("symbol", INSTRUMENTS)
def test_a_price_hardly_moves_while_an_order_is_on_its_way(symbol: str) -> None:
    market = SimulatedMarket(HandClock())
    for second in range(0, 3600, 7):
        assert abs(round_trip(market, symbol, START + timedelta(seconds=second), 1)) < 1
