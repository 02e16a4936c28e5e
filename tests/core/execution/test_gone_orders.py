"""An unanswered order whose symbol is delisted: retried for a while, then reported once, and nothing is guessed."""

from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy

import pytest

from core.domain.errors import ExchangeUnavailable, SymbolUnknown
from core.domain.events.orders import OrderAdopted, OrderFailed
from core.domain.instrument import Instrument
from core.domain.order import Fill
from core.domain.order_state_machine import OrderState
from core.domain.signal import Side
from core.domain.strategy_book import StrategyBook
from tests.core.conftest import Restart
from tests.core.engine.test_order_executor import became
from tests.core.engine.test_symbol_halts import compare
from tests.core.execution.test_pending_exits import hear, is_held
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import Course, lost
from tests.core.world import World

FOR_GOOD = 700.0


def ends(ledger: MemoryLedger) -> list[tuple[str, str]]:
    failed = [event for event in ledger.events if isinstance(event, OrderFailed)]
    return [(event.order.side, event.order.reason.code if event.order.reason else "") for event in failed]


async def left_open(world: World, kind: str) -> None:
    """Leaves an order without an answer, and delists its symbol before it shows."""
    world.venue.next(lost(executed=True, visible_after=3))
    await hear(world, kind)
    world.venue.delisted.add("WIFUSDC")


@pytest.mark.parametrize("restarts", [False, True])
async def test_it_is_asked_about_for_a_while_and_told_once(
    world: World, ledger: MemoryLedger, restart: Restart, *, restarts: bool
) -> None:
    await left_open(world, "BUY_SM")
    if restarts:
        await world.crash()
        world = await restart(world, ledger)
    await world.clock.forward(FOR_GOOD)
    assert world.portfolio.in_flight == {}
    assert ends(ledger) == [("BUY", "fate_unknown")]
    assert world.portfolio.position(StrategyBook("WIFUSDC")).qty == 0
    asked = len(world.venue.asked_at)
    assert asked < 30
    await world.clock.forward(FOR_GOOD)
    assert len(world.venue.asked_at) == asked
    assert ends(ledger) == [("BUY", "fate_unknown")]


async def test_it_is_not_given_up_while_the_list_of_all_symbols_cannot_be_read(
    world: World, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreadable(_symbols: Collection[str] | None) -> Mapping[str, Instrument]:
        raise ExchangeUnavailable("no answer in time")

    await left_open(world, "BUY_SM")
    with monkeypatch.context() as away:
        away.setattr(world.venue, "instruments", unreadable)
        await world.clock.forward(FOR_GOOD)
        assert ends(ledger) == []
    await world.clock.forward(FOR_GOOD)
    assert ends(ledger) == [("BUY", "fate_unknown")]


async def test_nobody_is_kept_waiting_behind_it(world: World) -> None:
    await left_open(world, "BUY_SM")
    await hear(world, "BUY_SM")
    assert len(world.inbox) == 2
    await world.clock.forward(FOR_GOOD)
    assert len(world.inbox) == 0


async def sold_without_an_answer(world: World) -> None:
    await world.say("BUY_SM")
    await left_open(world, "SELL_SM")
    await world.clock.forward(FOR_GOOD)


async def test_a_position_is_kept_as_it_was_and_its_exit_is_over(world: World, ledger: MemoryLedger) -> None:
    await sold_without_an_answer(world)
    assert is_held(world)
    assert world.portfolio.exits == {}
    assert ends(ledger) == [("SELL", "fate_unknown")]


@pytest.mark.parametrize("looked_at", [False, True])
async def test_a_symbol_that_comes_back_has_its_order_booked_and_nothing_is_sold_twice(
    world: World, ledger: MemoryLedger, *, looked_at: bool
) -> None:
    await sold_without_an_answer(world)
    world.venue.delisted.clear()
    await world.clock.forward(11)
    if looked_at:
        await compare(world)
        assert not is_held(world)
    assert became(await world.say("SELL_SM")) == ("ignored", "no_position")
    assert not is_held(world)
    (adopted,) = [event.order for event in ledger.events if isinstance(event, OrderAdopted)]
    assert ledger.orders[adopted.client_order_id].state is OrderState.FILLED
    assert [request.side for request in world.venue.placed] == [Side.BUY, Side.SELL]


async def test_a_lost_order_that_rests_where_its_symbol_goes_is_told_once_too(
    world: World, ledger: MemoryLedger, restart: Restart
) -> None:
    copy = deepcopy(ledger)
    world.venue.next(Course(final_after=5_000))
    await hear(world, "BUY_SM")
    await world.crash()
    again = await restart(world, copy)
    await compare(again)
    assert again.portfolio.in_flight
    world.venue.delisted.add("WIFUSDC")
    await again.clock.forward(FOR_GOOD)
    assert ends(copy) == [("BUY", "fate_unknown")]
    assert again.portfolio.in_flight == {}
    assert again.portfolio.position(StrategyBook("WIFUSDC")).qty == 0


async def test_one_that_is_gone_for_a_few_minutes_is_settled_as_ever(world: World, ledger: MemoryLedger) -> None:
    await left_open(world, "BUY_SM")
    await world.clock.forward(300)
    world.venue.delisted.clear()
    await world.clock.forward(70)
    assert is_held(world)
    assert ends(ledger) == []


async def test_an_exchange_that_is_away_or_contradicts_itself_ends_nothing(
    world: World, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.venue.next(lost(executed=True, visible_after=3))
    await hear(world, "BUY_SM")
    world.venue.unavailable = True
    await world.clock.forward(2000)
    assert world.portfolio.in_flight
    world.venue.unavailable = False

    async def unknown(symbol: str, _: str) -> None:
        raise SymbolUnknown("HTTP 400, code -1121: Invalid symbol.")

    with monkeypatch.context() as odd:  # the symbol is listed all the same
        odd.setattr(world.venue, "find_order", unknown)
        await world.clock.forward(2000)
        assert world.portfolio.in_flight
    await world.clock.forward(70)
    assert is_held(world)
    assert ends(ledger) == []


async def test_nothing_is_entered_where_the_exchange_contradicts_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists the symbol, but denies knowing it when asked for its orders."""

    async def unknown(symbol: str, _: int) -> None:
        raise SymbolUnknown("HTTP 400, code -1121: Invalid symbol.")

    monkeypatch.setattr(world.venue, "recent_orders", unknown)
    assert became(await world.say("BUY_SM")) == ("denied", "not_compared")
    monkeypatch.undo()
    assert became(await world.say("BUY_SM")) == ("ordered", "")


async def test_one_whose_fills_can_be_read_no_more_is_told_too(
    world: World, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(symbol: str, _: str) -> Sequence[Fill]:
        world.venue.delisted.add(symbol)
        raise SymbolUnknown("HTTP 400, code -1121: Invalid symbol.")

    monkeypatch.setattr(world.venue, "fills", gone)
    world.venue.next(lost(executed=True))
    await hear(world, "BUY_SM")
    await world.clock.forward(FOR_GOOD)
    assert ends(ledger) == [("BUY", "fate_unknown")]
    assert world.portfolio.in_flight == {}
