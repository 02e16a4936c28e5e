"""Notification rules, over HTTP: each reader by role and settings, delayed at night, never late without saying so, never
twice."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.backlog_report import BacklogReport
from bot.jobs.digest_job import DigestTimer
from bot.notifications.dispatcher import NotificationDispatcher
from bot.subscriptions.notification_rules import DEFAULTS
from bot.telegram.client import connect
from bot.telegram.rate_limiter import CHAT_SECONDS, RateLimiter, RateLimiters
from bot.texts import texts
from bot.views.chat_message import plain_text
from bot.views.events import render
from core.domain.access import Level, Person, QuietHours, Reader, Role, Topic
from core.domain.approval import ApprovalState
from core.domain.digest import Digest, Occasion
from core.domain.events.access import PersonJoined, StrangerSeen
from core.domain.events.approvals import ApprovalClosed, ApprovalRequested
from core.domain.events.process import CaughtUp, DigestMade
from core.domain.events.table import Event
from core.domain.signal import Side
from local_telegram.server import RunningChat
from tests.bot.conftest import Bot, bot_on, running, until
from tests.bot.firm import firm_on
from tests.bot.notifications.test_telegram_notifier import urgent
from tests.bot.parts import NOON, OWNER, TRADER, VIEWER, FastClock, Office, approval, executed, refused


@contextlib.asynccontextmanager
async def everybody(server: RunningChat, office: Office) -> AsyncIterator[Bot]:
    """Yields the bot with everybody's alerts."""
    blocked: list[int] = []

    async def forget(user_id: int) -> None:
        blocked.append(user_id)
        office.portfolio.readers[user_id] = replace(office.recipients.reader(user_id), active=False)
        office.ledger.wake()

    office.ledger.now = office.context.clock.now
    alerts = connect(server.token, server.api_url)
    notifiers = NotificationDispatcher(
        alerts,
        office.recipients,
        office.ledger,
        office.context.clock,
        blocked=forget,
        quote=lambda _: None,
        rate_limiters=RateLimiters(office.context.clock),
        draw=office.context.draw,
    )
    async with bot_on(server, office) as bot, running(notifiers.run()):
        yield bot


@pytest.fixture
async def fast(server: RunningChat) -> AsyncIterator[Bot]:
    """Yields the bot with everybody's alerts, at fifty times real speed."""
    async with everybody(server, Office(FastClock(50))) as bot:
        yield bot


def firsts(bot: Bot, person: int) -> list[str]:
    return [message.text.splitlines()[0] for message in bot.person(person).received]


async def told_to(bot: Bot, person: int) -> None:
    """Returns once this person has received everything."""
    ledger, key = bot.office.ledger, "main" if person == OWNER else str(person)
    await until(lambda: not ledger.after(ledger.cursors.get(key)), within=20)


async def test_each_is_told_by_their_role_from_when_they_said_start(fast: Bot) -> None:
    fast.office.ledger.add(executed())
    await told_to(fast, OWNER)
    for person in (TRADER, VIEWER):
        await fast.person(person).ask("/start")
    await until(lambda: {str(TRADER), str(VIEWER)} <= fast.office.ledger.cursors.keys())
    asked = ApprovalRequested(approval(), "WIF", "USDC")
    fast.office.ledger.add(executed(), refused(), urgent(), StrangerSeen(6666, "Mallory"), asked)
    await fast.person(OWNER).wait_for("Mallory")
    await fast.person(TRADER).wait_for("denied")
    await fast.person(VIEWER).wait_for("executed")
    assert firsts(fast, TRADER)[1:] == ["❗ BUY_SM failed", "❓ BUY_SM: trade this?", "🟩 BUY_SM executed", "🚫 BUY_SM denied"]
    assert firsts(fast, VIEWER)[1:] == ["🟩 BUY_SM executed"]
    assert [message.silent for message in fast.person(VIEWER).received[1:]] == [True]
    assert len(fast.person(OWNER).received) == 6


async def test_who_may_not_answer_sees_no_buttons(fast: Bot) -> None:
    viewer = fast.person(VIEWER)
    await viewer.ask("/start")
    await viewer.ask("/notify approvals loud")
    fast.office.ledger.add(ApprovalRequested(approval(), "WIF", "USDC"))
    assert (await viewer.wait_for("trade this?")).buttons == []


