"""The first sending of an old signal: a request that an earlier process sent may arrive after the exchange was asked about it."""

from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from core.domain.errors import ExchangeUnavailable
from core.domain.events.orders import OrderFailed
from core.domain.order import ExecutionReport, OrderRequest
from core.domain.order_state_machine import OrderState
from core.domain.reasons import reason
from core.domain.signal import BY_HAND, Side, Signal, client_order_id
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Pause
from core.execution.fence import FENCE_MARGIN
from core.records.commit_batch import CommitBatch
from tests.core.conftest import OpenWorld, Restart
from tests.core.engine.test_order_executor import became
from tests.core.execution.test_unanswered import told
from tests.core.memory_ledger import MemoryLedger
from tests.core.virtual_time import VirtualClock
from tests.core.world import World

FENCE = 3 + FENCE_MARGIN.total_seconds()
"""Seconds from the start of a process until nothing that an earlier one sent can arrive: the scripted venue's lifetime of a
request, and the margin."""


async def hear(world: World, signal: Signal) -> None:
    """Delivers a signal and lets no time pass."""
    await world.clock.run(world.inbox.deliver([world.said(signal)]))
    await world.clock.quiet()


def on_its_way(world: World, signal: Signal, qty: str) -> OrderRequest:
    """Returns the request of an earlier process for `signal`, which has not arrived yet."""
    return OrderRequest(client_order_id(signal), signal.symbol, signal.side, Decimal(qty), world.portfolio.mark)


def sent_after(world: World, start: datetime) -> list[float]:
    """Returns the seconds from `start` to each order that arrived since."""
    return [round((at - start).total_seconds(), 3) for at in world.venue.placed_at if at >= start]


@pytest.fixture
async def holding(world: World) -> World:
    """Returns a process that holds what it bought a minute ago."""
    await world.say("BUY_SM")
    await world.clock.forward(60)
    return world


async def test_an_entry_on_its_way_that_arrives_after_the_question_is_the_only_one(
    world: World, ledger: MemoryLedger, restart: Restart, clock: VirtualClock
) -> None:
    signal = world.signal("BUY_SM")
    await clock.forward(2)
    again = await restart(world, deepcopy(ledger))
    await hear(again, signal)
    assert len(again.venue.asked_at) == 1
    await clock.forward(4)
    await clock.run(again.venue.place(on_its_way(again, signal, "20")))
    await clock.forward(30)
    assert again.venue.executed == [client_order_id(signal)]
    assert again.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal("19.98")


async def test_an_exit_on_its_way_that_arrives_after_the_question_is_the_only_one(
    holding: World, ledger: MemoryLedger, restart: Restart, clock: VirtualClock
) -> None:
    signal = holding.signal("SELL_SM")
    await clock.forward(2)
    again = await restart(holding, copy := deepcopy(ledger))
    before = len(copy.events)
    await hear(again, signal)
    await clock.forward(4)
    await clock.run(again.venue.place(on_its_way(again, signal, "19.98")))
    await clock.forward(30)
    assert again.venue.executed[1:] == [client_order_id(signal)]
    assert not again.portfolio.position(StrategyBook("WIFUSDC")).is_open
    assert again.portfolio.exits == {}
    assert told(copy)[before:] == ["order_adopted", "order_executed", "signal_refused"]  # it is over: already ordered


async def test_an_order_on_its_way_under_another_id_is_seen_as_well(
    holding: World, ledger: MemoryLedger, restart: Restart, clock: VirtualClock
) -> None:
    """Sells a position twice, were only the id of the second exit asked for: there are more coins on the account."""
    holding.venue.more["WIF"] = Decimal(100)
    first, second = holding.signal("SELL_SM"), holding.signal("SELL_SM")
    await clock.forward(2)
    again = await restart(holding, deepcopy(ledger))
    await hear(again, second)
    await clock.forward(4)
    await clock.run(again.venue.place(on_its_way(again, first, "19.98")))
    await clock.forward(30)
    assert again.venue.executed[1:] == [client_order_id(first)]
    assert not again.portfolio.position(StrategyBook("WIFUSDC")).is_open


async def test_what_the_exchange_has_is_booked_before_an_exit_that_was_never_sent_is_sent(
    holding: World, ledger: MemoryLedger, restart: Restart, clock: VirtualClock
) -> None:
    """Sells a position twice, were the exit of the earlier process sent before the sale that was taken over is booked."""
    holding.venue.more["WIF"] = Decimal(100)
    first, second = holding.signal("SELL_SM"), holding.signal("SELL_SM")
    report = await clock.run(holding.venue.place(on_its_way(holding, first, "19.98")))
    assert isinstance(report, ExecutionReport)
    (bought,) = (order for order in ledger.orders.values() if order.side is Side.BUY)
    wanted = replace(
        bought,
        client_order_id=client_order_id(second),
        signal=second,
        side=Side.SELL,
        qty=Decimal("19.98"),
        state=OrderState.SUBMITTED,
        order_id=None,
        executed_qty=Decimal(0),
        quote_qty=Decimal(0),
    )
    taken_over = replace(
        wanted, client_order_id=client_order_id(first), signal=first, state=OrderState.ACCEPTED, order_id=report.order_id
    )
    await ledger.commit(CommitBatch(orders=[wanted, taken_over]))
    again = await restart(holding, ledger)
    await clock.forward(30)
    assert again.venue.executed[1:] == [client_order_id(first)]
    assert not again.portfolio.position(StrategyBook("WIFUSDC")).is_open
    assert not again.portfolio.in_flight


