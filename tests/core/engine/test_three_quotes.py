"""Limits with three quote assets, from signals to orders: each counted in the report asset at market rates."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from core.domain.errors import ExchangeUnavailable
from core.domain.events.approvals import ApprovalRequested
from core.domain.instrument import Balance, Instrument, Quote
from core.domain.money import ZERO, multiply
from core.domain.signal import Side
from core.domain.trading_state import ApprovalPolicy, Mode, TradingState
from core.policy.conversion_rates import Rate
from core.ports.ledger import Ledger
from core.records.message_outcome import MessageOutcome
from tests.core.conftest import OpenWorld, Restart
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import ScriptedVenue
from tests.core.virtual_time import VirtualClock
from tests.core.world import World, instrument

PRICES = {
    "WIFUSDC": "0.48", "WIFEUR": "0.40", "ETHBTC": "0.03", "BTCUSDC": "60000", "EURUSDC": "1.20", "ETHUSDC": "1800",
    "BNBUSDC": "600",
}  # fmt: skip
NAMES = {"WIFUSDC": "WIF/USDC", "WIFEUR": "WIF/EUR", "ETHBTC": "ETH/BTC", "BTCUSDC": "BTC/USDC", "EURUSDC": "EUR/USDC"}


class CountedVenue(ScriptedVenue):
    """Records its requests."""

    def __init__(self, clock: VirtualClock, rules: dict[str, Instrument], prices: dict[str, Decimal]) -> None:
        super().__init__(clock, rules, prices)
        self.priced: list[set[str]] = []
        self.ruled: list[set[str]] = []
        self.denied: set[str] = set()

    async def quotes(self, symbols: Collection[str]) -> Mapping[str, Quote]:
        self.priced.append(set(symbols))
        return await super().quotes(symbols)

    async def instruments(self, symbols: Collection[str] | None) -> Mapping[str, Instrument]:
        self.ruled.append(set(symbols or ()))
        if self.denied & set(symbols or ()):
            raise ExchangeUnavailable("no route to host")
        return await super().instruments(symbols)


@pytest.fixture
def venue(clock: VirtualClock) -> CountedVenue:
    rules = {name: instrument(*pair.split("/")) for name, pair in NAMES.items()}
    for name in ("ETHBTC", "BTCUSDC"):
        rules[name] = replace(rules[name], min_notional=Decimal("0.0001"), step_size=Decimal("0.0001"), min_qty=Decimal("0.0001"))
    return CountedVenue(clock, rules, {name: Decimal(price) for name, price in PRICES.items()})


async def buy(world: World, symbol: str) -> MessageOutcome:
    return await said(world, "BUY_SM", symbol)


async def said(world: World, kind: str, symbol: str) -> MessageOutcome:
    outcome = await world.say(kind, symbol=symbol, close=str(world.venue.prices[symbol]))
    assert outcome is not None
    return outcome


def why(outcome: MessageOutcome) -> str:
    return str(outcome.reason) if outcome.reason is not None else outcome.outcome


async def test_one_order_is_limited_in_the_report_asset_whatever_it_is_priced_in(open_world: OpenWorld) -> None:
    """Buys 20 ETH at up to 0.0303 BTC, the edge of the band: 0.606 BTC, and 36,360 USDC."""
    world = await open_world(trade_qty=Decimal(20))
    assert why(await buy(world, "ETHBTC")) == "order value 36360.00 USDC is above the limit of 1000"
    assert why(await buy(world, "WIFUSDC")) == "ordered"
    assert why(await buy(world, "WIFEUR")) == "ordered"


async def test_the_same_worth_is_refused_in_each_quote_asset(open_world: OpenWorld) -> None:
    small = await open_world(trade_qty=Decimal(20), max_order_notional=Decimal("9.68"))
    assert why(await buy(small, "WIFUSDC")) == "order value 9.69 USDC is above the limit of 9.68"
    assert why(await buy(small, "WIFEUR")) == "order value 9.69 USDC is above the limit of 9.68"


async def test_the_size_of_an_entry_is_an_amount_of_the_report_asset(open_world: OpenWorld) -> None:
    world = await open_world(trade_quote=Decimal(90))
    for symbol in ("WIFUSDC", "WIFEUR", "ETHBTC"):
        assert why(await buy(world, symbol)) == "ordered"
    rate = {"WIFUSDC": Decimal(1), "WIFEUR": Decimal("1.20"), "ETHBTC": Decimal(60_000)}
    worth = {one.symbol: multiply(one.qty, one.terms.limit_price or ZERO) * rate[one.symbol] for one in world.venue.placed}
    assert worth.keys() == rate.keys()
    assert all(Decimal("89.98") < most <= 90 for most in worth.values())


async def lose(world: World, symbol: str, price: str) -> None:
    """Buys, and sells at `price`."""
    before = world.venue.prices[symbol]
    assert why(await buy(world, symbol)) == "ordered"
    world.venue.prices[symbol] = Decimal(price)
    await world.clock.forward(4)
    assert why(await said(world, "SELL_SM", symbol)) == "ordered"
    world.venue.prices[symbol] = before
    await world.clock.forward(4)


async def test_the_loss_of_the_day_is_of_all_quote_assets_also_after_a_restart(
    open_world: OpenWorld, restart: Restart, ledger: Ledger
) -> None:
    world = await open_world(trade_quote=Decimal(90), daily_loss_limit=Decimal(84))
    await lose(world, "WIFEUR", "0.20")  # about 45 USDC
    await lose(world, "ETHBTC", "0.0165")  # about 40 more
    refused = await buy(world, "WIFUSDC")
    assert refused.reason is not None
    assert refused.reason.code == "daily_loss"
    assert refused.reason.params["quote"] == "USDC"
    assert -86 < Decimal(refused.reason.params["result"]) < -84
    again = await restart(world, ledger)
    refused = await buy(again, "WIFUSDC")
    assert refused.reason is not None
    assert refused.reason.code == "daily_loss"


async def test_an_unknown_rate_refuses_the_entry_and_never_the_exit(open_world: OpenWorld) -> None:
    world = await open_world()
    assert why(await buy(world, "WIFEUR")) == "ordered"
    del world.venue.prices["EURUSDC"]
    await world.clock.forward(4)
    assert why(await said(world, "SELL_SM", "WIFEUR")) == "ordered"
    assert [one.side for one in world.venue.placed] == [Side.BUY, Side.SELL]
    refused = await buy(world, "WIFEUR")
    assert (refused.outcome, why(refused)) == (
        "denied",
        "no current rate of EUR to USDC (EURUSDC), so limits can't be checked",
    )
    # Today's loss in euros counts in every entry.
    assert why(await buy(world, "WIFUSDC")) == why(refused)
    world.venue.prices["EURUSDC"] = Decimal("1.20")
    assert why(await buy(world, "WIFUSDC")) == "ordered"


async def test_an_exit_asks_for_no_rate(open_world: OpenWorld, venue: CountedVenue) -> None:
    world = await open_world(trade_quote=Decimal(90))
    await lose(world, "ETHBTC", "0.0295")
    assert why(await buy(world, "WIFEUR")) == "ordered"
    await world.clock.forward(4)
    venue.priced.clear()
    assert why(await said(world, "SELL_SM", "WIFEUR")) == "ordered"
    assert venue.priced == [{"WIFEUR"}]


async def test_another_way_serves_where_the_straight_pair_has_no_price(open_world: OpenWorld, venue: CountedVenue) -> None:
    venue.rules |= {"EURUSDT": instrument("EUR", "USDT"), "USDCUSDT": instrument("USDC", "USDT")}
    venue.prices |= {"EURUSDT": Decimal("1.20"), "USDCUSDT": Decimal(1)}
    world = await open_world()
    del venue.prices["EURUSDC"]
    outcome = await buy(world, "WIFEUR")
    assert why(outcome) == "ordered"
    assert outcome.facts is not None
    assert outcome.facts.rates == (Rate("EUR", "USDC", Decimal("1.20"), Decimal("1.20"), ("EURUSDT", "USDCUSDT")),)


async def test_what_was_converted_and_by_which_rate_is_kept_with_the_decision(open_world: OpenWorld) -> None:
    world = await open_world(trade_quote=Decimal(90))
    facts = (await buy(world, "ETHBTC")).facts
    assert facts is not None
    assert facts.rates == (Rate("BTC", "USDC", Decimal(60_000), Decimal(60_000), ("BTCUSDC",)),)
    measured = {one.name: (one.value, one.limit, one.unit) for one in facts.measures}
    assert measured["order_notional"] == ("89.991", "1000", "USDC")


async def test_the_rates_are_at_hand_so_that_no_entry_waits_for_one(open_world: OpenWorld, venue: CountedVenue) -> None:
    world = await open_world()
    assert {"BTCUSDC", "EURUSDC"} <= world.trading.needed()
    await world.market.freshen(world.trading.needed())
    venue.priced.clear()
    await world.market.fresh_quote("ETHBTC")
    assert why(await buy(world, "ETHBTC")).startswith("order value")
    assert venue.priced == [{"ETHBTC"}]


async def test_a_start_waits_for_no_pair(open_world: OpenWorld, venue: CountedVenue) -> None:
    """Starts trading, exits included, while the rules of a pair cannot be read; an entry reads them when it needs them."""
    names = frozenset({"WIFEUR"})
    world = await open_world(symbols=names)
    world.market._instruments.clear()
    world.trading._watched = names
    venue.denied = {"EURUSDC"}
    await world.clock.run(world.trading.load_rules(every=False))
    assert set(world.market.instruments()) == names
    assert why(await buy(world, "WIFEUR")).startswith("no current rate of EUR to USDC (EURUSDC)")
    venue.denied = set()
    assert why(await buy(world, "WIFEUR")) == "ordered"


async def test_only_the_rules_of_pairs_that_are_needed_are_read(open_world: OpenWorld, venue: CountedVenue) -> None:
    names = frozenset({"WIFUSDC", "WIFEUR"})
    world = await open_world(symbols=names)
    world.market._instruments.clear()
    world.trading._watched = names
    venue.ruled.clear()
    await world.clock.run(world.trading.load_rules(every=False))
    assert venue.ruled == [set(names), {"EURUSDC", "USDCEUR"}]
    assert world.trading.needed() == {*names, "EURUSDC"}
    one_quote = await open_world(symbols=frozenset({"WIFUSDC"}))
    one_quote.trading._watched = {"WIFUSDC"}
    assert one_quote.trading.needed() == {"WIFUSDC"}


async def test_a_question_shows_worth_and_capital_in_the_report_asset(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    asking = ApprovalPolicy(Decimal(50), asset="USDC")
    world = await open_world(trading_state=TradingState(mode=Mode.CONFIRM, asking=asking), trade_quote=Decimal(90))
    world.portfolio.balances = {"USDC": Balance("USDC", Decimal(500)), "BTC": Balance("BTC", Decimal("0.01"))}
    world.portfolio.balances_at = world.clock.now()
    assert why(await buy(world, "ETHBTC")) == "awaiting_approval"  # 0.0015 BTC are 90 USDC
    (asked,) = [event for event in ledger.events if isinstance(event, ApprovalRequested)]
    assert (asked.worth, asked.capital, asked.report) == (Decimal("89.1"), Decimal(1100), "USDC")
    world.portfolio.trading_state = TradingState(mode=Mode.CONFIRM, asking=replace(asking, above=Decimal(90)))
    assert why(await buy(world, "WIFEUR")) == "ordered"