async def test_a_topic_is_switched_by_a_tap_and_off_is_off(fast: Bot) -> None:
    owner = fast.owner
    shown = await owner.ask("/notify")
    owner.press(shown, "Executed trades → 🔕 silent")
    shown = await owner.wait_for_edit(shown, "🔕 Executed trades: silent")
    fast.office.ledger.add(executed())
    assert (await owner.wait_for("BUY_SM executed")).silent
    owner.press(shown, "Executed trades → ➖ off")
    await owner.wait_for_edit(shown, "➖ Executed trades: off")
    fast.office.ledger.add(executed(), refused())
    await owner.wait_for("denied")
    assert firsts(fast, OWNER).count("🟩 BUY_SM executed") == 1


async def test_muted_only_what_is_urgent_comes_and_the_rest_together_afterwards(fast: Bot) -> None:
    assert "Muted until" in (await fast.owner.ask("/mute 30m")).text
    fast.office.ledger.add(executed(), executed(), executed(), urgent())
    await fast.owner.wait_for("failed")
    await asyncio.sleep(0.1)
    assert firsts(fast, OWNER)[1:] == ["❗ BUY_SM failed"]
    fast.owner.send("/mute off")
    await fast.owner.wait_for("Not muted")
    await told_to(fast, OWNER)
    assert "BUY_SM executed" in firsts(fast, OWNER)[-1]


async def test_in_quiet_hours_it_waits_for_the_morning_and_is_one_message(server: RunningChat) -> None:
    clock = FastClock(50, datetime(2026, 11, 25, 22, 30, tzinfo=UTC))
    async with everybody(server, Office(clock)) as bot:
        assert "Quiet hours 23:00 to 07:00 (UTC)" in (await bot.owner.ask("/quiet 23:00-07:00")).text
        clock.skip(3600)
        bot.office.ledger.add(*(executed() for _ in range(4)))
        bot.office.ledger.add(urgent())
        await bot.owner.wait_for("failed")
        clock.skip(8 * 3600)
        digest = await bot.owner.wait_for("4 events")
        assert "23:3" in digest.text


async def test_what_is_told_late_says_when_it_was(server: RunningChat) -> None:
    office = Office(FastClock(50))
    office.ledger.add(executed())
    long_ago = office.context.clock.now() - timedelta(hours=3)
    office.ledger.events[0] = replace(office.ledger.events[0], at=long_ago)
    office.ledger.now = office.context.clock.now
    async with everybody(server, office) as bot:
        alert = await bot.owner.wait_for("executed")
        assert f"This happened at {long_ago:%d %b %Y %H:%M} UTC." in alert.text


async def test_who_has_blocked_the_bot_holds_up_nobody_and_is_told_again_after_start(fast: Bot) -> None:
    trader = fast.person(TRADER)
    await trader.ask("/start")
    await until(lambda: str(TRADER) in fast.office.ledger.cursors)
    fast.room.block(TRADER)
    fast.office.ledger.add(executed())
    await fast.owner.wait_for("executed")
    await until(lambda: not fast.office.portfolio.readers[TRADER].active)
    fast.room.block(TRADER, blocked=False)
    await trader.ask("/start")
    await trader.wait_for("🟩 BUY_SM executed")
    assert fast.office.portfolio.readers[TRADER].active


async def test_what_is_set_at_the_same_time_is_all_set(server: RunningChat) -> None:
    office = Office(FastClock(20))
    office.trading.hold = asyncio.Event()
    said = ("/notify trades off", "/notify refusals silent", "/mute 1h", "/quiet 23:00-07:00", "/lang ru", "/zone Europe/Berlin")
    async with bot_on(server, office) as bot:
        for line in said:
            bot.owner.send(line)
        await until(lambda: len(office.ledger.messages) == len(said))
        office.trading.hold.set()
        await until(lambda: len(office.trading.handled) == len(said))
    reader = office.portfolio.readers[OWNER]
    assert reader.levels == {Topic.TRADES: Level.OFF, Topic.REFUSALS: Level.SILENT}
    assert (reader.language, reader.zone) == ("ru", "Europe/Berlin")
    assert reader.muted_until is not None
    assert reader.quiet is not None


