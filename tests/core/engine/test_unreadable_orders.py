"""One unreadable order of ours on the exchange: it halts entries of its symbol and is reported; all others are used."""

from copy import deepcopy
from dataclasses import replace
from decimal import Decimal

import pytest

from core.domain.events.symbol_halts import SymbolHalted
from core.domain.order_state_machine import OrderState
from core.domain.strategy_book import StrategyBook
from core.policy.order_ownership import Ours
from core.reconciliation.spare_capacity import SpareCapacity
from core.reconciliation.symbol_comparison import compare as side_by_side
from tests.core.conftest import Restart
from tests.core.engine.test_order_executor import became
from tests.core.engine.test_symbol_halts import accept, compare, told
from tests.core.execution.test_account_guard import FOREIGN, adopted, set_back
from tests.core.execution.test_pending_exits import hear
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import lost
from tests.core.world import World

ODD = "mf-odd"


@pytest.fixture
def odd(world: World, ledger: MemoryLedger) -> World:
    """Gives the exchange an order of ours in WIFUSDC in an undocumented form."""
    world.venue.foreign.append(replace(FOREIGN, client_order_id=ODD, order_id="4711", mark=ledger.mark))
    world.venue.unreadable.add(ODD)
    return world


def reasons(ledger: MemoryLedger) -> list[tuple[str, str]]:
    halts = [event.hold for event in ledger.events if isinstance(event, SymbolHalted)]
    return [(one.code, one.params.get("order_id", "")) for hold in halts for one in hold.differences]


async def test_an_entry_is_refused_and_its_reason_told_once(odd: World, ledger: MemoryLedger) -> None:
    for _ in range(2):
        assert became(await odd.say("BUY_SM")) == ("denied", "held")
        await compare(odd)
    assert reasons(ledger) == [("orders_unreadable", "4711")]
    assert odd.venue.placed == []
    assert became(await odd.say("BUY_SM", symbol="SOLUSDC", close="1.5")) == ("ordered", "")
    odd.venue.unreadable.clear()
    odd.venue.foreign.clear()
    await compare(odd)
    assert told(ledger) == ["symbol_held", "symbol_released"]
    assert became(await odd.say("BUY_SM")) == ("ordered", "")


async def test_an_exit_goes_on(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    world.venue.unreadable.add(ledger.orders.popitem()[0])
    await compare(world)
    assert world.portfolio.halt_on("WIFUSDC") is not None
    assert became(await world.say("SELL_SM")) == ("ordered", "")


async def test_the_readable_ones_are_used(world: World, ledger: MemoryLedger, restart: Restart) -> None:
    """Adopts the ledger's lost order, and detects another trader, beside it."""
    copy = deepcopy(ledger)
    await world.say("BUY_SM")
    world.venue.foreign.append(replace(FOREIGN, client_order_id=ODD, order_id="4711", mark=ledger.mark))
    world.venue.unreadable.add(ODD)
    again = await set_back(world, copy, restart)
    await compare(again)
    assert len(adopted(copy)) == 1
    assert again.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal("19.98")
    await compare(again)
    assert reasons(copy) == [("orders_unreadable", "4711")]
    again.venue.foreign.append(FOREIGN)
    await compare(again)
    assert again.portfolio.account_halt is not None


async def test_the_owner_may_accept_it_and_it_does_not_halt_again(odd: World, ledger: MemoryLedger, restart: Restart) -> None:
    await odd.say("BUY_SM")
    assert became(await accept(odd)) == ("done", "")
    again = await restart(odd, ledger)
    await compare(again)
    assert became(await again.say("BUY_SM")) == ("ordered", "")
    assert told(ledger) == ["symbol_held", "hold_accepted"]


async def test_it_is_a_difference_of_the_books(odd: World) -> None:
    async def known(_: object) -> dict[str, object]:
        return {}

    found = await side_by_side(
        odd.venue,
        positions=[],
        in_flight=[],
        symbols={"WIFUSDC"},
        instruments={"WIFUSDC": odd.venue.rules["WIFUSDC"]},
        known=known,  # type: ignore[arg-type]
        spare_capacity=SpareCapacity(odd.clock),
        ours=Ours(odd.portfolio.mark, {}),
    )
    assert [one for one in found.differences if "4711" in one]


async def test_one_that_may_be_ours_is_no_proof_that_ours_was_never_placed(world: World, ledger: MemoryLedger) -> None:
    """Finds another program's order under the name that we sent, and an unreadable one under the same name."""
    world.venue.next(lost(executed=True, visible_after=60))
    await hear(world, "BUY_SM")
    (name,) = ledger.orders
    world.venue.unreadable.add(name)
    find = world.venue.find_order

    async def theirs(symbol: str, client_order_id: str) -> object:
        await find(symbol, client_order_id)
        return replace(FOREIGN, client_order_id=client_order_id)

    world.venue.find_order = theirs  # type: ignore[method-assign, assignment]
    await world.clock.forward(120)
    assert ledger.orders[name].state is OrderState.UNKNOWN
    world.venue.unreadable.clear()
    await world.clock.forward(10)
    assert ledger.orders[name].state is OrderState.FILLED
