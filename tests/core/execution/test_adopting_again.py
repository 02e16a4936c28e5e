"""An order that a bug of ours kept from being adopted is reported, halts its symbol, and is retried until it is booked."""

from copy import deepcopy
from decimal import Decimal

import pytest

from core.domain.events.symbol_halts import SymbolHalted
from core.domain.strategy_book import StrategyBook
from core.execution.order_adoption import OrderAdoption, found_message
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from tests.core.conftest import Restart
from tests.core.engine.test_order_executor import became
from tests.core.engine.test_symbol_halts import accept, told
from tests.core.execution.test_account_guard import adopted, compare, set_back
from tests.core.memory_ledger import MemoryLedger
from tests.core.virtual_time import NOON
from tests.core.world import World


class Broken:
    """Adoption with a bug, until it is fixed."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.tried = 0
        self._take_over, self._patch = OrderAdoption.take_over, patch
        patch.setattr(OrderAdoption, "take_over", self._fail)

    async def _fail(self, *_: object) -> None:
        self.tried += 1
        raise KeyError("a bug")

    def mend(self) -> None:
        self._patch.setattr(OrderAdoption, "take_over", self._take_over)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Broken:
    return Broken(monkeypatch)


@pytest.fixture
async def copy(world: World, ledger: MemoryLedger) -> MemoryLedger:
    """Returns a ledger that has lost a purchase."""
    before = deepcopy(ledger)
    await world.say("BUY_SM")
    return before


@pytest.mark.parametrize("restarts", [False, True])
async def test_it_is_told_once_and_taken_over_by_a_later_look(
    world: World, copy: MemoryLedger, restart: Restart, broken: Broken, *, restarts: bool
) -> None:
    again = await set_back(world, copy, restart)
    for _ in range(20):
        again.trading.comparing.want(["WIFUSDC"])
        await again.clock.forward(10)
    assert told(copy) == ["symbol_held"]
    (halt,) = [event for event in copy.events if isinstance(event, SymbolHalted)]
    assert [one.code for one in halt.hold.differences] == ["not_adopted"]
    assert 2 <= broken.tried <= 6
    assert became(await again.say("BUY_SM")) == ("denied", "held")
    if restarts:
        again = await restart(again, copy)
    broken.mend()
    for _ in range(3):
        await again.clock.forward(60)
        await compare(again)
    assert len(adopted(copy)) == 1
    assert told(copy) == ["symbol_held", "symbol_released"]
    assert again.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal("19.98")
    assert became(await again.say("SELL_SM")) == ("ordered", "")


async def test_an_entry_that_comes_first_is_refused(world: World, copy: MemoryLedger, restart: Restart, broken: Broken) -> None:
    again = await set_back(world, copy, restart, after=1.0)
    assert became(await again.say("BUY_SM")) == ("denied", "held")
    assert broken.tried == 1
    broken.mend()
    await again.clock.forward(60)
    await compare(again)
    assert became(await again.say("BUY_SM")) == ("ignored", "in_position")
    assert len(adopted(copy)) == 1
    assert len(again.venue.placed) == 1


async def test_what_it_took_cannot_be_written_off_meanwhile(
    world: World, ledger: MemoryLedger, restart: Restart, broken: Broken
) -> None:
    """Prevents deducting the sale that is still to be booked twice."""
    await world.say("BUY_SM")
    copy = deepcopy(ledger)
    await world.say("SELL_SM")
    again = await set_back(world, copy, restart)
    await compare(again)
    assert became(await accept(again)) == ("denied", "not_adopted")
    broken.mend()
    for _ in range(2):
        await again.clock.forward(60)
        await compare(again)
    assert again.portfolio.position(StrategyBook("WIFUSDC")).qty == 0
    assert again.portfolio.active_halts() == []
    assert len(copy.trades) == 1


async def test_one_that_failed_under_an_older_version_is_tried_again(world: World, copy: MemoryLedger, restart: Restart) -> None:
    (report,) = (await world.venue.recent_orders("WIFUSDC", 1)).reports
    await copy.store([found_message(report, world.clock)])
    await copy.commit(CommitBatch(outcomes=[MessageOutcome(1, "failed", NOON)]))
    again = await set_back(world, copy, restart)
    again.trading.comparing.want(["WIFUSDC"])
    await again.clock.forward(10)
    assert len(adopted(copy)) == 1
    assert copy.holds == {}