async def test_who_lost_the_right_is_told_nothing_more(fast: Bot) -> None:
    person = Person(6666, "Guest", Role.TRADER, "Owner", NOON)
    fast.office.portfolio.people[6666] = person
    fast.office.portfolio.readers[6666] = Reader(6666)
    fast.office.ledger.wake()
    await until(lambda: "6666" in fast.office.ledger.cursors)
    fast.office.ledger.add(executed())
    await fast.person(6666).wait_for("executed")
    del fast.office.portfolio.people[6666]
    fast.office.ledger.wake()
    fast.office.ledger.add(executed())
    await told_to(fast, OWNER)
    assert len(fast.person(6666).received) == 1


async def test_who_is_let_in_again_is_told_nothing_of_the_time_between(fast: Bot) -> None:
    portfolio, guest, clock = fast.office.portfolio, Person(6666, "Guest", Role.TRADER, "Owner", NOON), fast.office.context.clock
    portfolio.people[6666], portfolio.readers[6666] = guest, Reader(6666)
    fast.office.ledger.wake()
    await until(lambda: "6666" in fast.office.ledger.cursors)
    fast.office.ledger.add(executed())
    await fast.person(6666).wait_for("executed")
    del portfolio.people[6666]
    await clock.sleep(2)
    fast.office.ledger.add(executed(), ApprovalRequested(approval(), "WIF", "USDC"), urgent())
    await told_to(fast, OWNER)
    portfolio.people[6666] = replace(guest, since=clock.now())
    fast.office.ledger.add(executed(Side.SELL))
    await told_to(fast, 6666)
    assert firsts(fast, 6666) == ["🟩 BUY_SM executed", "🔴 SELL_SM executed"]


async def test_two_readers_have_their_own_question_which_their_own_alert_replaces(fast: Bot) -> None:
    trader = fast.person(TRADER)
    await trader.ask("/start")
    await until(lambda: str(TRADER) in fast.office.ledger.cursors)
    fast.office.ledger.add(ApprovalRequested(approval(), "WIF", "USDC"))
    asked = [await person.wait_for("trade this?") for person in (fast.owner, trader)]
    fast.office.ledger.add(ApprovalClosed(approval(state=ApprovalState.APPROVED, by="Ann"), "WIF", "USDC"))
    for person, question in zip((fast.owner, trader), asked, strict=True):
        assert "Ann" in (await person.wait_for_edit(question, "approved")).text
    order = replace(executed().order, approved_by="Ann", approved_at=NOON)
    fast.office.ledger.add(replace(executed(), order=order))
    for person, question in zip((fast.owner, trader), asked, strict=True):
        alert = await person.wait_for("🟩 BUY_SM executed")
        assert "Approved by Ann, 12:00:00 UTC, at 0.48" in alert.text
        await person.wait_until_gone(question)


@given(start=st.times(), end=st.times(), at=st.times())
def test_it_is_quiet_in_the_hours_or_outside_of_the_others(start: time, end: time, at: time) -> None:
    if start == end:
        return
    assert QuietHours(start, end).include(at) is not QuietHours(end, start).include(at)


def test_every_role_has_a_level_for_every_topic() -> None:
    assert all(set(levels) == set(Topic) for levels in DEFAULTS.values())
    assert set(DEFAULTS) == set(Role)


async def test_only_owners_hear_of_people() -> None:
    office = Office(FastClock())
    main = office.recipients.main()
    for event in (StrangerSeen(1, "x"), PersonJoined(Person(1, "x", Role.VIEWER, "y", NOON))):
        assert main.level(event) is Level.LOUD
        assert replace(main, role=Role.TRADER).level(event) is Level.OFF


async def test_a_pace_is_kept_by_each_and_by_all_together() -> None:
    clock = FastClock(100)
    whole = RateLimiter(clock, 1 / 30)
    first, second = RateLimiter(clock, CHAT_SECONDS, whole), RateLimiter(clock, CHAT_SECONDS, whole)
    began = clock.monotonic()
    await asyncio.gather(*(rate_limiter.take() for rate_limiter in (first, first, second, second, first)))
    assert clock.monotonic() - began >= 2


