"""Recorded signals go through the core again: with the same settings everything comes out as it was."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.adapters.ledger.opening import open_ledger
from core.adapters.ledger.recording_reader import RecordingReader
from core.adapters.ledger.sql_ledger import SqlLedger
from core.records.recording import Recording
from core.records.replay_result import Replayed
from core.replay.replay import ReplayTerms, replay
from tests.core.memory_ledger import CountedLedger, MemoryLedger
from tests.core.replay.scenes import WITH_STOPS, open_world, recording_of, trade
from tests.core.scripted_venue import ScriptedVenue
from tests.core.virtual_time import VirtualClock
from tests.core.world import World
from tests.ledgers import make_ledger

SEEN = {
    *("executed", "expired", "paused", "entries_paused", "strategy_paused", "observe", "declined", "approval_expired"),
    *("in_position", "no_position", "held_by_others", "open_positions", "price_band", "rejected", "exit_wanted"),
}


async def replayed(recording: Recording, terms: ReplayTerms) -> Replayed:
    """Replays in a thread: this one has a running loop."""
    return await asyncio.to_thread(replay, recording, terms)


@pytest.fixture
async def world(ledger: MemoryLedger, clock: VirtualClock, venue: ScriptedVenue) -> AsyncIterator[World]:
    world = await open_world(ledger, clock, venue, WITH_STOPS)
    yield world
    await world.close()


async def test_every_decision_of_a_thousand_signals_comes_out_again(
    world: World, ledger: MemoryLedger, clock: VirtualClock, venue: ScriptedVenue
) -> None:
    await trade(world, venue, 1000)
    found = await replayed(recording_of(ledger, clock.now()), ReplayTerms(WITH_STOPS))
    assert found.differing == []
    assert [one for one in found.signals if one.lack is not None] == []
    assert found.now == found.before
    assert found.before["USDC"].stopped > 5
    assert found.prices.on_paper == 0
    seen = Counter(one.before.reason.code if one.before.reason else one.before.outcome for one in found.signals)
    assert SEEN - seen.keys() == set()


@pytest.fixture
async def sql(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[SqlLedger]:
    ledger = await open_ledger(make_ledger(tmp_path / "ledger.db"), clock)
    yield ledger
    await ledger.close()


async def test_a_ledger_on_disk_tells_the_same_from_the_beginning_and_from_its_middle(
    sql: SqlLedger, clock: VirtualClock, venue: ScriptedVenue
) -> None:
    world = await open_world(CountedLedger(sql, clock), clock, venue, WITH_STOPS)
    began = clock.now()
    await trade(world, venue, 250)
    await world.close()
    middle = began + (clock.now() - began) / 2
    reader = RecordingReader(sql.reader)
    with clock.busy():
        whole, half, newest = [
            await reader.read(clock.now(), since, most) for since, most in ((None, None), (middle, None), (None, 50))
        ]
    found, later = await replayed(whole, ReplayTerms(WITH_STOPS)), await replayed(half, ReplayTerms(WITH_STOPS))
    assert (found.differing, later.differing) == ([], [])
    assert found.now == found.before
    assert later.now == later.before
    assert 0 < len(later.signals) < len(found.signals)
    assert len([one for one in newest.messages if one.signal is not None and not one.signal.is_again]) <= 50
    assert newest.since is not None


@pytest.mark.parametrize("seed", [1, 6, 12])
async def test_plans_sizes_and_limits_come_out_again(
    world: World, ledger: MemoryLedger, clock: VirtualClock, venue: ScriptedVenue, seed: int
) -> None:
    await trade(world, venue, 200, seed, is_rich=True)

    found = await replayed(recording_of(ledger, clock.now()), ReplayTerms(WITH_STOPS))
    assert found.differing == []
    assert found.now == found.before
