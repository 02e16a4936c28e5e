"""The real client finds and prices the pairs that convert amounts: one unknown name spoils no list."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.adapters.binance.binance_client import BinanceClient
from core.domain.trading_state import TradingState
from core.policy.conversion_rates import Rate, Unknown
from core.state.exchange_rates import ExchangeRates
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio
from tests.core.adapters.clocks import RealClock
from tests.core.world import LIMITS


@pytest.mark.parametrize(
    ("symbol", "report", "via"),
    [
        ("ETHBTC", "USDC", ("BTCUSDC",)),
        ("WIFUSDT", "USDC", ("USDCUSDT",)),
        ("WIFUSDC", "USDT", ("USDCUSDT",)),
        ("WIFUSDC", "ETH", ("USDCUSDT", "ETHUSDT")),
    ],
)
async def test_the_pairs_of_a_quote_asset_are_found_and_priced(
    client: BinanceClient, clock: RealClock, symbol: str, report: str, via: tuple[str, ...]
) -> None:
    limits = replace(LIMITS, symbols=frozenset({symbol}), report_asset=report)
    market = MarketDataCache(client, clock, list)
    rates = ExchangeRates(Portfolio(TradingState(), limits), market, clock)
    await market.load_instruments([symbol])
    await rates.load([symbol])
    assert rates.pairs([symbol]) == set(via)
    asset = market.instruments()[symbol].quote
    found = (await rates.fresh({asset}))[asset]
    assert isinstance(found, Rate)
    assert found.via == via
    assert 0 < found.low <= found.high
    quotes = {name: market.quote(name) for name in via}
    assert all(quotes.values())


async def test_what_the_exchange_trades_no_pair_of_is_asked_for_once_a_minute(client: BinanceClient, clock: RealClock) -> None:
    limits = replace(LIMITS, symbols=frozenset({"WIFUSDC"}), report_asset="TRY")
    market = MarketDataCache(client, clock, list)
    rates = ExchangeRates(Portfolio(TradingState(), limits), market, clock)
    await market.load_instruments(["WIFUSDC"])
    await rates.load(["WIFUSDC"])
    known = len(market.instruments())
    assert (await rates.fresh({"USDC"}))["USDC"] == Unknown("USDC", "TRY")
    assert len(market.instruments()) == known
    assert rates.total({"USDC": Decimal(1), "TRY": Decimal(2)}) == (Decimal(2), ("USDC",))
