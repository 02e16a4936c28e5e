"""A look at a symbol's orders that the ledger broke off counts for nothing: whoever orders next looks again."""

from collections.abc import Awaitable, Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.domain.errors import LedgerUnavailable
from core.domain.messages import Message, OrderFound
from core.domain.strategy_book import StrategyBook
from tests.core.conftest import Restart
from tests.core.engine.test_order_executor import became
from tests.core.execution.test_account_guard import FOREIGN, _away, accept, adopted, held, set_back
from tests.core.memory_ledger import MemoryLedger
from tests.core.virtual_time import NOON
from tests.core.world import World


class Refusing(MemoryLedger):
    """A ledger that refuses once to store that the order `unstored` was found."""

    unstored = ""

    async def store(self, messages: Sequence[Message], **more: object) -> Sequence[object]:  # type: ignore[override]
        if any(isinstance(one.body, OrderFound) and one.body.report.order_id == self.unstored for one in messages):
            self.unstored = ""
            raise LedgerUnavailable("the disk is full")
        return await super().store(messages, **more)  # type: ignore[arg-type]


@pytest.fixture
def ledger() -> MemoryLedger:
    return Refusing()


Lose = Callable[[str], Awaitable[World]]


@pytest.fixture
def lose(world: World, ledger: MemoryLedger, restart: Restart, monkeypatch: pytest.MonkeyPatch) -> Lose:
    """Returns a function that starts a process whose ledger has lost an entry, 1000, its exit, 1001, and another entry, 1002.
    Nobody has looked yet, and of one of them the ledger will not store at first that it was found."""

    async def started(unstored: str) -> World:
        copy = deepcopy(ledger)
        assert isinstance(copy, Refusing)
        for name in ("s1", "s2", "s3"):
            assert became(await world.say("SELL_SM" if name == "s2" else "BUY_SM", name=name)) == ("ordered", "")
        with monkeypatch.context() as away:
            away.setattr(world.venue, "recent_orders", _away)
            again = await set_back(world, copy, restart, after=1.0)
            again.comparing.cancel()
        assert adopted(copy) == []
        copy.unstored = unstored
        return again

    return started


@pytest.mark.parametrize("unstored", ["1000", "1001", "1002"])
@pytest.mark.parametrize("first", ["BUY_SM s4", "SELL_SM s2"])
async def test_what_it_did_not_take_over_is_taken_over_before_the_next_entry(
    ledger: MemoryLedger, lose: Lose, first: str, unstored: str
) -> None:
    again = await lose(unstored)
    kind, name = first.split()
    assert became(await again.say(kind, name=name))[0] == "ignored"
    assert became(await again.say("BUY_SM")) == ("ignored", "in_position")
    assert len(again.venue.placed) == 3
    assert again.portfolio.position(StrategyBook("WIFUSDC")) == ledger.positions[StrategyBook("WIFUSDC")]


@pytest.mark.parametrize("unstored", ["1000", "1001", "1002"])
async def test_one_outside_of_the_mailbox_counts_for_nothing_either(lose: Lose, unstored: str) -> None:
    again = await lose(unstored)
    await again.clock.run(again.trading.symbol_halts.check("WIFUSDC"))
    assert became(await again.say("BUY_SM")) == ("ignored", "in_position")
    assert len(again.venue.placed) == 3


async def test_an_exit_that_comes_next_sells_what_it_did_not_take_over(
    lose: Lose,
) -> None:
    again = await lose("1002")
    assert became(await again.say("SELL_SM", name="s2")) == ("ignored", "already_ordered")
    assert became(await again.say("SELL_SM")) == ("ordered", "")
    assert again.venue.placed[-1].qty == Decimal("19.98")


async def test_another_trader_that_it_did_not_store_halts_the_account(world: World, ledger: MemoryLedger) -> None:
    ledger.fail(1, lambda batch: bool(batch.holds))
    await held(world, FOREIGN)
    assert len(ledger.refused) == 1
    assert adopted(ledger) == []


async def test_a_difference_that_it_did_not_store_halts_the_symbol(world: World, ledger: MemoryLedger) -> None:
    await held(world, FOREIGN)
    await accept(world)
    world.venue.foreign.append(replace(FOREIGN, order_id="81", at=NOON + timedelta(seconds=30)))
    world.trading.symbol_halts._looked_at.clear()
    world.comparing.cancel()
    ledger.fail(1, lambda batch: bool(batch.holds))
    assert became(await world.say("BUY_SM")) == ("denied", "held")
    assert len(ledger.refused) == 1