async def test_an_exit_waits_no_longer_than_it_must_and_nobody_is_told(
    holding: World, ledger: MemoryLedger, restart: Restart, clock: VirtualClock
) -> None:
    signal = holding.signal("SELL_SM")
    await clock.forward(2)
    again = await restart(holding, ledger)
    start, before = clock.now(), len(ledger.events)
    await hear(again, signal)
    await clock.forward(30)
    (after,) = sent_after(again, start)
    assert FENCE < after <= FENCE + 0.5
    assert told(ledger)[before:] == ["order_executed"]


async def test_an_entry_waits_no_longer_than_it_must_and_nobody_is_told(
    world: World, ledger: MemoryLedger, restart: Restart, clock: VirtualClock
) -> None:
    signal = world.signal("BUY_SM")
    await clock.forward(2)
    again, start = await restart(world, ledger), clock.now()
    await hear(again, signal)
    await clock.forward(30)
    (after,) = sent_after(again, start)
    assert FENCE < after <= FENCE + 0.5
    assert told(ledger) == ["order_executed"]


async def test_a_start_that_took_some_seconds_waits_for_the_rest_and_later_nothing_waits(
    world: World, ledger: MemoryLedger, restart: Restart, clock: VirtualClock
) -> None:
    first, second = world.signal("BUY_SM"), world.signal("BUY_SM", symbol="SOLUSDC", close="1.5")
    await clock.forward(2)
    again, start = await restart(world, ledger), clock.now()
    await clock.forward(4)
    await hear(again, first)
    await clock.forward(2)
    (after,) = sent_after(again, start)
    assert FENCE < after <= FENCE + 0.5
    await hear(again, second)
    assert sent_after(again, start) == [after, 6.0]


async def test_a_new_signal_goes_at_once(world: World, ledger: MemoryLedger, restart: Restart, clock: VirtualClock) -> None:
    await clock.forward(2)
    again, start = await restart(world, ledger), clock.now()
    assert became(await again.say("BUY_SM")) == ("ordered", "")
    assert sent_after(again, start) == [0.0]


async def test_what_a_person_orders_after_the_start_goes_at_once(
    holding: World, ledger: MemoryLedger, restart: Restart, clock: VirtualClock
) -> None:
    again, start = await restart(holding, ledger), clock.now()
    await hear(again, replace(again.signal("SELL_MANUAL"), source=BY_HAND))
    assert sent_after(again, start) == [0.0]


async def test_what_protects_a_position_stays_while_its_exit_waits(
    open_world: OpenWorld, ledger: MemoryLedger, restart: Restart, clock: VirtualClock
) -> None:
    world = await open_world(stop_loss_pct=Decimal(5))
    await world.say("BUY_SM")
    signal = world.signal("SELL_SM")
    await clock.forward(2)
    again = await restart(world, ledger)
    await hear(again, signal)
    await clock.forward(FENCE - 0.5)
    assert again.venue.cancelled == []
    assert len(again.portfolio.resting_for(StrategyBook("WIFUSDC"))) == 1
    await clock.forward(2)
    assert again.venue.placed[-1].client_order_id == client_order_id(signal)
    assert not again.portfolio.position(StrategyBook("WIFUSDC")).is_open


