"""One signal, one order, whatever the venue, the network and the ledger do."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from core.domain.errors import ExchangeUnavailable
from core.domain.events.orders import OrderExecuted, OrderFailed, OrderUnanswered
from core.domain.messages import ManualInstruction, Message, SignalReceived
from core.domain.order import NotTaken
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import EntryStyle
from core.domain.reasons import reason
from core.domain.signal import BY_HAND
from core.domain.strategy_book import StrategyBook
from core.execution.placement import MOST_ATTEMPTS
from core.records.commit_batch import CommitBatch
from tests.core.conftest import OpenWorld, Restart
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import LOST, Course, ScriptedVenue, lost, refused
from tests.core.virtual_time import NOON, VirtualClock
from tests.core.world import World

BUSY = reason("exchange_busy")


def told(ledger: MemoryLedger) -> list[str]:
    return [event.kind for event in ledger.events]


def settles(batch: CommitBatch) -> bool:
    return bool(batch.executions)


async def test_an_answer_that_got_lost_is_found_and_counted_once(world: World, ledger: MemoryLedger) -> None:
    world.venue.next(lost(executed=True))
    await world.say("BUY_SM")
    assert len(world.venue.placed) == 1
    assert [order.state for order in ledger.order_history] == [OrderState.SUBMITTED, OrderState.UNKNOWN, OrderState.FILLED]
    assert told(ledger) == ["order_unanswered", "order_executed"]
    assert world.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal("19.98")
    assert len(ledger.fills) == 2


async def test_the_owner_hears_at_once_that_there_is_no_answer(world: World, ledger: MemoryLedger) -> None:
    world.venue.next(lost(executed=True, visible_after=2))
    await world.clock.run(world.inbox.deliver([world.said(world.signal("BUY_SM"))]))
    await world.clock.forward(1)
    (event,) = ledger.events
    assert isinstance(event, OrderUnanswered)
    await world.clock.forward(4)
    assert isinstance(ledger.events[-1], OrderExecuted)


async def test_an_order_that_shows_late_is_not_placed_again(world: World) -> None:
    world.venue.next(lost(executed=True, visible_after=4.5))
    await world.say("BUY_SM")
    assert len(world.venue.placed) == 1
    assert world.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal("19.98")


@pytest.mark.parametrize("ahead", [-40, 0, 7])
async def test_no_such_order_is_proof_only_past_the_fence_of_the_venues_clock(
    world: World, venue: ScriptedVenue, ahead: float
) -> None:
    venue.ahead = timedelta(seconds=ahead)
    venue.next(lost(executed=False))
    await world.say("BUY_SM")
    fence = NOON + timedelta(seconds=ahead) + timedelta(seconds=venue.request_lifetime)
    assert venue.asked_at[-1] > fence
    assert venue.placed_at[1] + venue.ahead > fence
    assert len(venue.asked_at) > 2


@pytest.mark.parametrize(("lifetime", "seconds"), [(1.0, 3.1), (1.2, 6.3), (4.2, 6.3)])
async def test_the_first_answer_two_seconds_past_the_requests_end_is_proof(
    world: World, venue: ScriptedVenue, lifetime: float, seconds: float
) -> None:
    """Asks after 0.1, 0.3, 0.7, 1.5, 3.1 and 6.3 seconds."""
    venue.request_lifetime = lifetime
    venue.next(lost(executed=False))
    await world.say("BUY_SM")
    assert [round((at - NOON).total_seconds(), 3) for at in venue.placed_at] == [0, seconds]


async def test_a_venue_clock_that_stands_still_gives_no_proof(world: World, venue: ScriptedVenue, clock: VirtualClock) -> None:
    venue.next(lost(executed=False))
    await clock.run(world.inbox.deliver([world.said(world.signal("BUY_SM"))]))
    for _ in range(300):  # its clock falls behind by what ours goes forward
        await clock.forward(0.1)
        venue.ahead -= timedelta(seconds=0.1)
    assert len(venue.placed) == 1
    await clock.forward(20)
    assert len(venue.placed) == 2


async def test_what_never_arrived_is_placed_anew_under_the_same_id(world: World, ledger: MemoryLedger) -> None:
    world.venue.next(lost(executed=False))
    await world.say("BUY_SM")
    first, second = world.venue.placed
    assert first == second
    assert world.venue.executed == [first.client_order_id]
    assert told(ledger) == ["order_unanswered", "order_executed"]
    assert len(ledger.executions) == 1


async def test_what_never_arrived_fails_when_the_signal_is_no_longer_good(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    world = await open_world(signal_max_age=timedelta(seconds=3))
    world.venue.next(lost(executed=False))
    await world.say("BUY_SM")
    assert len(world.venue.placed) == 1
    event = ledger.events[-1]
    assert isinstance(event, OrderFailed)
    assert event.order.reason is not None
    assert event.order.reason.code == "never_placed"
    assert "the signal was 6 s old, the limit is 3 s" in str(event.order.reason)
    assert world.portfolio.in_flight == {}


async def test_an_exchange_that_cannot_be_asked_is_asked_again(world: World, venue: ScriptedVenue, clock: VirtualClock) -> None:
    venue.next(lost(executed=True, visible_after=1))
    await clock.run(world.inbox.deliver([world.said(world.signal("BUY_SM"))]))
    await clock.quiet()
    venue.unavailable = True
    await clock.forward(600)
    assert len(venue.placed) == 1
    assert len(world.portfolio.in_flight) == 1
    venue.unavailable = False
    await clock.forward(5)
    assert world.portfolio.position(StrategyBook("WIFUSDC")).is_open


async def test_fills_that_show_late_are_waited_for(world: World, ledger: MemoryLedger) -> None:
    world.venue.late_fills = 2
    world.venue.next(lost(executed=True))
    await world.say("BUY_SM")
    assert len(ledger.fills) == 2
    (execution,) = ledger.executions.values()
    assert (execution.qty, execution.fee) == (Decimal(20), Decimal("0.02"))


@pytest.mark.parametrize("question", ["find_order", "fills"])
async def test_a_pause_that_the_exchange_asks_for_is_kept_before_it_is_asked_again(
    world: World, venue: ScriptedVenue, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    answer, asked = getattr(venue, question), list[float]()

    async def limited(symbol: str, name: str) -> object:
        if venue.placed:
            asked.append(world.clock.monotonic())
            if len(asked) == 1:
                raise ExchangeUnavailable("HTTP 429", retry_after=30)
        return await answer(symbol, name)

    monkeypatch.setattr(venue, question, limited)
    venue.next(lost(executed=True))
    await world.say("BUY_SM")
    assert asked == [0, 30]
    assert world.portfolio.position(StrategyBook("WIFUSDC")).is_open


async def test_an_order_accepted_first_is_followed_until_it_is_filled(world: World, ledger: MemoryLedger) -> None:
    world.venue.next(Course(final_after=30))
    await world.say("BUY_SM")
    assert len(world.venue.placed) == 1
    assert len(ledger.executions) == 1
    assert world.clock.now() >= NOON + timedelta(seconds=30)


async def test_an_order_is_asked_for_more_and_more_seldom_and_every_five_seconds_at_least(world: World) -> None:
    world.venue.next(Course(final_after=40))
    await world.say("BUY_SM")
    asked = world.venue.asked_at
    pauses = [(after - before).total_seconds() for before, after in pairwise(asked)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 5


async def test_an_order_found_in_the_book_is_followed_even_where_it_gets_lost_again(
    world: World, venue: ScriptedVenue, clock: VirtualClock
) -> None:
    venue.next(Course(answer=LOST, final_after=60))
    await clock.run(world.inbox.deliver([world.said(world.signal("BUY_SM"))]))
    await clock.forward(1)
    venue.hide_until(NOON + timedelta(seconds=30))
    await clock.forward(70)
    assert len(venue.placed) == 1
    assert world.portfolio.position(StrategyBook("WIFUSDC")).is_open


async def test_an_accepted_order_that_cannot_be_found_for_a_while_is_not_placed_again(world: World) -> None:
    world.venue.next(Course(final_after=20, visible_after=15))
    await world.say("BUY_SM")
    assert len(world.venue.placed) == 1
    assert len(world.venue.executed) == 1


async def test_an_order_not_taken_is_tried_again_when_the_venue_says(world: World, ledger: MemoryLedger) -> None:
    world.venue.next(refused(NotTaken(BUSY, retry_after=8)), refused(NotTaken(BUSY)))
    await world.say("BUY_SM")
    assert [(at - NOON).total_seconds() for at in world.venue.placed_at] == [0, 8, 8.5]
    assert told(ledger) == ["order_executed"]


async def test_an_order_never_taken_fails_with_the_venues_reason(world: World, ledger: MemoryLedger) -> None:
    world.venue.next(*[refused(NotTaken(BUSY))] * 20)
    await world.say("BUY_SM")
    assert [(at - NOON).total_seconds() for at in world.venue.placed_at] == [0, 0.25, 0.75, 1.75, 3.75, 7.75, 12.75]
    assert world.clock.now() == NOON + timedelta(seconds=12.75)  # nobody waits for an attempt that is not made
    event = ledger.events[-1]
    assert isinstance(event, OrderFailed)
    assert event.order.reason == BUSY


async def test_an_order_not_taken_is_dropped_when_the_signal_is_too_old_by_then(world: World, ledger: MemoryLedger) -> None:
    world.venue.next(refused(NotTaken(reason("rate_limited", seconds=90), retry_after=90)))
    await world.say("BUY_SM")
    assert len(world.venue.placed) == 1
    assert world.clock.now() == NOON  # what will certainly be too late is not waited for
    event = ledger.events[-1]
    assert isinstance(event, OrderFailed)
    assert str(event.order.reason) == "rate limit: the exchange asks to wait 1 min 30 s"


async def test_a_ban_that_outlives_the_exit_is_told_at_once_and_its_end_in_time(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    world.venue.next(*[refused(NotTaken(reason("banned", seconds=259_200), retry_after=259_200))] * 9)
    await world.say("SELL_SM")
    assert world.clock.now() == NOON
    assert told(ledger)[-1] == "exit_waits"
    await world.clock.forward(602)
    assert told(ledger)[-1] == "signal_refused"
    assert len(world.venue.placed) <= 5


async def test_an_order_not_taken_is_priced_anew(world: World) -> None:
    world.venue.next(refused(NotTaken(BUSY, retry_after=10)))
    await world.clock.run(world.inbox.deliver([world.said(world.signal("BUY_SM"))]))
    world.venue.prices["WIFUSDC"] = Decimal("0.60")
    await world.clock.forward(20)
    assert len(world.venue.placed) == 1


async def test_an_entry_not_taken_is_sized_anew_and_a_persons_part_is_not(open_world: OpenWorld) -> None:
    world = await open_world(trade_quote=Decimal(12), entry_style=EntryStyle.MARKET)
    world.venue.next(refused(NotTaken(BUSY, retry_after=5)))
    await world.clock.run(world.inbox.deliver([world.said(world.signal("BUY_SM"))]))
    world.venue.prices["WIFUSDC"] = Decimal("0.4808")
    await world.clock.forward(10)
    assert [one.qty for one in world.venue.placed] == [Decimal(25), Decimal("24.95")]
    world.venue.next(refused(NotTaken(BUSY, retry_after=5)))
    signal, now = replace(world.signal("SELL_SM"), source=BY_HAND), world.clock.now()
    body = SignalReceived(signal, ManualInstruction(7, "Ann", qty=Decimal(12)))
    await world.clock.run(world.inbox.ask(Message(BY_HAND, signal.signal_id, "WIFUSDC", body, now)))
    await world.clock.forward(10)
    assert [one.qty for one in world.venue.placed[2:]] == [Decimal(12), Decimal(12)]


@pytest.mark.parametrize(
    ("state", "ended_for", "code"),
    [
        (OrderState.EXPIRED, "", "beyond_limit"),
        (OrderState.EXPIRED, "EXPIRED_IN_MATCH", "met_ours"),
        (OrderState.CANCELED, "", "not_filled"),
        (OrderState.REJECTED, "", "not_filled"),
    ],
)
async def test_an_entry_that_bought_nothing_says_whether_the_market_was_beyond_its_limit(
    world: World, ledger: MemoryLedger, state: OrderState, ended_for: str, code: str
) -> None:
    world.venue.next(Course(fills=Decimal(0), state=state, ended_for=ended_for))
    await world.say("BUY_SM")
    (order,) = ledger.orders.values()
    assert (order.state, order.reason.code if order.reason else "") == (state, code)
    assert world.portfolio.positions == {}


async def test_a_settlement_that_cannot_be_written_is_written_at_last_and_once(
    world: World, ledger: MemoryLedger, clock: VirtualClock
) -> None:
    ledger.fail(3, picks=settles)
    await world.say("BUY_SM")
    assert (clock.now() - NOON).total_seconds() == 3
    assert len(ledger.refused) == 3
    assert len(world.venue.placed) == 1
    assert (len(ledger.executions), told(ledger)) == (1, ["order_executed"])
    assert world.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal("19.98")


@pytest.mark.parametrize("executed", [True, False])
async def test_a_bug_in_the_adapter_leaves_no_order_unattended(world: World, ledger: MemoryLedger, *, executed: bool) -> None:
    world.venue.next(Course(executed=executed, error=RuntimeError("a bug")))
    outcome = await world.say("BUY_SM")
    assert outcome is not None
    assert outcome.outcome == "ordered"
    assert len(world.venue.executed) == 1
    assert world.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal("19.98")
    await world.say("SELL_SM")
    assert len(ledger.trades) == 1


@pytest.mark.parametrize(
    "course", [lost(executed=True, visible_after=3), lost(executed=False), Course(final_after=20, visible_after=15)]
)
async def test_a_crash_before_the_order_is_settled_still_makes_one_order(
    world: World, ledger: MemoryLedger, restart: Restart, clock: VirtualClock, course: Course
) -> None:
    world.venue.next(course)
    await clock.run(world.inbox.deliver([world.said(world.signal("BUY_SM"))]))
    await clock.forward(1)
    await world.crash()
    (unsettled,) = (await ledger.load("2026-03-01")).orders
    again = await restart(world, ledger)
    assert again.venue.executed == [unsettled.client_order_id]
    assert again.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal("19.98")
    assert len(ledger.executions) == 1


async def test_a_crash_before_the_request_leaves_the_fence_to_pass(
    world: World, ledger: MemoryLedger, restart: Restart, clock: VirtualClock
) -> None:
    world.venue.next(Course(gate=asyncio.Event()))
    await clock.run(world.inbox.deliver([world.said(world.signal("BUY_SM"))]))
    await clock.quiet()
    await world.crash()
    assert [order.state for order in ledger.orders.values()] == [OrderState.SUBMITTED]
    again = await restart(world, ledger)
    assert [(at - NOON).total_seconds() > 5 for at in again.venue.placed_at] == [False, True]
    assert len(again.venue.executed) == 1
    assert again.portfolio.in_flight == {}


async def test_what_an_earlier_process_sent_counts_as_an_attempt(
    world: World, ledger: MemoryLedger, restart: Restart, clock: VirtualClock
) -> None:
    world.venue.next(Course(gate=asyncio.Event()), *[refused(NotTaken(BUSY))] * 20)
    await clock.run(world.inbox.deliver([world.said(world.signal("BUY_SM"))]))
    await clock.quiet()
    await world.crash()
    again = await restart(world, ledger)
    assert len(again.venue.placed) == MOST_ATTEMPTS
    assert [order.state for order in ledger.orders.values()] == [OrderState.REJECTED]


async def test_an_exchange_that_is_away_at_the_start_is_told_with_the_order_that_waits_for_it(
    world: World, ledger: MemoryLedger, clock: VirtualClock
) -> None:
    world.venue.next(Course(gate=asyncio.Event()))
    await clock.run(world.inbox.deliver([world.said(world.signal("BUY_SM"))]))
    await clock.quiet()
    await world.crash()
    (order,) = (await ledger.load("2026-03-01")).orders
    world.venue.unavailable = True
    recovering = asyncio.create_task(world.placement.recover(order))
    await clock.forward(9)
    assert told(ledger) == []
    await clock.forward(2)
    assert told(ledger) == ["order_unanswered"]
    world.venue.unavailable = False
    settled = await clock.run(recovering)
    assert settled.state is OrderState.FILLED
    assert told(ledger) == ["order_unanswered", "order_executed"]


async def test_an_order_that_was_told_before_a_restart_is_not_told_again(
    world: World, ledger: MemoryLedger, clock: VirtualClock
) -> None:
    world.venue.next(lost(executed=True, visible_after=2))
    await clock.run(world.inbox.deliver([world.said(world.signal("BUY_SM"))]))
    await clock.forward(1)
    world.venue.unavailable = True
    await world.crash()
    (order,) = (await ledger.load("2026-03-01")).orders
    recovering = asyncio.create_task(world.placement.recover(order))
    await clock.forward(30)
    assert told(ledger) == ["order_unanswered"]
    world.venue.unavailable = False
    await clock.run(recovering)
    assert told(ledger) == ["order_unanswered", "order_executed"]


async def test_a_crash_before_the_intent_leaves_the_message_to_the_next_process(
    world: World, ledger: MemoryLedger, restart: Restart, clock: VirtualClock
) -> None:
    ledger.fail(1)
    await clock.run(world.inbox.deliver([world.said(world.signal("BUY_SM"))]))
    await clock.quiet()
    await world.crash()
    assert world.venue.placed == []
    again = await restart(world, ledger)
    assert len(again.venue.placed) == 1
    assert again.portfolio.position(StrategyBook("WIFUSDC")).is_open
