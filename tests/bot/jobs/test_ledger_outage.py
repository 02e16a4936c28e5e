"""Ledger outages: the owner is alerted within seconds though nothing can be stored; then each late exit is named."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.access.roles import Roles
from bot.jobs.ledger_outage import AGAIN_SECONDS, LedgerOutageJob, Lines, end_lines
from bot.notifications.emergency_alert import EmergencyAlert
from bot.subscriptions.recipients import Recipients
from bot.telegram.client import connect
from bot.telegram.rate_limiter import RateLimiters
from bot.texts import texts
from bot.views.chat_message import plain_text
from bot.views.events import render
from core.domain.errors import LeaseLost
from core.domain.events.orders import OrderExecuted, OrderFailed
from core.domain.events.outages import OutageOver, PartTroubled
from core.domain.events.signals import SignalRefused
from core.domain.events.table import Event
from core.domain.reasons import reason
from core.domain.signal import Side, Signal
from core.domain.trading_state import TradingState
from core.records.commit_batch import CommitBatch
from core.state.portfolio import Portfolio
from local_telegram.server import RunningChat
from tests.bot.conftest import PEOPLE
from tests.bot.parts import OWNER, FastClock, executed, signal
from tests.chat_client import ChatPerson
from tests.core.virtual_time import VirtualClock
from tests.core.world import LIMITS


@dataclass
class Watched:
    """A job that checks each second."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    state: tuple[bool, str] = (True, "migrated")
    said: list[str] = field(default_factory=list)
    said_at: list[float] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)
    lag: int = 0
    telegram: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.telegram.set()
        self.watch = LedgerOutageJob(
            lambda: self.state,
            self.say,
            self.told.append,
            self.clock,
            held=lambda: ["WIFUSDC"],
            is_read=lambda: not self.lag,
        )

    async def say(self, lines: Lines) -> None:
        await self.telegram.wait()
        self.said.append(plain_text("\n".join(lines(texts("en")))))
        self.said_at.append(self.clock.monotonic())

    async def seconds(self, count: int) -> None:
        for _ in range(count):
            await self.watch.run()
            await self.clock.forward(1)

    def commit(self, *events: Event) -> None:
        self.watch.committed(CommitBatch(events=list(events)), (), ())

    def sell(self, name: str, ago: float = 0) -> Signal:
        return replace(signal("SELL_SM", signal_id=name), ts=self.clock.now() - timedelta(seconds=ago))


async def test_the_owner_is_told_within_ten_seconds_and_again_while_it_lasts() -> None:
    world = Watched()
    await world.seconds(3)
    world.state = (False, "disk is full")
    began = world.clock.monotonic()
    await world.seconds(12)
    (said,) = world.said
    assert world.said_at[0] - began < 10
    for words in ("The database isn't responding", "disk is full", "not even exits", "Open positions: WIFUSDC"):
        assert words in said
    await world.seconds(int(AGAIN_SECONDS))
    assert len(world.said) == 2
    assert world.told == []


async def test_a_hiccup_is_worth_no_word_and_a_short_absence_none_without_the_ledger() -> None:
    world = Watched()
    for away in (2, 4):
        world.state = (False, "busy")
        await world.seconds(away)
        world.state = (True, "migrated")
        await world.seconds(30)
    assert world.said == []
    (event,) = world.told
    assert event == PartTroubled("ledger", True, "It could not be written for 4 s (busy). Nothing was traded meanwhile.")


async def test_what_telegram_would_take_too_late_to_be_true_is_not_said() -> None:
    world = Watched()
    world.telegram.clear()
    world.state = (False, "busy")
    await world.seconds(20)
    world.state = (True, "migrated")
    await world.seconds(1)
    world.telegram.set()
    await world.seconds(10)
    assert world.said == []


async def test_every_exit_of_the_outage_is_named_with_what_became_of_it() -> None:
    world = Watched()
    before = executed(Side.SELL)
    world.commit(before)
    world.state = (False, "disk is full")
    await world.seconds(100)
    late, refused, failed, other = (world.sell(name, 50) for name in ("late", "refused", "failed", "other"))
    world.state = (True, "migrated")
    sold = executed(Side.SELL)
    world.commit(replace(sold, order=replace(sold.order, signal=late)))  # before the next check
    await world.seconds(1)
    world.lag = 5
    await world.seconds(10)
    order = replace(sold.order, signal=failed, reason=reason("market_closed", symbol="WIFUSDC"))
    world.commit(
        SignalRefused(refused, "expired", reason("expired", age="100", limit="60")),
        SignalRefused(other, "ignored", reason("no_position", base="WIF")),  # no position that it could have sold
        SignalRefused(replace(refused, signal_type="BUY_SM"), "expired", reason("expired", age="100", limit="60")),
        OrderFailed(order),
        OrderExecuted(replace(sold.order, signal=world.sell("new")), sold.execution, sold.position, None),
    )
    assert [event.kind for event in world.told] == ["part"]
    world.lag = 0
    await world.seconds(2)
    over = world.told[-1]
    assert isinstance(over, OutageOver)
    assert [(one.signal.signal_id, one.became) for one in over.exits] == [
        ("late", "sold"),
        ("refused", "refused"),
        ("failed", "failed"),
    ]
    said = plain_text(render(over, texts("en")).text)
    for words in (
        "The database was down",
        "not sold, the signal was 1 min 40 s old",
        "failed, the market",
        "/close",
    ):
        assert words in said
    world.commit(SignalRefused(world.sell("much later"), "expired", reason("expired", age="100", limit="60")))
    await world.seconds(100)
    assert len(world.told) == 2


@asynccontextmanager
async def direct(server: RunningChat) -> AsyncIterator[EmergencyAlert]:
    clock, portfolio = FastClock(), Portfolio(TradingState(), LIMITS)
    bot = connect(server.token, server.api_url)
    word = EmergencyAlert(bot, Recipients(OWNER, None, "en", "UTC", Roles(portfolio), portfolio), RateLimiters(clock), clock)
    yield word
    await word.close()


async def test_the_word_goes_to_the_owners_chat_over_the_real_client_and_no_ledger(server: RunningChat) -> None:
    owner = ChatPerson(server.room, PEOPLE[0])
    async with direct(server) as word:
        await word.say(lambda texts: [texts("ledger_away"), texts("ledger_away.next")])
        assert "The database isn't responding" in (await owner.wait_for("database")).text


async def test_the_last_word_tells_our_own_errors_and_of_others_the_kind_alone(server: RunningChat) -> None:
    owner = ChatPerson(server.room, PEOPLE[0])
    async with direct(server) as word:
        await word.say_last(
            lambda texts: end_lines(LeaseLost("another MarketFlow has taken this ledger over"), "process 7", texts)
        )
        assert "process 7 no longer holds its ledger" in (await owner.wait_for("Another MarketFlow took over the ledger")).text
        await word.say_last(lambda texts: end_lines(ValueError("the password is hunter2"), "process 7", texts))
        told = await owner.wait_for("ValueError")
        assert "hunter2" not in told.text


async def test_the_end_does_not_wait_for_a_telegram_that_is_away() -> None:
    clock, portfolio = FastClock(), Portfolio(TradingState(), LIMITS)
    recipients = Recipients(OWNER, None, "en", "UTC", Roles(portfolio), portfolio)
    word = EmergencyAlert(connect("1:nobody", "http://127.0.0.1:9"), recipients, RateLimiters(clock), clock)
    began = asyncio.get_running_loop().time()
    await word.say_last(lambda texts: end_lines(LeaseLost(), "process 7", texts))
    assert asyncio.get_running_loop().time() - began < 20
    await word.close()