async def test_an_exit_waits_as_well_where_the_exchange_answers_no_question_about_orders(
    holding: World, ledger: MemoryLedger, restart: Restart, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(_symbol: str, _name: str) -> None:
        raise ExchangeUnavailable("HTTP 503")

    signal = holding.signal("SELL_SM")
    await clock.forward(2)
    again, start = await restart(holding, ledger), clock.now()
    monkeypatch.setattr(again.venue, "find_order", busy)
    await hear(again, signal)
    await clock.forward(60)
    (after,) = sent_after(again, start)
    assert FENCE < after < FENCE + 5


async def test_an_exit_waits_for_an_exchange_that_is_away_and_then_no_longer(
    holding: World, ledger: MemoryLedger, restart: Restart, clock: VirtualClock
) -> None:
    signal = holding.signal("SELL_SM")
    await clock.forward(2)
    again = await restart(holding, ledger)
    again.venue.unavailable = True
    await hear(again, signal)
    await clock.forward(60)
    again.venue.unavailable, back = False, clock.now()
    await clock.forward(60)
    assert len(sent_after(again, back)) == 1
    assert again.venue.executed[1:] != []


async def test_an_entry_that_cannot_be_asked_about_fails_with_a_word_on_one_on_its_way(
    world: World, ledger: MemoryLedger, restart: Restart, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(_symbol: str, _name: str) -> None:
        raise ExchangeUnavailable("busy")

    signal = world.signal("BUY_SM")
    await clock.forward(2)
    again = await restart(world, copy := deepcopy(ledger))
    monkeypatch.setattr(again.venue, "find_order", busy)
    await hear(again, signal)
    await clock.forward(90)
    (failed,) = [event for event in copy.events if isinstance(event, OrderFailed)]
    assert failed.order.reason == reason("earlier_on_its_way")


async def test_our_own_clock_has_no_part_in_it(world: World, ledger: MemoryLedger, restart: Restart, clock: VirtualClock) -> None:
    signal = world.signal("BUY_SM")
    await clock.forward(2)
    again, start = await restart(world, ledger), clock.monotonic()
    await hear(again, signal)
    clock.step(20)
    again.venue.ahead -= timedelta(seconds=20)
    await clock.forward(FENCE - 0.5)
    assert again.venue.placed == []
    await clock.forward(2)
    assert len(again.venue.placed) == 1
    assert clock.monotonic() - start < FENCE + 2


async def test_an_exit_that_a_plan_of_before_makes_waits(
    open_world: OpenWorld, ledger: MemoryLedger, restart: Restart, clock: VirtualClock
) -> None:
    """Makes an exit that is new by its date: the process before may have made the same one."""
    world = await open_world(time_limit=timedelta(seconds=63))
    await world.say("BUY_SM")
    await clock.forward(62)
    again, start = await restart(world, ledger), clock.now()
    await clock.forward(30)
    (after,) = sent_after(again, start)
    assert FENCE < after <= FENCE + 0.5
    assert [one.side for one in again.venue.placed] == [Side.BUY, Side.SELL]


async def test_an_entry_is_decided_anew_where_the_answer_about_an_earlier_one_took_long(
    world: World, ledger: MemoryLedger, restart: Restart, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal = world.signal("BUY_SM")
    await clock.forward(2)
    again = await restart(world, deepcopy(ledger))
    find = again.venue.find_order

    async def slow(symbol: str, client_order_id: str) -> ExecutionReport | None:
        await clock.sleep(6)
        return await find(symbol, client_order_id)

    monkeypatch.setattr(again.venue, "find_order", slow)
    await hear(again, signal)
    await clock.forward(12)  # it was decided on a moment ago, and the second question is under way
    await again.set(pause=Pause.ALL)
    await clock.forward(30)
    assert again.venue.placed == []


async def test_an_entry_on_its_way_that_a_ledger_set_back_would_not_make_again_keeps_the_next_one_waiting(
    holding: World, ledger: MemoryLedger, restart: Restart, clock: VirtualClock
) -> None:
    """The ledger has forgotten a sale, and so ignores the signal whose order comes after that."""
    first = holding.signal("BUY_SM")
    await clock.forward(2)
    again = await restart(holding, deepcopy(ledger))
    await hear(again, first)
    await clock.forward(0.5)
    await again.say("SELL_SM")
    before = len(again.venue.executed)
    await hear(again, again.signal("BUY_SM"))
    await clock.forward(2)
    assert len(again.venue.executed) == before
    await clock.run(again.venue.place(on_its_way(again, first, "20")))
    await clock.forward(30)
    assert again.venue.executed[before:] == [client_order_id(first)]
    assert again.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal("19.98")


@pytest.mark.parametrize("behind", [40, 50, 3600])
async def test_a_clock_that_was_set_back_during_the_start_makes_no_old_signal_new(
    world: World, ledger: MemoryLedger, restart: Restart, clock: VirtualClock, behind: int
) -> None:
    """Buys twice, were the start of the process known by its own clock at that moment alone: a ledger that was set back has
    forgotten what an earlier process did for the signal."""
    forgotten, signal = deepcopy(ledger), world.signal("BUY_SM")
    await hear(world, signal)
    await world.say("SELL_SM")
    await clock.forward(2)
    clock.step(-behind)
    again = await restart(world, forgotten)
    await clock.forward(12)
    clock.step(behind)
    for side in ("BUY_SM", "SELL_SM"):  # the symbol's orders are looked at, and taken over, for what comes first
        await again.say(side)
    await hear(again, signal)
    await clock.forward(30)
    assert [one.client_order_id for one in again.venue.placed].count(client_order_id(signal)) == 1
    assert again.portfolio.active_halts() == []


@pytest.mark.parametrize(("watched", "waits"), [(30, 0), (FENCE - 2, 2), (None, FENCE)])
async def test_an_old_signal_waits_for_nothing_where_the_ledger_has_all_that_may_be_on_its_way(
    holding: World, ledger: MemoryLedger, restart: Restart, watched: float | None, waits: float
) -> None:
    """The process watched the ledger for so many seconds, as the standby of the one before."""
    clock, signal = holding.clock, holding.signal("SELL_SM")
    await clock.forward(2)
    start, asked = clock.now(), len(holding.venue.asked_at)
    again = await restart(holding, ledger, complete_since=clock.monotonic() - watched if watched is not None else None)
    await hear(again, signal)
    await clock.forward(30)
    (sent,) = sent_after(again, start)
    assert waits <= sent <= waits + 0.2
    assert len(again.venue.asked_at) == asked + 1
    assert again.venue.executed[1:] == [client_order_id(signal)]
