"""Other settings change what they should and nothing else; what cannot be known or decided again is named."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.domain.candle import Candle, Interval
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Mode
from core.policy.strategy_settings import EVERY, Override, StrategySettings
from core.records.replay_result import Lack, Replayed
from core.replay.candles import candle_points, interval_for
from core.replay.replay import ReplayTerms, replay
from tests.core.memory_ledger import MemoryLedger
from tests.core.replay.scenes import WITH_STOPS, open_world, recording_of, trade
from tests.core.scripted_venue import ScriptedVenue
from tests.core.virtual_time import NOON, VirtualClock
from tests.core.world import World

FREE = replace(WITH_STOPS, stop_loss_pct=None, trade_quote=None, trade_qty=Decimal(100), max_open_positions=5)
WIF = "WIFUSDC"


@pytest.fixture
async def world(ledger: MemoryLedger, clock: VirtualClock, venue: ScriptedVenue) -> AsyncIterator[World]:
    """Yields a program whose entries have no stop."""
    world = await open_world(ledger, clock, venue, FREE)
    yield world
    await world.close()


async def replayed(world: World, ledger: MemoryLedger, terms: ReplayTerms) -> Replayed:
    return await asyncio.to_thread(replay, recording_of(ledger, world.clock.now()), terms)


async def moved(world: World, price: str) -> None:
    await world.clock.forward(60)
    world.venue.trade(WIF, price)
    await world.clock.forward(5)


async def test_a_stop_that_there_was_not_sells_at_the_next_known_price(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    await moved(world, "0.46")
    await world.say("BUY_SM", close="0.46")  # ignored, and the price is known by it
    await moved(world, "0.50")
    await world.say("SELL_SM", close="0.50")
    found = await replayed(world, ledger, ReplayTerms(replace(FREE, stop_loss_pct=Decimal(3))))
    before, now = found.before["USDC"], found.now["USDC"]
    assert (before.stopped, now.stopped) == (0, 1)
    assert before.profit > 0
    assert now.trades == 2  # the second entry is one now
    assert now.worst is not None
    assert now.worst.profit < 0
    assert now.worst.closed_at == found.signals[1].at
    assert [one.now.outcome for one in found.signals if one.now is not None] == ["executed", "executed", "executed"]
    assert found.prices.on_paper > 0
    same = await replayed(world, ledger, ReplayTerms(replace(FREE, stop_loss_pct=Decimal(10))))
    assert same.now == same.before
    assert same.prices.longest_gap > 50


async def test_candles_are_prices_too_and_the_low_comes_first(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    began = world.clock.now()
    await moved(world, "0.50")
    await world.say("SELL_SM", close="0.50")
    candle = Candle(began + timedelta(seconds=5), Decimal("0.48"), Decimal("0.60"), Decimal("0.45"), Decimal("0.50"), Decimal(1))
    points = tuple(candle_points(WIF, [candle], timedelta(seconds=48)))
    assert [one.bid for one in points] == [candle.open, candle.low, candle.high, candle.close]
    limits = replace(FREE, stop_loss_pct=Decimal(3))
    without = await replayed(world, ledger, ReplayTerms(limits))
    within = await replayed(world, ledger, ReplayTerms(limits, points=points))
    assert without.now["USDC"].stopped == 0
    assert within.now["USDC"].stopped == 1
    assert within.prices.points["candle"] == 4


def test_the_shortest_candles_are_taken_that_are_not_too_many() -> None:
    assert interval_for(NOON, NOON + timedelta(days=1)) is Interval.M1
    assert interval_for(NOON, NOON + timedelta(days=30)) is Interval.M15
    assert interval_for(NOON, NOON + timedelta(days=3000)) is Interval.D1


async def test_what_hung_on_an_outage_is_named_and_counts_as_recorded(world: World, ledger: MemoryLedger) -> None:
    world.venue.unavailable = True
    await world.say("BUY_SM")
    world.venue.unavailable = False
    await world.say("BUY_SM")
    found = await replayed(world, ledger, ReplayTerms(replace(FREE, trade_qty=Decimal(50))))
    assert [one.lack for one in found.signals] == [Lack.OUTAGE, None]
    refused, bought = found.signals
    assert refused.now == refused.before
    assert not refused.differs
    assert bought.now is not None
    assert bought.now.executed == 50


async def test_a_question_that_nobody_was_asked_stays_unanswered_and_is_named(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    await moved(world, "0.50")
    asking = StrategySettings({StrategyBook(EVERY, "default"): Override(mode=Mode.CONFIRM)})
    found = await replayed(world, ledger, ReplayTerms(FREE, strategy_settings=asking))
    (bought,) = found.signals
    assert bought.lack is Lack.UNANSWERED
    assert bought.now is not None
    assert bought.now.outcome == "awaiting_approval"
    assert found.now.get("USDC") is None


async def test_fees_in_a_third_asset_are_worth_what_they_were(
    world: World, ledger: MemoryLedger, clock: VirtualClock, venue: ScriptedVenue
) -> None:
    venue.fee_asset = "BNB"
    await trade(world, venue, 120)
    found = await asyncio.to_thread(replay, recording_of(ledger, clock.now()), ReplayTerms(FREE))
    assert found.differing == []
    assert found.now == found.before
    assert found.before["USDC"].fees > 0


async def test_no_more_is_open_at_once_than_a_limit_allows(
    world: World, ledger: MemoryLedger, clock: VirtualClock, venue: ScriptedVenue
) -> None:
    await trade(world, venue, 150)
    found = await asyncio.to_thread(
        replay, recording_of(ledger, clock.now()), ReplayTerms(replace(FREE, max_open_positions=1), strategy="fast")
    )
    assert {one.strategy for one in found.signals} == {"fast"}
    assert any(one.now is not None and one.now.reason and one.now.reason.code == "open_positions" for one in found.differing)
