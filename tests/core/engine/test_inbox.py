"""Stored, ordered, one mailbox per symbol: nothing is dropped, nothing overtakes, nobody waits for another symbol."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from core.domain.arrival import Arrival
from core.domain.errors import LedgerUnavailable
from core.domain.messages import ControlsRequested, DeadLetter, Message, SourcePosition
from core.domain.order_state_machine import OrderState
from core.domain.signal import Side
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Pause
from tests.core.conftest import OpenWorld, Restart
from tests.core.engine.test_order_executor import became
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import Course
from tests.core.virtual_time import NOON
from tests.core.world import World


async def test_a_sell_that_comes_while_its_buy_is_under_way_waits_its_turn(world: World) -> None:
    gate = asyncio.Event()
    world.venue.next(Course(gate=gate))
    await world.inbox.deliver([world.said(world.signal("BUY_SM")), world.said(world.signal("SELL_SM"))])
    await world.clock.forward(20)
    assert [request.side for request in world.venue.placed] == [Side.BUY]
    assert len(world.inbox) == 2
    gate.set()
    await world.clock.quiet()
    assert [request.side for request in world.venue.placed] == [Side.BUY, Side.SELL]
    assert world.venue.placed[1].qty == Decimal("19.98")
    assert len(world.inbox) == 0


async def test_messages_are_handled_in_the_order_of_their_commits_whoever_runs_first_afterwards(
    world: World, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, store = asyncio.Event(), ledger.store

    async def wakes_late(messages: Sequence[Message], **more: Any) -> Sequence[Arrival]:
        stored = await store(messages, **more)
        if len(ledger.messages) == 1:
            await slow.wait()
        return stored

    monkeypatch.setattr(ledger, "store", wakes_late)
    resume, pause = (world.message(ControlsRequested(7, "Ann", each), "") for each in (Pause.OFF, Pause.ALL))
    resuming = asyncio.create_task(world.inbox.ask(resume))
    await world.clock.quiet()
    await world.clock.run(world.inbox.ask(pause))
    slow.set()
    assert became(await resuming) == ("done", "")
    assert world.portfolio.trading_state.pause is Pause.ALL


async def test_what_was_stored_is_handled_though_its_source_waits_no_longer(
    world: World, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ledger.store

    async def never_answers(messages: Sequence[Message], **more: Any) -> Sequence[Arrival]:
        await store(messages, **more)
        return await asyncio.Future()

    monkeypatch.setattr(ledger, "store", never_answers)
    delivering = asyncio.create_task(world.inbox.deliver([world.said(world.signal("BUY_SM"))]))
    await world.clock.quiet()
    delivering.cancel()
    await world.clock.quiet()
    assert world.portfolio.position(StrategyBook("WIFUSDC")).is_open


async def test_a_symbol_that_hangs_does_not_hold_up_another(world: World) -> None:
    gate = asyncio.Event()
    world.venue.next(Course(gate=gate))
    await world.inbox.deliver([world.said(world.signal("BUY_SM"))])
    await world.clock.quiet()
    assert became(await world.say("BUY_SM", symbol="SOLUSDC", close="1.5")) == ("ordered", "")
    assert world.portfolio.position(StrategyBook("SOLUSDC")).is_open
    assert not world.portfolio.position(StrategyBook("WIFUSDC")).is_open
    gate.set()
    await world.clock.quiet()
    assert world.portfolio.position(StrategyBook("WIFUSDC")).is_open


async def test_two_symbols_cannot_both_take_the_last_place(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    world = await open_world(max_open_positions=1)
    signals = [world.signal("BUY_SM"), world.signal("BUY_SM", symbol="SOLUSDC", close="1.5")]
    await world.inbox.deliver([world.said(signal) for signal in signals])
    await world.clock.quiet()
    assert len(world.venue.placed) == 1
    assert sorted(outcome.outcome for outcome in ledger.outcomes.values()) == ["denied", "ordered"]
    denied = next(outcome.reason for outcome in ledger.outcomes.values() if outcome.reason)
    assert str(denied) == "open positions: 1, the limit is 1"


async def test_a_place_is_free_again_when_its_intent_could_not_be_committed(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    world = await open_world(max_open_positions=1)
    ledger.fail(1)
    await world.inbox.deliver([world.said(world.signal("BUY_SM"))])
    await world.clock.quiet()
    assert world.venue.placed == []
    assert became(await world.say("BUY_SM", symbol="SOLUSDC", close="1.5")) == ("ordered", "")
    await world.clock.forward(5)
    assert [request.symbol for request in world.venue.placed] == ["SOLUSDC"]


async def test_a_place_stays_taken_while_nobody_knows_about_the_order(open_world: OpenWorld) -> None:
    world = await open_world(max_open_positions=1)
    world.venue.next(Course(final_after=60))
    await world.inbox.deliver([world.said(world.signal("BUY_SM"))])
    await world.clock.forward(5)
    assert became(await world.say("BUY_SM", symbol="SOLUSDC", close="1.5")) == ("denied", "open_positions")
    await world.clock.forward(60)
    assert world.portfolio.count_open(besides="") == 1


async def test_a_full_inbox_makes_its_source_wait_and_drops_nothing(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    world = await open_world(capacity=2)
    gate = asyncio.Event()
    world.venue.next(Course(gate=gate))
    kinds = ["BUY_SM", "SELL_SM", "BUY_SM", "SELL_SM", "BUY_SM"]

    async def bring() -> None:
        for kind in kinds:
            await world.inbox.deliver([world.said(world.signal(kind))])

    source = asyncio.create_task(bring())
    await world.clock.forward(5)
    assert not source.done()
    assert len(ledger.messages) == 2
    gate.set()
    await world.clock.run(source)
    await world.clock.quiet()
    assert [request.side.value + "_SM" for request in world.venue.placed] == kinds
    assert len(ledger.outcomes) == 5


async def test_an_answer_from_a_person_is_taken_though_the_inbox_is_full(open_world: OpenWorld) -> None:
    world = await open_world(capacity=1)
    gate = asyncio.Event()
    world.venue.next(Course(gate=gate))
    await world.inbox.deliver([world.said(world.signal("BUY_SM"))])
    await world.clock.quiet()
    assert became(await world.set()) == ("done", "")
    gate.set()


async def test_closing_settles_what_is_in_hand_and_leaves_the_rest_to_the_next_process(
    world: World, ledger: MemoryLedger, restart: Restart
) -> None:
    gate = asyncio.Event()
    world.venue.next(Course(gate=gate))
    await world.inbox.deliver([world.said(world.signal("BUY_SM")), world.said(world.signal("SELL_SM"))])
    await world.clock.quiet()
    closing = asyncio.create_task(world.inbox.close())
    await world.clock.forward(5)
    assert not closing.done()
    gate.set()
    await world.clock.run(closing)
    assert [order.state for order in ledger.orders.values()] == [OrderState.FILLED]
    assert [stored.message.body for stored in (await ledger.load("2026-03-01")).waiting] != []
    again = await restart(world, ledger)
    await world.clock.forward(6)  # an order of the earlier process may arrive until then
    assert [request.side for request in again.venue.placed] == [Side.BUY, Side.SELL]
    assert (await ledger.load("2026-03-01")).waiting == []


async def test_what_comes_after_closing_is_stored_and_not_handled(world: World, ledger: MemoryLedger) -> None:
    await world.close()
    await world.inbox.deliver([world.said(world.signal("BUY_SM"))])
    await world.clock.quiet()
    assert world.venue.placed == []
    assert len(ledger.messages) == 1


async def test_dead_letters_are_stored_with_the_position_and_told_once(world: World, ledger: MemoryLedger) -> None:
    dead = [DeadLetter("kafka:t", f"t/0/{number}", "not JSON", b"{", NOON) for number in range(3)]
    position = SourcePosition("kafka:t", 0, 3)
    await world.inbox.deliver([], dead, position)
    assert (ledger.dead, ledger.source_positions) == (dead, [position])
    assert [event.kind for event in ledger.events] == ["dead_letters"]


async def test_a_repeated_message_among_new_ones_is_left_alone(world: World) -> None:
    first, second = world.signal("BUY_SM"), world.signal("SELL_SM")
    await world.inbox.deliver([world.said(first), world.said(first), world.said(second)])
    await world.inbox.deliver([world.said(second), world.said(first)])
    await world.clock.quiet()
    assert [request.side for request in world.venue.placed] == [Side.BUY, Side.SELL]


# A price of zero never passes a codec; here it stands for a bug in the decision.


async def test_a_message_that_meets_a_bug_is_told_and_the_mailbox_goes_on(world: World, ledger: MemoryLedger) -> None:
    assert became(await world.say("BUY_SM", close="0")) == ("failed", "internal_error")
    assert [event.kind for event in ledger.events] == ["signal_refused"]
    assert became(await world.say("BUY_SM")) == ("ordered", "")


async def test_a_bug_that_cannot_even_be_told_ends_the_process(world: World, ledger: MemoryLedger) -> None:
    ledger.fail(1)
    await world.inbox.deliver([world.said(world.signal("BUY_SM", close="0"))])
    await world.clock.quiet()
    with pytest.raises(LedgerUnavailable, match="the disk is full"):
        await world.clock.run(world.inbox.failure)
    assert ledger.outcomes == {}
