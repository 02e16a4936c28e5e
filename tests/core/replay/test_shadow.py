"""A shadow beside trading: the same where the exchange behaved as the paper one, and each difference explained where not."""

import asyncio
from dataclasses import replace
from decimal import Decimal

from core.records.shadow import ShadowReport, Stage
from core.replay.comparison import total
from core.replay.replay import ReplayTerms, shadow_of
from tests.core.memory_ledger import MemoryLedger
from tests.core.replay.scenes import WITH_STOPS, open_world, recording_of, trade
from tests.core.scripted_venue import ScriptedVenue
from tests.core.virtual_time import VirtualClock

CENT = Decimal("0.01")


async def shadowed(
    ledger: MemoryLedger, clock: VirtualClock, venue: ScriptedVenue, signals: int, *, is_perfect: bool
) -> ShadowReport:
    """Trades, and returns what was traded beside its shadow."""
    limits = replace(WITH_STOPS, daily_loss_limit=Decimal(500))
    world = await open_world(ledger, clock, venue, limits)
    await trade(world, venue, signals, is_perfect=is_perfect)
    await world.close()
    recording = recording_of(ledger, clock.now())
    return await asyncio.to_thread(shadow_of, recording, ReplayTerms(limits))


async def test_a_thousand_signals_are_the_same_where_the_exchange_behaved_as_the_paper_one(
    ledger: MemoryLedger, clock: VirtualClock, venue: ScriptedVenue
) -> None:
    found = await shadowed(ledger, clock, venue, 1000, is_perfect=True)
    (one,) = found.sums.values()
    assert len(found.orders) > 50
    assert abs(one.traded) > 1
    assert abs(one.difference) < CENT
    assert all(abs(order.difference) < CENT for order in found.orders)


async def test_a_thousand_signals_are_explained_to_the_cent_where_it_did_not(
    ledger: MemoryLedger, clock: VirtualClock, venue: ScriptedVenue
) -> None:
    found = await shadowed(ledger, clock, venue, 1000, is_perfect=False)
    (one,) = found.sums.values()
    assert abs(one.difference) > CENT
    assert total(one.stages.values()) == one.difference
    assert total(order.difference for order in found.orders) == one.difference
    assert {stage for stage, amount in one.stages.items() if abs(amount) > CENT} >= set(Stage) - {Stage.FEES}
    last = found.curve[-1]
    assert (last.traded, last.shadow) == (one.traded, one.shadow)
