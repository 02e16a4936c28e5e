"""A signal that is decided from memory alone is stored with its outcome, its order and its source's position."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core.domain.account import ACCOUNT
from core.domain.arrival import Arrival
from core.domain.errors import LedgerUnavailable
from core.domain.exit_plan import ExitPlan, Level, StopLoss
from core.domain.messages import Message, SourcePosition
from core.domain.order_state_machine import OrderState
from core.domain.reasons import reason
from core.domain.signal import Side, client_order_id
from core.domain.strategy_book import StrategyBook
from core.domain.symbol_halt import SymbolHalt
from core.domain.trading_state import Mode, TradingState
from core.ports.timings import Stage
from tests.core.conftest import OpenWorld, Restart
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import Course, lost
from tests.core.world import World

BOOK = StrategyBook("WIFUSDC")
LONG_AGO = 40  # seconds: the process is older than the signals, by any clock


class Recorded(MemoryLedger):
    """Notes what is stored by itself."""

    stored: Sequence[Message] = ()

    async def store(self, messages: Sequence[Message], **more: Any) -> Sequence[Arrival]:
        self.stored = [*self.stored, *messages]
        return await super().store(messages, **more)

    @property
    def by_itself(self) -> list[str]:
        """Returns the ids of the signals that were stored without an outcome."""
        return [message.source_id for message in self.stored]


@pytest.fixture
def ledger() -> Recorded:
    return Recorded()


def at(offset: int) -> SourcePosition:
    return SourcePosition("kafka:t", 0, offset)


async def in_memory(world: World) -> None:
    """Has everything in memory that a signal on WIFUSDC needs."""
    await world.clock.forward(LONG_AGO)
    await world.clock.run(world.trading.symbol_halts.look_for_orders("WIFUSDC"))
    await world.clock.run(world.market.freshen(["WIFUSDC"]))


async def bring(world: World, *messages: Message, offset: int = 1) -> None:
    await world.clock.run(world.inbox.deliver(messages, (), at(offset)))


def commits_wait(ledger: Recorded, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Holds every commit back until the event that it returns is set."""
    commit, gate = ledger.commit, asyncio.Event()

    async def waits(*batch: Any, **more: Any) -> None:
        await gate.wait()
        await commit(*batch, **more)

    monkeypatch.setattr(ledger, "commit", waits)
    return gate


async def test_an_idle_symbols_signal_is_one_commit_before_its_request(world: World, ledger: Recorded) -> None:
    await in_memory(world)
    said = world.signal("BUY_SM")
    await bring(world, world.said(said))
    await world.clock.quiet()
    (intent,) = [batch for batch in ledger.batches if any(one.outcome == "ordered" for one in batch.outcomes)]
    assert [order.client_order_id for order in intent.orders] == [client_order_id(said)]
    assert [one.brings.message.source_id for one in intent.outcomes if one.brings is not None] == [said.signal_id]
    assert (ledger.by_itself, ledger.source_positions) == ([], [at(1)])
    assert [request.client_order_id for request in world.venue.placed] == [client_order_id(said)]


