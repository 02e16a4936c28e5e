"""A fee paid in a coin that is held reduces that position: quantity and cost, once, across crashes."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.domain.events.symbol_halts import SymbolHalted
from core.domain.order import Rejected
from core.domain.reasons import reason
from core.domain.strategy_book import StrategyBook
from core.policy.third_asset_fees import after_fee
from tests.core.conftest import OpenWorld, Restart
from tests.core.decision_contexts import HELD
from tests.core.engine.test_order_executor import became
from tests.core.engine.test_symbol_halts import accept, compare
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import Course, refused
from tests.core.world import World, instrument


@pytest.fixture
async def world(open_world: OpenWorld) -> World:
    """Holds BNB, and pays fees in it: 0.06 % of the quote amount, in BNB at 600."""
    world = await open_world(trade_qty=Decimal(20), max_order_notional=Decimal(100_000))
    world.venue.fee_asset = "BNB"
    world.venue.fee_rate = Decimal("0.000001")
    await world.say("BUY_SM", symbol="BNBUSDC", close="600")
    return world


def there(world: World) -> Decimal:
    fees = sum((fill.fee for known in world.venue._known.values() for fill in known.report.fills), Decimal(0))
    return Decimal(20) - fees


async def test_the_ledger_and_the_exchange_agree_after_it(world: World, ledger: MemoryLedger) -> None:
    before = world.portfolio.position(StrategyBook("BNBUSDC"))
    await world.say("BUY_SM")
    await world.clock.quiet()
    after = world.portfolio.position(StrategyBook("BNBUSDC"))
    assert after.qty == there(world) < before.qty
    assert after.average_cost == pytest.approx(before.average_cost)
    assert ledger.positions[StrategyBook("BNBUSDC")] == after
    world.trading.compare()
    await world.clock.forward(10)
    assert not [event for event in ledger.events if isinstance(event, SymbolHalted)]


@pytest.mark.parametrize("is_open", [True, False])
def test_a_rest_that_was_no_position_becomes_none_by_a_fee(*, is_open: bool) -> None:
    """Prices may have risen since it was too little to be sold: it stays a rest until the next entry."""
    (after,) = after_fee(replace(HELD, is_open=is_open), Decimal("0.98"), instrument())
    assert (after.qty, after.is_open) == (Decimal(19), is_open)


async def test_it_is_sold_without_what_the_fees_took(world: World) -> None:
    await world.say("BUY_SM")
    await world.say("SELL_SM")
    await world.clock.quiet()
    held = there(world)
    await world.say("SELL_SM", symbol="BNBUSDC", close="600")
    assert world.venue.placed[-1].qty <= held
    assert not world.portfolio.position(StrategyBook("BNBUSDC")).is_open


async def test_what_the_exchange_says_no_to_meanwhile_is_sold_by_what_is_free(world: World) -> None:
    world.venue.more["BNB"] = Decimal("-0.5")  # taken before this ledger knew
    world.venue.next(refused(Rejected(reason("insufficient_balance", asset="BNB"))))
    await world.say("SELL_SM", symbol="BNBUSDC", close="600")
    await world.clock.forward(3)
    assert [order.qty for order in world.venue.placed[1:3]] == [Decimal("19.98"), Decimal("19.48")]


async def test_a_crash_neither_loses_nor_doubles_it(world: World, ledger: MemoryLedger, restart: Restart) -> None:
    ledger.fail(3, picks=lambda batch: bool(batch.executions))  # the fee is stored, the order not settled yet
    await world.clock.run(world.inbox.deliver([world.said(world.signal("BUY_SM"))]))
    await world.clock.quiet()
    await world.crash()
    ledger._failing.clear()
    again = await restart(world, ledger)
    await again.clock.forward(30)
    assert again.portfolio.position(StrategyBook("WIFUSDC")).is_open
    assert again.portfolio.position(StrategyBook("BNBUSDC")).qty == there(again)


async def test_the_owners_own_coins_are_nobodys_position(open_world: OpenWorld) -> None:
    world = await open_world()
    world.venue.fee_asset = "BNB"
    await world.say("BUY_SM")
    assert set(world.portfolio.positions) == {StrategyBook("WIFUSDC")}


async def test_a_fee_that_an_order_under_way_is_paying_halts_nothing(world: World, ledger: MemoryLedger) -> None:
    """Simulates an exchange that has deducted the fee already, and reports only that the order exists."""
    world.venue.next(Course(final_after=40))
    world.venue.fee_rate = Decimal(1)
    await world.inbox.deliver([world.said(world.signal("BUY_SM"))])
    await world.clock.forward(1)
    for _ in range(2):
        await compare(world)
    assert world.portfolio.in_flight
    assert ledger.holds == {}
    await world.clock.forward(60)
    assert not world.portfolio.in_flight
    await compare(world)
    assert ledger.holds == {}
    world.venue.more["BNB"] = Decimal(-5)  # losses without an order are still reported
    await compare(world)
    assert ledger.holds["BNBUSDC"].active


async def test_a_fee_that_waits_to_be_taken_off_in_another_symbol_of_the_coin_halts_nothing(
    open_world: OpenWorld, ledger: MemoryLedger
) -> None:
    world = await open_world(trade_qty=Decimal(20), max_order_notional=Decimal(100_000))
    world.venue.rules |= {"BNBUSDT": instrument("BNB", "USDT"), "USDCUSDT": instrument("USDC", "USDT")}
    world.venue.prices |= {"BNBUSDT": Decimal(600), "USDCUSDT": Decimal(1)}
    await world.clock.run(world.market.load_instruments(None))
    await world.say("BUY_SM", symbol="BNBUSDC", close="600")
    assert became(await world.say("BUY_SM", symbol="BNBUSDT", close="600")) == ("ordered", "")
    world.venue.fee_asset, world.venue.fee_rate = "BNB", Decimal("0.1")
    world.inbox.also("BNBUSDT", lambda: world.clock.sleep(30))
    await world.say("BUY_SM")
    world.trading.comparing.want(["BNBUSDC"])
    await world.clock.forward(20)
    assert ledger.holds == {}
    await world.clock.forward(60)
    await compare(world)
    assert ledger.holds == {}


async def test_no_fee_under_way_is_accepted_as_gone(world: World, ledger: MemoryLedger) -> None:
    world.venue.more["BNB"] = Decimal(-1)
    await compare(world)
    assert ledger.holds["BNBUSDC"].active
    before = world.portfolio.position(StrategyBook("BNBUSDC"))
    world.venue.next(Course(final_after=40))
    await world.inbox.deliver([world.said(world.signal("BUY_SM"))])
    await world.clock.quiet()
    assert became(await accept(world, "BNBUSDC")) == ("denied", "unreachable")
    assert world.portfolio.position(StrategyBook("BNBUSDC")) == before
