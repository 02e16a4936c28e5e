"""Two programs on one token notice each other, however they poll; a new one enters only once it is alone; exits never wait."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from random import Random
from typing import Any

import pytest

from bot.telegram.single_instance import CONFLICT_PAUSE_SECONDS, LATELY, LONG_UNHEARD_SECONDS, MOMENT, SingleInstance
from bot.views.other_instance import QUIET_SECONDS, STAYS_SECONDS
from core.domain.events.process import AnotherProgram
from core.domain.events.table import Event
from core.domain.signal import Side
from core.policy.admission import admit
from core.policy.decision import Refused, decide
from core.policy.decision_context import DecisionContext
from core.policy.risk import RiskApproved
from local_telegram.errors import ApiError
from local_telegram.server import RunningChat
from local_telegram.updates import UpdateQueue
from tests.bot.conftest import Bot, bot_on, until
from tests.bot.parts import FastClock, Office, alone
from tests.core.decision_contexts import HELD, decision_context, said
from tests.core.virtual_time import NOON, VirtualClock
from tests.simulation.loop import SeededLoop

LONGEST_LATENCY = 1.0  # seconds, each way
MINUTES = 60.0


class LoopClock:
    """A `core.ports.Clock` on the running loop's own time."""

    def now(self) -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class Telegram:
    """Its queue of updates, reached over a network that takes time and fails now and then."""

    random: Random
    queue: UpdateQueue
    failing: float = 0.0
    read: int = 0
    """The update up to which its updates were read."""
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Runs a poller until the end of the test."""
        self.tasks.append(asyncio.create_task(work))
        return self.tasks[-1]

    async def chat(self, least: float, most: float) -> None:
        """Puts an update every `least` to `most` seconds."""
        while True:
            await asyncio.sleep(self.random.uniform(least, most))
            self.queue.put("message", {})

    async def poll(self, offset: int, seconds: float) -> None:
        """Waits for that long. Raises ApiError (409) or OSError."""
        await asyncio.sleep(self.random.uniform(0, LONGEST_LATENCY))
        if self.random.random() < self.failing:
            raise OSError
        try:
            for update in await self.queue.get(max(offset, self.read), 100, seconds):
                self.read = update["update_id"] + 1
        finally:
            await asyncio.sleep(self.random.uniform(0, LONGEST_LATENCY))


@dataclass
class Ours:
    """A program of this version: its events, and when."""

    telegram: Telegram
    traded_at: datetime | None = None
    has_account: bool = True
    told: list[tuple[float, str, str]] = field(default_factory=list)
    opened_at: float | None = None
    open: list[float] = field(default_factory=list)
    """Each second in which it made entries."""

    def __post_init__(self) -> None:
        clock = LoopClock()
        at = self.traded_at
        self.alone = SingleInstance(clock, self._emit, who="it", has_account=self.has_account, traded_at=at, seen_at=at)
        self.began = clock.monotonic()

    def _emit(self, event: Event) -> None:
        assert isinstance(event, AnotherProgram)
        self.told.append((LoopClock().monotonic(), event.what, event.effect))

    async def watch(self) -> None:
        while True:
            if self.alone.closed() is None:
                self.open.append(asyncio.get_running_loop().time())
            await asyncio.sleep(1)

    async def run(self) -> None:
        """Polls like `bot.telegram.telegram_app`."""
        tried = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self.telegram.poll(0, 0 if tried else self.alone.poll_seconds)
            except ApiError:
                self.alone.conflict()
                await asyncio.sleep(CONFLICT_PAUSE_SECONDS)
            except OSError:
                tried += 1
                await asyncio.sleep(min(2.0 ** (tried - 1), 30.0))
            else:
                tried = 0
                self.alone.heard(began)
            if self.alone.closed() is None and self.opened_at is None:
                self.opened_at = asyncio.get_running_loop().time()


async def of_a_library(telegram: Telegram, pauses: Callable[[], Any], length: float, length_after: float, rest: float) -> None:
    """Polls like a program that treats the conflict as a passing error: it rests longer each time. `rest` is how long it still
    rests at first."""
    await asyncio.sleep(rest)
    pause, wait = iter(pauses()), length
    while True:
        try:
            await telegram.poll(0, wait)
            pause, wait = iter(pauses()), length
        except ApiError:
            await asyncio.sleep(next(pause))
            wait = length_after


def before() -> Any:
    """Returns the pauses of a program that treats a conflict as a passing error: 1, 2, 4 ... 30 s, then a poll that does not
    wait."""
    return chain((1, 2, 4, 8, 16), repeat(30))


def updater() -> Any:
    """Returns the pauses of python-telegram-bot's updater: 1 s, half as long again each time, 30 s at most."""
    pause = 1.0
    while True:
        yield pause
        pause = min(30.0, 1.5 * pause)