async def test_mornings_evenings_and_heartbeats_come_once_by_each_ones_own_clock(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, start=datetime(2026, 11, 25, 6, 59, tzinfo=UTC)) as firm:
        await firm.owner.ask("/zone Europe/Berlin")
        await firm.owner.ask("/heartbeat 1h")
        timer = DigestTimer(firm.context, firm.context.people.recipients, firm.trading.inbox, firm.clock, firm.clock.now())
        await timer.run()
        assert len(firm.owner.received) == 2
        firm.clock.skip(61)
        for _ in range(3):
            await timer.run()
        morning = await firm.owner.wait_for("Good morning")
        assert "25 Nov 2026 08:00 CET" in morning.text
        assert "Today no closed trades yet · 0 positions · mode auto\n💚 All systems OK." in morning.text
        assert morning.silent
        beat = await firm.owner.wait_for("All systems OK, 08:00")
        assert len(beat.text.splitlines()) == 2
    async with firm_on(server, tmp_path, start=datetime(2026, 11, 25, 7, 2, tzinfo=UTC)) as firm:
        before = firm.clock.now() - timedelta(minutes=10)
        await DigestTimer(firm.context, firm.context.people.recipients, firm.trading.inbox, firm.clock, before).run()
        await firm.settled()
        assert sum("Good morning" in message.text for message in firm.owner.received) == 1


async def test_a_digest_is_for_the_one_it_was_made_for_and_has_a_chart_where_there_are_results(fast: Bot) -> None:
    await fast.person(TRADER).ask("/start")
    await until(lambda: str(TRADER) in fast.office.ledger.cursors)
    days = (("2026-11-23", Decimal("1.5")), ("2026-11-24", Decimal("-0.5")))
    digest = Digest(TRADER, Occasion.EVENING, NOON, "off", "auto", "paper", 1, {"USDC": Decimal("-0.5")}, 2, 1,
                    {"USDC": Decimal("0.2")}, 1, ("kafka",), "USDC", days)  # fmt: skip
    fast.office.ledger.add(DigestMade(digest), executed())
    told = await fast.person(TRADER).wait_for("Good evening", within=30)
    assert told.photo is not None
    assert "Unrealised P&L: +0.20 USDC\nClosed trades today: 2, winners: 1" in told.text
    assert "Problems: Kafka" in told.text
    await fast.owner.wait_for("executed")
    assert not any("evening" in line for line in firsts(fast, OWNER))


async def test_an_absence_is_told_once_with_what_came_meanwhile() -> None:
    clock, said = FastClock(), list[Event]()

    class Came:
        waiting = True

        async def arrivals(self, seq: int, before: datetime) -> dict[str, int]:
            assert (seq, before) == (5, started)
            return {"ordered": 3, "expired": 2} | ({"": 1} if self.waiting else {})

    started, came, read = clock.now(), Came(), [False]
    since = started - timedelta(minutes=4)
    watch = BacklogReport(came, clock, away_since=since, newest_seq=5, is_read=lambda: read[0], emit=said.append)
    started = watch._started
    await watch.run()
    read[0] = True
    await watch.run()
    assert said == []
    came.waiting = False
    await watch.run()
    await watch.run()
    assert said == [CaughtUp(since, started, 5, 2)]
    text = plain_text(render(said[0], texts("en")).text)
    assert f"I was offline from {since:%H:%M} to {started:%H:%M:%S} UTC. 5 signals came, 2 too old" in text
    yesterday = since - timedelta(days=1)
    text = plain_text(render(CaughtUp(yesterday, started, 5, 2), texts("en")).text)
    assert f"I was offline from {texts('en').moment(yesterday)} to {started:%H:%M:%S} UTC" in text


async def test_the_keyboard_below_says_the_commands_in_any_language(bot: Bot) -> None:
    greeting = await bot.owner.ask("/start")
    assert "Your role: owner" in greeting.text
    assert "Open positions" in (await bot.owner.ask("📊 Status")).text
    assert "PAUSED" in (await bot.owner.ask("⏸ Пауза")).text
    assert "I understand commands" in (await bot.owner.ask("📊 Statuses")).text