async def test_nothing_is_sent_and_nobody_hears_that_it_is_stored_before_the_commit(
    world: World, ledger: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    await in_memory(world)
    gate = commits_wait(ledger, monkeypatch)
    bringing = asyncio.create_task(world.inbox.deliver([world.said(world.signal("BUY_SM"))], (), at(1)))
    await world.clock.quiet()
    assert (world.venue.placed, ledger.source_positions, bringing.done()) == ([], [], False)
    gate.set()
    await world.clock.run(bringing)
    assert ledger.source_positions == [at(1)]


async def test_its_source_goes_on_before_the_exchange_has_answered(world: World) -> None:
    await in_memory(world)
    gate = asyncio.Event()
    world.venue.next(Course(gate=gate))
    await bring(world, world.said(world.signal("BUY_SM")))
    assert world.inbox.is_busy("WIFUSDC")
    gate.set()


async def test_a_refused_commit_leaves_nothing_in_memory_and_the_signal_is_stored_as_all_others(
    world: World, ledger: Recorded
) -> None:
    await in_memory(world)
    said = world.signal("BUY_SM")
    ledger.fail(1, lambda batch: bool(batch.orders))
    counted: list[int] = []
    store = ledger.store

    async def counts(messages: Sequence[Message], **more: Any) -> Sequence[Arrival]:
        counted.append(world.portfolio.count_open(besides=""))
        return await store(messages, **more)

    ledger.store = counts  # type: ignore[method-assign]
    await bring(world, world.said(said))
    await world.clock.quiet()
    assert counted == [0]
    assert (ledger.by_itself, ledger.source_positions) == ([said.signal_id], [at(1)])
    assert len(world.venue.placed) == 1
    assert [outcome.outcome for outcome in ledger.outcomes.values()] == ["ordered"]


async def test_a_ledger_that_is_away_leaves_the_record_to_its_source(world: World, ledger: Recorded) -> None:
    await in_memory(world)
    said = world.said(world.signal("BUY_SM"))
    ledger.is_full = True
    ledger.fail(1, lambda batch: bool(batch.orders))
    with pytest.raises(LedgerUnavailable):
        await bring(world, said)
    assert (world.venue.placed, world.portfolio.in_flight, ledger.messages) == ([], {}, {})
    ledger.is_full = False
    await bring(world, said)
    await world.clock.quiet()
    assert (len(world.venue.placed), ledger.source_positions) == (1, [at(1)])


@pytest.mark.parametrize("times", [2, 3])
async def test_a_record_that_comes_again_is_decided_once(world: World, ledger: Recorded, times: int) -> None:
    await in_memory(world)
    said = world.said(world.signal("BUY_SM"))
    for offset in range(1, times + 1):
        await bring(world, said, offset=offset)
        await world.clock.quiet()
        await world.clock.run(world.market.freshen(["WIFUSDC"]))
    assert len(world.venue.placed) == 1
    assert [outcome.outcome for outcome in ledger.outcomes.values()] == ["ordered"]
    assert ledger.source_positions[-1] == at(times)


async def test_a_record_that_comes_again_does_not_sell_what_was_bought_since(world: World, ledger: Recorded) -> None:
    await in_memory(world)
    buy, sell = (world.said(world.signal(kind)) for kind in ("BUY_SM", "SELL_SM"))
    for offset, said in enumerate((buy, sell, world.said(world.signal("BUY_SM")), sell), 1):
        await bring(world, said, offset=offset)
        await world.clock.quiet()
        await world.clock.run(world.market.freshen(["WIFUSDC"]))
    assert [request.side for request in world.venue.placed] == [Side.BUY, Side.SELL, Side.BUY]
    assert world.portfolio.position(BOOK).is_open
    assert len(ledger.outcomes) == 3


async def test_other_content_under_a_known_id_is_told_and_not_carried_out(world: World, ledger: Recorded) -> None:
    await in_memory(world)
    await bring(world, world.said(world.signal("BUY_SM", name="one")))
    await world.clock.quiet()
    await world.clock.run(world.market.freshen(["WIFUSDC"]))
    await bring(world, world.said(world.signal("SELL_SM", name="one")), offset=2)
    await world.clock.quiet()
    assert [request.side for request in world.venue.placed] == [Side.BUY]
    assert (len(ledger.dead), ledger.source_positions[-1]) == (1, at(2))


async def test_what_comes_for_a_busy_symbol_is_stored_at_once_and_has_its_turn_afterwards(world: World, ledger: Recorded) -> None:
    await in_memory(world)
    gate = asyncio.Event()
    world.venue.next(Course(gate=gate))
    sell = world.signal("SELL_SM")
    await bring(world, world.said(world.signal("BUY_SM")))
    await bring(world, world.said(sell), offset=2)
    assert (ledger.by_itself, ledger.source_positions) == ([sell.signal_id], [at(1), at(2)])
    gate.set()
    await world.clock.quiet()
    assert [request.side for request in world.venue.placed] == [Side.BUY, Side.SELL]


async def test_records_that_come_together_are_stored_together_first(world: World, ledger: Recorded) -> None:
    await in_memory(world)
    signals = [world.signal("BUY_SM"), world.signal("SELL_SM")]
    await bring(world, *(world.said(signal) for signal in signals))
    assert (ledger.by_itself, ledger.source_positions) == ([one.signal_id for one in signals], [at(1)])


async def test_who_waits_for_an_answer_gets_it_once_the_message_is_stored(world: World, ledger: Recorded) -> None:
    await in_memory(world)
    said = world.signal("BUY_SM")
    await world.clock.run(world.inbox.submit(world.said(said)))
    assert ledger.by_itself == [said.signal_id]


async def _old(world: World) -> None:
    await world.clock.run(world.market.freshen(["WIFUSDC"]))


async def _stale(world: World) -> None:
    await in_memory(world)
    await world.clock.forward(10)


async def _unknown(world: World) -> None:
    await world.clock.forward(LONG_AGO)
    await world.clock.run(world.market.freshen(["WIFUSDC"]))


async def _asks_for_balances(world: World) -> None:
    await in_memory(world)
    world.portfolio.limits = replace(world.portfolio.limits, max_exposure_pct=Decimal(100))


@pytest.mark.parametrize("prepare", [_old, _stale, _unknown, _asks_for_balances])
async def test_a_signal_that_has_to_wait_for_something_is_stored_first(
    world: World, ledger: Recorded, prepare: Callable[[World], Awaitable[None]]
) -> None:
    await prepare(world)
    said = world.signal("BUY_SM")
    await bring(world, world.said(said))
    assert (ledger.by_itself, ledger.source_positions) == ([said.signal_id], [at(1)])


async def _protected(world: World) -> None:
    plan = ExitPlan(StopLoss(Level(pct=Decimal(5))))
    bought = replace(world.signal("BUY_SM"), plan=plan)
    await world.clock.run(world.inbox.ask(world.said(bought)))
    assert world.portfolio.resting_for(BOOK)


async def _in_doubt(world: World) -> None:
    await world.say("BUY_SM")
    halt = SymbolHalt(ACCOUNT, (reason("not_compared", symbol="WIFUSDC", detail=""),), world.clock.now())
    world.portfolio.holds[ACCOUNT] = halt


@pytest.mark.parametrize("prepare", [_protected, _in_doubt])
async def test_an_exit_that_has_something_to_ask_or_to_take_off_is_stored_first(
    world: World, ledger: Recorded, prepare: Callable[[World], Awaitable[None]]
) -> None:
    await in_memory(world)
    await prepare(world)
    await world.clock.run(world.market.freshen(["WIFUSDC"]))
    before, said = ledger.by_itself, world.signal("SELL_SM")
    await bring(world, world.said(said))
    assert ledger.by_itself == [*before, said.signal_id]
    await world.clock.quiet()
    assert not world.portfolio.position(BOOK).is_open


async def test_a_question_is_one_commit_with_its_signal(open_world: OpenWorld, ledger: Recorded) -> None:
    world = await open_world(trading_state=TradingState(mode=Mode.CONFIRM))
    await in_memory(world)
    await bring(world, world.said(world.signal("BUY_SM")))
    assert ledger.by_itself == []
    (stored,) = ledger.messages.values()
    assert world.question().inbox_seq == stored.seq


async def test_a_refusal_is_one_commit_with_its_signal(world: World, ledger: Recorded) -> None:
    await in_memory(world)
    await bring(world, world.said(world.signal("SELL_SM")))
    assert ledger.by_itself == []
    assert [(one.outcome, one.seq) for one in ledger.outcomes.values()] == [("ignored", 1)]


async def test_a_bug_in_the_decision_is_told_once(world: World, ledger: Recorded) -> None:
    await in_memory(world)
    said = world.signal("BUY_SM", close="0")
    await bring(world, world.said(said))
    await world.clock.quiet()
    assert ledger.by_itself == [said.signal_id]
    assert [outcome.outcome for outcome in ledger.outcomes.values()] == ["failed"]
    assert [event.kind for event in ledger.events] == ["signal_refused"]


async def test_a_source_that_waits_no_longer_and_brings_it_again_makes_one_order(
    world: World, ledger: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    await in_memory(world)
    gate = commits_wait(ledger, monkeypatch)
    said = world.said(world.signal("BUY_SM"))
    bringing = asyncio.create_task(world.inbox.deliver([said], (), at(1)))
    await world.clock.quiet()
    bringing.cancel()
    await asyncio.gather(bringing, return_exceptions=True)
    gate.set()
    await world.clock.quiet()
    await bring(world, said)
    await world.clock.quiet()
    assert (len(world.venue.placed), len(ledger.outcomes)) == (1, 1)


async def test_a_process_that_ends_before_the_commit_leaves_the_record_to_the_next(
    world: World, ledger: Recorded, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    await in_memory(world)
    with monkeypatch.context() as patched:
        patched.setattr(ledger, "commit", lambda *_, **__: asyncio.Future())
        said = world.said(world.signal("BUY_SM"))
        bringing = asyncio.create_task(world.inbox.deliver([said], (), at(1)))
        await world.clock.quiet()
        bringing.cancel()
        await world.crash()
    assert (ledger.messages, ledger.source_positions) == ({}, [])
    again = await restart(world, ledger)
    await bring(again, said)
    await again.clock.forward(10)  # an order of the earlier process could arrive until then
    assert (len(again.venue.placed), [order.state for order in ledger.orders.values()]) == (1, [OrderState.FILLED])


@pytest.mark.parametrize("executed", [True, False])
async def test_a_process_that_ends_after_the_commit_leaves_an_order_and_not_a_record(
    world: World, ledger: Recorded, restart: Restart, executed: bool
) -> None:
    await in_memory(world)
    world.venue.next(lost(executed=executed))
    said = world.said(world.signal("BUY_SM"))
    await bring(world, said)
    await world.crash()
    assert ledger.source_positions == [at(1)]
    again = await restart(world, ledger)
    await bring(again, said)
    await again.clock.forward(10)
    assert len(set(again.venue.executed)) == len(again.venue.executed) == 1
    assert [order.state for order in ledger.orders.values()] == [OrderState.FILLED]
    assert [outcome.outcome for outcome in ledger.outcomes.values()] == ["ordered"]


async def test_what_is_to_be_decided_as_the_process_ends_is_stored_for_the_next(world: World, ledger: Recorded) -> None:
    await in_memory(world)
    said = world.signal("BUY_SM")
    bringing = asyncio.create_task(world.inbox.deliver([world.said(said)], (), at(1)))
    closing = asyncio.create_task(world.inbox.close())
    await world.clock.run(bringing)
    await world.clock.run(closing)
    assert (ledger.by_itself, ledger.source_positions) == ([said.signal_id], [at(1)])
    assert (world.venue.placed, ledger.outcomes) == ([], {})


async def test_how_long_it_took_is_measured_all_the_same(world: World) -> None:
    await in_memory(world)
    await bring(world, world.said(world.signal("BUY_SM")))
    assert len(world.timings.to_order) == 1
    assert [stage for stage, _ in world.timings.stages][:3] == [Stage.COMMITTED, Stage.RECEIVED, Stage.DECIDED]