def played(seed: int, scene: Callable[[Random, Telegram], Coroutine[Any, Any, None]]) -> None:
    random = Random(seed)
    loop = SeededLoop(random)

    async def whole() -> None:
        telegram = Telegram(random, UpdateQueue(loop.time))
        await scene(random, telegram)
        for task in telegram.tasks:
            task.cancel()
        await asyncio.gather(*telegram.tasks, return_exceptions=True)

    loop.run_until_complete(whole())
    loop.forget()


Rival = Callable[[Random, Telegram], Coroutine[Any, Any, None]]
RIVALS: dict[str, Rival] = {
    "this version": lambda _, telegram: Ours(telegram, traded_at=LoopClock().now()).run(),
    "this version, new as well": lambda _, telegram: Ours(telegram).run(),
    "one that waits for it to pass": lambda random, telegram: of_a_library(telegram, before, 25, 0, random.uniform(0, 30)),
    "python-telegram-bot": lambda random, telegram: of_a_library(telegram, updater, 10, 10, random.uniform(0, 30)),
}


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("rival", RIVALS)
def test_a_newcomer_beside_another_program_never_enters_and_says_so(rival: str, seed: int) -> None:
    async def scene(random: Random, telegram: Telegram) -> None:
        beside = telegram.start(RIVALS[rival](random, telegram))
        await asyncio.sleep(random.uniform(0, 60))
        newcomer = Ours(telegram)
        telegram.start(newcomer.run())
        await asyncio.sleep(10 * MINUTES)
        assert newcomer.opened_at is None
        (at, what, effect), *more = newcomer.told
        assert (what, effect, more) == ("came", "no_entries", [])
        assert at - newcomer.began < QUIET_SECONDS
        # Once the other is gone the gate opens by itself, and reports it.
        beside.cancel()
        left = asyncio.get_running_loop().time()
        await asyncio.sleep(3 * QUIET_SECONDS)
        assert newcomer.opened_at is not None
        assert newcomer.opened_at - left < QUIET_SECONDS + 10
        assert [what for _, what, _ in newcomer.told] == ["came", "gone"]

    played(seed, scene)


@pytest.mark.parametrize("seed", range(25))
def test_one_that_traded_lately_goes_on_and_stops_where_the_other_stays(seed: int) -> None:
    async def scene(random: Random, telegram: Telegram) -> None:
        first = Ours(telegram, traded_at=LoopClock().now())
        telegram.start(first.run())
        assert first.alone.closed() is None
        await asyncio.sleep(random.uniform(QUIET_SECONDS + 5, 120))
        second = Ours(telegram)
        leaving = telegram.start(second.run())
        await asyncio.sleep(10)
        assert [what for _, what, _ in first.told] == ["came"]
        assert first.told[0][0] - second.began < 10
        assert second.told[0][0] - second.began < 10
        assert first.alone.closed() is None
        await asyncio.sleep(STAYS_SECONDS + 10)
        assert [(what, effect) for _, what, effect in first.told] == [("came", "entries"), ("stays", "no_entries")]
        assert str(first.alone.closed()).startswith("another program")
        leaving.cancel()
        await asyncio.sleep(QUIET_SECONDS + 30)
        assert [what for _, what, _ in first.told] == ["came", "stays", "gone"]
        assert first.alone.closed() is None

    played(seed, scene)


@pytest.mark.parametrize("seed", range(25))
def test_of_two_that_both_traded_lately_not_both_go_on(seed: int) -> None:
    """Runs two that both traded lately: a copied ledger, or a program that was replaced elsewhere and comes back."""

    async def scene(random: Random, telegram: Telegram) -> None:
        first = Ours(telegram, traded_at=LoopClock().now())
        telegram.start(first.run())
        telegram.start(first.watch())
        await asyncio.sleep(random.uniform(0, 120))
        second = Ours(telegram, traded_at=LoopClock().now())
        telegram.start(second.run())
        telegram.start(second.watch())
        await asyncio.sleep(10)
        assert second.alone.closed() is not None
        assert [effect for _, what, effect in second.told] == ["no_entries"]
        assert len(second.open) <= 10
        await asyncio.sleep(STAYS_SECONDS + 10)
        assert first.alone.closed() is not None

    played(seed, scene)


