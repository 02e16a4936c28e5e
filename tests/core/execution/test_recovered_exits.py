"""Exits left by an earlier process: an older version's unsettled sale becomes pending, a waiting attempt is no conflict."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.domain.events.signals import SignalRefused
from tests.core.conftest import Restart
from tests.core.execution.test_pending_exits import BANNED, NOT_ENOUGH, hear, is_held
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import lost, refused
from tests.core.world import World


async def left_unsettled(world: World, ledger: MemoryLedger, *, executed: bool) -> None:
    """Ends the process with a sale under way, on a ledger older than pending exits."""
    await world.say("BUY_SM")
    world.venue.next(lost(executed=executed), *[refused(NOT_ENOUGH)] * 2)
    await hear(world)
    await world.crash()
    ledger.exits.clear()


@pytest.mark.parametrize("crashes", [1, 2])
async def test_a_sale_that_an_older_ledger_left_unsettled_is_wanted_too(
    world: World, ledger: MemoryLedger, restart: Restart, crashes: int
) -> None:
    await left_unsettled(world, ledger, executed=False)
    again = await restart(world, ledger)
    for _ in range(crashes - 1):
        await again.crash()
        again = await restart(again, ledger)
    assert is_held(again)
    (wanted,) = ledger.exits.values()
    assert (wanted.qty, wanted.why) == (Decimal("19.98"), NOT_ENOUGH.reason)
    await again.clock.forward(60)
    assert not is_held(again)
    assert again.portfolio.exits == {}
    assert len(set(again.venue.executed)) == len(again.venue.executed) == 2


async def test_one_that_was_executed_after_all_is_done(world: World, ledger: MemoryLedger, restart: Restart) -> None:
    await left_unsettled(world, ledger, executed=True)
    again = await restart(world, ledger)
    await again.clock.forward(60)
    assert not is_held(again)
    assert again.portfolio.exits == {}
    assert len(again.venue.placed) == 2


async def test_one_that_grew_too_old_meanwhile_is_told_loudly(world: World, ledger: MemoryLedger, restart: Restart) -> None:
    await left_unsettled(world, ledger, executed=False)
    await world.clock.forward(700)
    again = await restart(world, ledger)
    await again.clock.forward(60)
    told = ledger.events[-1]
    assert isinstance(told, SignalRefused)
    assert (told.outcome, told.lost_exit) == ("expired", True)
    assert again.portfolio.exits == {}
    assert len(again.venue.placed) == 2


async def test_an_attempt_that_waited_while_its_exit_was_renewed_is_no_conflict_and_not_too_old(
    world: World, ledger: MemoryLedger, restart: Restart
) -> None:
    """Repeats the signal with the next attempt stored behind it; the process ends before it handles either."""
    await world.say("BUY_SM")
    world.venue.next(*[refused(BANNED)] * 20)
    signal = replace(world.signal("SELL_SM"), dated=True)
    await world.clock.run(world.inbox.deliver([world.said(signal)]))
    await world.clock.forward(590)
    attempt = world.portfolio.exits["WIFUSDC"].next_message(world.clock.now())
    renewed = world.said(replace(world.signal("SELL_SM"), dated=True))
    await world.crash()
    await ledger.store([renewed, attempt])
    world.venue.courses.clear()
    await world.clock.forward(20)
    again = await restart(world, ledger)
    await again.clock.forward(5)
    assert not is_held(again)
    assert (again.portfolio.exits, ledger.dead) == ({}, [])


async def test_an_attempt_that_was_renewed_is_the_same_attempt(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    world.venue.next(refused(BANNED))
    await world.clock.run(world.inbox.deliver([world.said(replace(world.signal("SELL_SM"), dated=True))]))
    await world.clock.forward(1)
    wanted = world.portfolio.exits["WIFUSDC"]
    await world.crash()
    await ledger.store([wanted.next_message(world.clock.now())])
    again = replace(wanted, since=wanted.since + timedelta(seconds=30)).next_message(world.clock.now())
    assert await ledger.store([again]) == [None]
    assert ledger.dead == []
