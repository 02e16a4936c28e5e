"""The owner's acceptance ends exactly the halts that it named, whatever is found on the exchange at the same moment."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from core.domain.account import ACCOUNT
from core.domain.messages import AcceptRequested
from core.records.commit_batch import CommitBatch
from tests.core.conftest import Restart
from tests.core.engine.test_order_executor import became
from tests.core.execution.test_account_guard import FOREIGN, accept, held
from tests.core.memory_ledger import MemoryLedger
from tests.core.world import World

ELSEWHERE = replace(FOREIGN, symbol="SOLUSDC", order_id="99", mark=8_000_000_002)


def slow(ledger: MemoryLedger, world: World, monkeypatch: pytest.MonkeyPatch, picks: Callable[[CommitBatch], bool]) -> None:
    """Delays the writing of what `picks` names by 3 s."""
    commit = ledger.commit

    async def late(batch: CommitBatch) -> None:
        if picks(batch):
            await world.clock.sleep(3)
        await commit(batch)

    monkeypatch.setattr(ledger, "commit", late)


def of_account(batch: CommitBatch, *, lifted: bool) -> bool:
    return any(halt.symbol == ACCOUNT and halt.active is not lifted for halt in batch.holds)


def differences(world: World) -> list[tuple[str, str]]:
    halt = world.portfolio.account_halt
    return [(one.code, one.params["symbol"]) for one in halt.differences] if halt is not None else []


@pytest.mark.parametrize("accepts_first", [True, False])
async def test_what_is_found_while_it_is_accepted_halts_on(
    world: World, ledger: MemoryLedger, restart: Restart, monkeypatch: pytest.MonkeyPatch, *, accepts_first: bool
) -> None:
    await held(world, FOREIGN)
    shown = world.portfolio.holds[ACCOUNT].differences
    slow(ledger, world, monkeypatch, lambda batch: of_account(batch, lifted=accepts_first))
    world.venue.foreign.append(ELSEWHERE)
    if not accepts_first:
        world.trading.comparing.want(["SOLUSDC"])
        await world.clock.forward(1)
    accepting = asyncio.create_task(world.inbox.ask(world.message(AcceptRequested(ACCOUNT, 7, "Ann", shown), "")))
    await world.clock.forward(1)
    if accepts_first:
        world.trading.comparing.want(["SOLUSDC"])
    await world.clock.forward(20)
    assert became(await accepting) == ("done", "")
    assert differences(world) == [("order_of_other", "SOLUSDC")]
    monkeypatch.undo()
    again = await restart(world, ledger)
    assert differences(again) == [("order_of_other", "SOLUSDC")]
    assert became(await again.say("BUY_SM")) == ("denied", "account_held")


async def test_an_acceptance_that_names_nothing_of_it_lifts_nothing_and_says_so(world: World, ledger: MemoryLedger) -> None:
    await held(world, FOREIGN)
    shown = world.portfolio.holds[ACCOUNT].differences
    await accept(world)
    world.venue.foreign.append(ELSEWHERE)
    world.trading.comparing.want(["SOLUSDC"])
    await world.clock.forward(10)
    assert became(await accept(world, shown)) == ("ignored", "hold_changed")
    assert ledger.holds[ACCOUNT].active
    assert ELSEWHERE.mark not in world.portfolio.acknowledged


async def test_what_was_seen_before_it_was_accepted_does_not_halt_again(world: World) -> None:
    """Lets the owner accept a finding while a look at it is under way."""
    await held(world, FOREIGN)
    seen = world.portfolio.holds[ACCOUNT].differences
    await accept(world)
    await world.clock.run(world.trading.symbol_halts._account.halt(seen))
    assert world.portfolio.account_halt is None