@pytest.mark.parametrize("seed", range(10))
def test_a_glance_of_another_program_costs_no_entry(seed: int) -> None:
    async def scene(random: Random, telegram: Telegram) -> None:
        first = Ours(telegram, traded_at=LoopClock().now())
        telegram.start(first.run())
        await asyncio.sleep(random.uniform(QUIET_SECONDS + 5, 120))
        telegram.start(telegram.poll(0, 5))
        await asyncio.sleep(3 * QUIET_SECONDS)
        assert [(what, effect) for _, what, effect in first.told] in ([], [("came", "entries"), ("gone", "entries")])
        assert first.alone.closed() is None

    played(seed, scene)


@pytest.mark.parametrize("seed", range(10))
def test_who_is_alone_enters_after_a_while_also_on_a_bad_network(seed: int) -> None:
    async def scene(random: Random, telegram: Telegram) -> None:
        newcomer = Ours(telegram)
        telegram.start(newcomer.run())
        if seed % 2:
            telegram.failing = 1.0
            await asyncio.sleep(5 * MINUTES)
            assert newcomer.opened_at is None  # Telegram was never reached: nobody knows who else trades
            assert not newcomer.alone.ready[0]
            telegram.failing = 0.0
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(2 * QUIET_SECONDS + 30)
        assert newcomer.opened_at is not None
        assert newcomer.opened_at - began >= QUIET_SECONDS
        assert newcomer.told == []
        assert newcomer.alone.ready == (True, "nobody else polls Telegram")

    played(seed, scene)


@pytest.mark.parametrize(("least", "most"), [(5, 15), (3, 40), (4, 4)])
@pytest.mark.parametrize("seed", range(5))
def test_who_is_alone_enters_also_in_a_busy_chat(seed: int, least: float, most: float) -> None:
    async def scene(_random: Random, telegram: Telegram) -> None:
        telegram.start(telegram.chat(least, most))
        newcomer = Ours(telegram)
        telegram.start(newcomer.run())
        await asyncio.sleep(10 * MINUTES)
        assert newcomer.opened_at is not None
        assert newcomer.opened_at - newcomer.began >= QUIET_SECONDS
        assert newcomer.told == []

    played(seed, scene)


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("rival", RIVALS)
def test_beside_another_program_a_newcomer_enters_no_more_in_a_busy_chat(rival: str, seed: int) -> None:
    async def scene(random: Random, telegram: Telegram) -> None:
        telegram.start(telegram.chat(1, random.uniform(5, 30)))
        telegram.start(RIVALS[rival](random, telegram))
        await asyncio.sleep(random.uniform(0, 60))
        newcomer = Ours(telegram)
        telegram.start(newcomer.run())
        await asyncio.sleep(10 * MINUTES)
        assert newcomer.opened_at is None
        assert [what for _, what, _ in newcomer.told] == ["came"]

    played(seed, scene)


@pytest.mark.parametrize("breaks", ["a pause", "a conflict", "short polls"])
async def test_what_broke_off_does_not_count_together(breaks: str) -> None:
    clock = VirtualClock()
    alone = SingleInstance(clock, lambda _: None, who="it", has_account=True, traded_at=None, seen_at=None)

    async def polled(seconds: float) -> None:
        began = clock.monotonic()
        await clock.forward(seconds)
        alone.heard(began)

    for _ in range(40):
        for _ in range(4):
            await polled(1.9 if breaks == "short polls" else 40)
        if breaks == "a conflict":
            alone.conflict()
        else:
            await clock.forward(1.1)
    assert alone.closed() is not None
    for _ in range(5):
        await polled(40)
    assert alone.closed() is None


def test_on_paper_nothing_is_kept_back_only_told() -> None:
    async def scene(_random: Random, telegram: Telegram) -> None:
        two = [Ours(telegram, has_account=False) for _ in range(2)]
        for each in two:
            telegram.start(each.run())
        await asyncio.sleep(5 * MINUTES)
        for each in two:
            assert each.alone.closed() is None
            assert [(what, effect) for _, what, effect in each.told] == [("came", "paper")]
            assert not each.alone.ready[0]

    played(1, scene)


