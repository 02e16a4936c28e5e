"""An exit of /panic is retried until it is done or cancelled, whatever the exchange does meanwhile; still one order at a time."""

from datetime import timedelta
from decimal import Decimal

import pytest

from core.domain.events.orders import OrderExecuted
from core.domain.events.priority import Priority
from core.domain.events.signals import ExitPending, SignalRefused
from core.domain.messages import ManualInstruction, Message, SignalReceived
from core.domain.order import NotTaken, Rejected
from core.domain.reasons import reason
from core.domain.signal import BY_HAND, PANIC, Side, Signal
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Pause
from tests.core.conftest import OpenWorld, Restart
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import lost, refused
from tests.core.world import World

AWAY = NotTaken(reason("unreachable", detail="connection refused"))
TOO_LITTLE = Rejected(reason("filter_failure", filter="NOTIONAL"))


@pytest.fixture
async def world(open_world: OpenWorld) -> World:
    """Holds WIF, and pauses everything."""
    world = await open_world()
    await world.say("BUY_SM")
    await world.set(pause=Pause.ALL)
    return world


async def panic(world: World, kind: str = PANIC, name: str = "confirm:1") -> None:
    """Stores a panic exit; its outcome comes later."""
    now = world.clock.now()
    signal = Signal(BY_HAND, name, kind, "WIFUSDC", world.portfolio.position(StrategyBook("WIFUSDC")).average_cost, now)
    body = SignalReceived(signal, ManualInstruction(7, "Ann"))
    await world.clock.run(world.inbox.ask_all([Message(BY_HAND, name, "WIFUSDC", body, now)]))


def is_held(world: World) -> bool:
    return world.portfolio.position(StrategyBook("WIFUSDC")).is_open


@pytest.mark.parametrize("kind", [PANIC, "SELL_MANUAL"])
async def test_only_a_panic_outlasts_an_exchange_that_is_away_for_minutes(world: World, kind: str) -> None:
    world.venue.next(*[refused(AWAY)] * 200)
    await panic(world, kind)
    await world.clock.forward(700)
    world.venue.courses.clear()
    await world.clock.forward(1_000)
    assert is_held(world) is (kind != PANIC)
    assert len(world.venue.executed) == 1 + (kind == PANIC)
    assert not world.portfolio.in_flight


async def test_the_owner_is_told_once_that_it_waits(world: World, ledger: MemoryLedger) -> None:
    world.venue.next(*[refused(AWAY)] * 30)
    await panic(world)
    await world.clock.forward(30)
    (waits,) = [event for event in ledger.events if isinstance(event, ExitPending)]
    assert waits.reason == AWAY.reason
    await world.clock.forward(900)
    assert not is_held(world)
    assert [event.kind for event in ledger.events][-2:] == ["exit_waits", "order_executed"]


async def test_a_ban_is_told_at_once_and_outlasted(world: World, ledger: MemoryLedger) -> None:
    world.venue.next(*[refused(NotTaken(reason("banned", seconds=600), retry_after=600))] * 5)
    await panic(world)
    await world.clock.quiet()
    assert isinstance(ledger.events[-1], ExitPending)
    assert ledger.events[-1].until is None
    await world.clock.forward(2000)
    assert not is_held(world)


@pytest.mark.parametrize(("kind", "priority"), [(PANIC, Priority.URGENT), ("SELL_MANUAL", Priority.NORMAL)])
async def test_what_it_sold_is_told_before_everything_else(
    world: World, ledger: MemoryLedger, kind: str, priority: Priority
) -> None:
    await panic(world, kind)
    await world.clock.quiet()
    sold = ledger.events[-1]
    assert isinstance(sold, OrderExecuted)
    assert sold.priority is priority


async def test_silence_is_outlasted_too(world: World) -> None:
    world.venue.next(lost(executed=False))
    await panic(world)
    world.venue.unavailable = True
    await world.clock.forward(300)
    assert is_held(world)
    world.venue.unavailable = False
    await world.clock.forward(60)
    assert not is_held(world)
    assert len(world.venue.executed) == 2


async def test_what_waited_long_in_its_mailbox_is_sold(open_world: OpenWorld) -> None:
    world = await open_world()
    world.venue.next(lost(executed=True, visible_after=300))
    await world.clock.run(world.inbox.deliver([world.said(world.signal("BUY_SM"))]))
    world.venue.unavailable = True
    await world.clock.forward(1)
    await world.set(pause=Pause.ALL)
    await panic(world)
    await world.clock.forward(400)
    world.venue.unavailable = False
    await world.clock.forward(60)
    assert len(world.venue.executed) == 2
    assert not is_held(world)


async def test_resuming_takes_it_back(world: World, ledger: MemoryLedger) -> None:
    world.venue.next(*[refused(AWAY)] * 100)
    await panic(world)
    await world.clock.forward(120)
    await world.set(pause=Pause.OFF)
    await world.clock.forward(60)
    assert not world.portfolio.in_flight
    assert is_held(world)
    told = ledger.events[-1]
    assert isinstance(told, SignalRefused)
    assert str(told.reason) == "the panic was cancelled"
    placed = len(world.venue.placed)
    await world.clock.forward(600)
    assert len(world.venue.placed) == placed


async def test_a_restart_goes_on_with_it(world: World, ledger: MemoryLedger, restart: Restart) -> None:
    world.venue.next(*[refused(AWAY)] * 12)
    await panic(world)
    await world.clock.forward(100)
    await world.crash()
    await world.clock.forward(timedelta(hours=1).total_seconds())
    after = await restart(world, ledger)
    await after.clock.forward(120)
    assert not is_held(after)
    assert len(world.venue.executed) == 2


async def test_another_source_cannot_pass_for_a_panic(world: World) -> None:
    await world.say(PANIC, age=3600)
    assert is_held(world)


async def test_what_is_too_little_to_sell_ends_it_and_is_told(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    """The exchange goes by the average of some minutes, so it is asked once; then only a higher price would help."""
    world = await open_world(trade_qty=Decimal(11))
    await world.say("BUY_SM")
    await world.set(pause=Pause.ALL)
    world.venue.prices["WIFUSDC"] = Decimal("0.44")
    world.venue.next(*[refused(TOO_LITTLE)] * 50)
    await world.clock.forward(5)
    await panic(world)
    await world.clock.forward(30)
    assert [request.side for request in world.venue.placed] == [Side.BUY, Side.SELL]
    assert is_held(world)
    assert world.portfolio.exits == {}
    told = ledger.events[-1]
    assert isinstance(told, SignalRefused)
    assert (told.outcome, told.reason.code) == ("denied", "too_little_to_sell")
    assert (told.lost_exit, told.priority) == (True, Priority.URGENT)
    assert told.reason.params == {"qty": "10.98", "base": "WIF", "value": "4.83", "quote": "USDC", "minimum": "5"}


async def test_what_is_worth_enough_now_is_sold_once_the_exchanges_average_has_followed(open_world: OpenWorld) -> None:
    world = await open_world(trade_qty=Decimal(11))
    await world.say("BUY_SM")
    await world.set(pause=Pause.ALL)
    world.venue.next(*[refused(TOO_LITTLE)] * 12)
    await panic(world)
    await world.clock.forward(600)
    assert not is_held(world)
