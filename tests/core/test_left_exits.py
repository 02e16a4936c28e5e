"""A sale that a process of an older version left unsettled: recovered, it is wanted until it is done, like any other exit."""

from decimal import Decimal

import pytest

from core.domain.events import SignalRefused
from tests.core.conftest import Restart
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import lost, refused
from tests.core.test_exits import NOT_ENOUGH, hear, is_held
from tests.core.world import World


async def left_unsettled(world: World, ledger: MemoryLedger, *, executed: bool) -> None:
    """A sale is under way when the process ends, on a ledger of before exits were wanted."""
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
    assert again.book.exits == {}
    assert len(set(again.venue.executed)) == len(again.venue.executed) == 2


async def test_one_that_was_executed_after_all_is_done(world: World, ledger: MemoryLedger, restart: Restart) -> None:
    await left_unsettled(world, ledger, executed=True)
    again = await restart(world, ledger)
    await again.clock.forward(60)
    assert not is_held(again)
    assert again.book.exits == {}
    assert len(again.venue.placed) == 2


async def test_one_that_grew_too_old_meanwhile_is_told_loudly(world: World, ledger: MemoryLedger, restart: Restart) -> None:
    await left_unsettled(world, ledger, executed=False)
    await world.clock.forward(700)
    again = await restart(world, ledger)
    await again.clock.forward(60)
    told = ledger.events[-1]
    assert isinstance(told, SignalRefused)
    assert (told.outcome, told.lost_exit) == ("expired", True)
    assert again.book.exits == {}
    assert len(again.venue.placed) == 2