async def test_an_answer_says_which_of_two_programs_gave_it(server: RunningChat) -> None:
    async with bot_on(server, Office(FastClock())) as first:
        assert "from process" not in (await first.owner.ask("/mode")).text
        async with bot_on(server, Office(FastClock())) as second:
            await until(lambda: not (first.alone.ready[0] or second.alone.ready[0]), within=30)
            said = first.owner.send("/pause")
            answer = await first.owner.wait_for("PAUSED", after=said)
            assert "This answer is from process 7 on desk, ledger ledger.db. Another program" in answer.text
            assert (first.chat.ready, second.chat.ready) == ((True, "answers"), (True, "answers"))


async def test_a_webhook_that_another_program_set_is_told_and_taken_away(server: RunningChat) -> None:
    async with bot_on(server, Office(FastClock())) as bot:
        await bot.owner.ask("/mode")  # the program polls, and has deleted the webhook of its start
        server.room.updates.hooked = True
        bot.owner.send("/mode")  # ends the waiting poll
        await until(lambda: not bot.alone.ready[0], within=30)
        await until(lambda: not server.room.updates.hooked, within=30)
        assert "auto" in (await bot.owner.ask("/mode")).text


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("traded", "seen", "note"),
    [
        (timedelta(0), timedelta(0), None),
        (LATELY - SECOND, MOMENT - SECOND, None),
        (LATELY, timedelta(0), "newcomer_untraded"),
        (timedelta(0), MOMENT, "newcomer_away"),
        (None, timedelta(0), "newcomer_untraded"),
        (timedelta(0), None, "newcomer_away"),
        (-SECOND, -SECOND, None),
        (timedelta(0), -2 * SECOND, "newcomer_away"),  # by a clock that was ahead: it may be long ago
        (-timedelta(hours=1), timedelta(0), "newcomer_untraded"),
    ],
)
def test_lately_is_within_an_hour_by_one_that_was_there_a_moment_ago(
    traded: timedelta | None, seen: timedelta | None, note: str | None
) -> None:
    traded_at, seen_at = (NOON - ago if ago is not None else None for ago in (traded, seen))
    alone = SingleInstance(VirtualClock(), lambda _: None, who="it", has_account=True, traded_at=traded_at, seen_at=seen_at)
    assert alone.is_newcomer is (note is not None)
    assert (alone.closed() is not None) is (note is not None)
    assert alone.note == note
    alone.conflict()
    assert alone.note == "newcomer_disturbed"


def gated(**known: Any) -> DecisionContext:
    new = SingleInstance(VirtualClock(), lambda _: None, who="it", has_account=True, traded_at=None, seen_at=None)
    closed = new.closed()
    return decision_context(gate=closed, **known)


@pytest.mark.parametrize("by_hand", [False, True])
def test_the_gate_keeps_entries_back_and_no_exit(by_hand: bool) -> None:
    refused = decide(said("BUY_SM"), gated(by_hand=by_hand))
    assert isinstance(refused, Refused)
    assert (refused.outcome, refused.reason.code) == ("denied", "not_alone_yet")
    assert str(refused.reason).endswith("until nobody else has used it for 45 s (a few minutes in a busy chat)")
    held = gated(position=HELD, by_hand=by_hand)
    assert admit(said("SELL_SM"), held) is None
    exit_ = decide(said("SELL_SM"), held)
    assert isinstance(exit_, RiskApproved)
    assert exit_.side is Side.SELL


async def test_who_may_have_been_replaced_polls_no_more_until_it_is_sure_again(bot: Bot) -> None:
    bot.alone.may_poll = lambda: False
    bot.owner.send("/status")
    await asyncio.sleep(1)  # a poll that was under way has taken it, or none was
    sent = bot.owner.send("/status")
    await asyncio.sleep(1)
    assert [one for one in bot.owner.received if one.message_id > sent.message_id] == []
    bot.alone.may_poll = lambda: True
    await bot.owner.wait_for("Open positions", after=sent)


def test_it_is_not_claimed_that_nobody_polls_while_telegram_is_silent() -> None:
    clock = FastClock()
    one = alone(clock)
    assert one.ready == (True, "not known while Telegram does not answer")
    one.heard(clock.monotonic())
    assert one.ready == (True, "nobody else polls Telegram")
    clock.skip(LONG_UNHEARD_SECONDS + 1)
    assert one.ready == (True, "not known while Telegram does not answer")
