"""Outbox to chat over HTTP: in order, urgent first, batched, and nothing lost whatever Telegram or the ledger does."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from bot.notifications.dispatcher import NotificationDispatcher
from bot.telegram.client import RetryingBot, connect
from bot.views.chat_message import ChatMessage
from core.domain.approval import ApprovalState
from core.domain.delivery import MAIN_READER, Delivery
from core.domain.events.access import StrangerSeen
from core.domain.events.approvals import ApprovalClosed, ApprovalRequested
from core.domain.events.intake import DeadLettersFound
from core.domain.events.orders import OrderFailed
from core.domain.events.priority import Priority
from core.domain.events.signals import SignalRefused
from core.domain.messages import DeadLetter
from core.domain.order_state_machine import OrderState
from core.domain.reasons import reason
from core.domain.record_problems import kinds_of
from core.domain.signal import Side
from demo.cast import PEOPLE as CAST
from demo.cast import TRADING_DESK
from local_telegram.faults import FloodLimit
from local_telegram.room import OWNER as OWNER_OF_ALL
from local_telegram.room import Room
from local_telegram.server import RunningChat, running_chat
from tests.bot.conftest import PEOPLE, running, until
from tests.bot.parts import NOON, OWNER, FastClock, MemoryLedger, approval, executed, refused, signal
from tests.chat_client import ChatPerson
from tests.owner_deliveries import owners_notifier


@dataclass
class Alerts:
    """A notifier, its outbox, and the owner's chat."""

    notifier: NotificationDispatcher
    ledger: MemoryLedger
    owner: ChatPerson
    clock: FastClock

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.owner.received]

    async def all_told(self) -> None:
        await until(lambda: not self.ledger.unsent, within=20)


@contextlib.asynccontextmanager
async def alerts_to(server: RunningChat, ledger: MemoryLedger, speed: float = 50, chat_id: int = OWNER) -> AsyncIterator[Alerts]:
    clock = FastClock(speed)
    ledger.now = clock.now
    notifier = owners_notifier(connect(server.token, server.api_url), chat_id, ledger, clock)
    async with running(notifier.run()):
        yield Alerts(notifier, ledger, ChatPerson(server.room, PEOPLE[0]), clock)


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


def first_lines(alerts: Alerts) -> list[str]:
    return [text.splitlines()[0] for text in alerts.texts]


def letters(count: int, problem: str = "not JSON") -> DeadLettersFound:
    return DeadLettersFound(count, DeadLetter("kafka:trading_signals", "trading_signals/0/17", problem, b"{", NOON))


def urgent() -> OrderFailed:
    order = executed().order
    return OrderFailed(type(order)("x", signal(), 1, Side.BUY, order.qty, order.price, OrderState.REJECTED, "live", NOON, NOON,
                                   reason=reason("market_closed", symbol="WIFUSDC")))  # fmt: skip


async def test_what_waits_is_told_urgent_first_then_in_order(server: RunningChat, ledger: MemoryLedger) -> None:
    ledger.add(executed(), executed(Side.SELL), urgent())
    async with alerts_to(server, ledger) as alerts:
        await alerts.all_told()
        assert first_lines(alerts) == ["❗ BUY_SM failed", "🟩 BUY_SM executed", "🔴 SELL_SM executed"]
        assert ledger.told_in == {3: 1, 1: 2, 2: 3}
        ledger.add(refused())
        await alerts.all_told()
        assert first_lines(alerts)[-1] == "🚫 BUY_SM denied"


async def test_chatter_makes_no_sound(server: RunningChat, ledger: MemoryLedger) -> None:
    async with alerts_to(server, ledger) as alerts:
        ledger.add(StrangerSeen(6666, "<b>Mallory</b>"), executed())
        await alerts.all_told()
        assert [message.silent for message in alerts.owner.received] == [False, True]
        assert alerts.texts[1].startswith("👤 <b>Mallory</b> (id 6666)")


async def test_five_hundred_executions_are_one_message(server: RunningChat, ledger: MemoryLedger) -> None:
    ledger.add(*(executed() for _ in range(500)), urgent(), ApprovalRequested(approval(), "WIF", "USDC"))
    async with alerts_to(server, ledger) as alerts:
        await alerts.all_told()
        assert first_lines(alerts) == ["❗ BUY_SM failed", "❓ BUY_SM: trade this?", "📚 500 events (UTC)"]
        assert alerts.texts[2].splitlines()[-1].endswith("485 executed. /trades /signals")
        assert len(ledger.told_in) == 502


async def test_a_flood_of_failures_is_folded_too(server: RunningChat, ledger: MemoryLedger) -> None:
    ledger.add(*(urgent() for _ in range(40)))
    async with alerts_to(server, ledger) as alerts:
        await alerts.all_told()
        assert first_lines(alerts) == ["📚 40 events (UTC)"]


async def test_telegrams_own_limits_are_kept(ledger: MemoryLedger) -> None:
    clock = FastClock(50)
    limit = FloodLimit(clock.monotonic, chat_burst=1)
    async with running_chat(Room(PEOPLE, flood_limit=limit)) as server, alerts_to(server, ledger) as alerts:
        ledger.add(*(executed() for _ in range(5)))
        began = alerts.clock.monotonic()
        await alerts.all_told()
        assert len(alerts.texts) == 5
        assert alerts.clock.monotonic() - began >= 4


async def test_retry_after_is_honoured(server: RunningChat, ledger: MemoryLedger) -> None:
    server.room.faults.flood("sendMessage", times=2, retry_after=7)
    async with alerts_to(server, ledger) as alerts:
        ledger.add(executed())
        began = alerts.clock.monotonic()
        await alerts.all_told()
        assert alerts.clock.monotonic() - began >= 14
        assert len(alerts.texts) == 1


@pytest.mark.parametrize("fault", ["bad_gateway", "cut"])
async def test_an_outage_delays_and_drops_nothing(server: RunningChat, ledger: MemoryLedger, fault: str) -> None:
    getattr(server.room.faults, fault)("sendMessage", times=5)
    async with alerts_to(server, ledger, speed=200) as alerts:
        ledger.add(executed(), refused())
        await until(lambda: not alerts.notifier.ready[0])
        await alerts.all_told()
        assert first_lines(alerts) == ["🟩 BUY_SM executed", "🚫 BUY_SM denied"]
        assert alerts.notifier.ready[0]


async def test_a_lost_answer_tells_it_again_rather_than_not(server: RunningChat, ledger: MemoryLedger) -> None:
    server.room.faults.cut("sendMessage", applied=True)
    async with alerts_to(server, ledger) as alerts:
        ledger.add(executed())
        await alerts.all_told()
        assert first_lines(alerts) == ["🟩 BUY_SM executed"] * 2


async def test_a_topic_that_was_taken_away_keeps_no_alert(ledger: MemoryLedger) -> None:
    async with running_chat(Room(CAST, (TRADING_DESK,))) as server:
        clock, seat = FastClock(50), ChatPerson(server.room, OWNER_OF_ALL).at(TRADING_DESK.chat_id)
        ledger.now = clock.now
        ledger.add(executed(), urgent())
        gone = 99
        bot = connect(server.token, server.api_url)
        async with running(owners_notifier(bot, TRADING_DESK.chat_id, ledger, clock, gone).run()):
            await until(lambda: not ledger.unsent)
        assert [message.text.splitlines()[0] for message in seat.received] == ["❗ BUY_SM failed", "🟩 BUY_SM executed"]


async def test_a_bot_that_is_blocked_keeps_everything_and_does_not_spin(server: RunningChat, ledger: MemoryLedger) -> None:
    server.room.block(OWNER)
    async with alerts_to(server, ledger, speed=500) as alerts:
        ledger.now = lambda: alerts.clock.now() + timedelta(hours=3)  # or a slow machine makes them late, and batched
        ledger.add(executed(), executed(Side.SELL))
        await until(lambda: "Forbidden" in alerts.notifier.ready[1])
        await until(lambda: alerts.clock.monotonic() > 50)
        assert len(ledger.unsent) == 2
        server.room.block(OWNER, blocked=False)
        await alerts.all_told()
        assert first_lines(alerts) == ["🟩 BUY_SM executed", "🔴 SELL_SM executed"]


async def test_a_chat_that_is_not_there_is_said(server: RunningChat, ledger: MemoryLedger) -> None:
    ledger.add(executed())
    async with alerts_to(server, ledger, chat_id=424242) as alerts:
        await until(lambda: "not found" in alerts.notifier.ready[1])
        assert len(ledger.unsent) == 1


async def test_an_ailing_ledger_does_not_make_it_repeat_itself(server: RunningChat, ledger: MemoryLedger) -> None:
    ledger.write_down = True
    async with alerts_to(server, ledger) as alerts:
        ledger.add(executed())
        await alerts.owner.wait_for("executed")
        began = alerts.clock.monotonic()
        await until(lambda: alerts.clock.monotonic() > began + 10)
        ledger.write_down = False
        await alerts.all_told()
        assert len(alerts.texts) == 1


async def test_an_event_that_cannot_be_shown_does_not_stop_the_others(server: RunningChat, ledger: MemoryLedger) -> None:
    broken = executed()
    object.__setattr__(broken.execution, "price", None)  # as a row of a later version might be
    async with alerts_to(server, ledger) as alerts:
        ledger.add(broken, refused())
        await alerts.all_told()
        assert "could not be displayed (order_executed, no. 1)" in alerts.texts[0]
        assert first_lines(alerts)[1] == "🚫 BUY_SM denied"


async def test_a_question_decided_while_telegram_was_away_is_only_a_record(server: RunningChat, ledger: MemoryLedger) -> None:
    ledger.add(ApprovalRequested(approval(), "WIF", "USDC"))
    ledger.add(
        ApprovalClosed(
            approval(state=ApprovalState.WITHDRAWN), "WIF", "USDC", reason("approval_withdrawn", signal_type="SELL_SM")
        )
    )
    async with alerts_to(server, ledger) as alerts:
        await alerts.all_told()
        assert first_lines(alerts) == ["↩️ BUY_SM withdrawn"]


async def test_a_question_of_a_former_chat_does_not_hold_up_what_is_told_in_this_one(
    server: RunningChat, ledger: MemoryLedger
) -> None:
    asked_there = Delivery(-100_777, 5, Priority.URGENT, 0, 0, question=1)  # in a group that the bot is no longer in
    ledger.deliveries.append((MAIN_READER, asked_there))
    decided = approval(state=ApprovalState.DECLINED, token="t")
    ledger.add(ApprovalClosed(decided, "WIF", "USDC", reason("declined", who="Ann")))
    ledger.add(executed())
    async with alerts_to(server, ledger) as alerts:
        await alerts.all_told()
    assert first_lines(alerts) == ["✖️ BUY_SM declined", "🟩 BUY_SM executed"]


async def test_ten_thousand_unreadable_records_are_one_message(server: RunningChat, ledger: MemoryLedger) -> None:
    async with alerts_to(server, ledger) as alerts:
        for _ in range(100):
            ledger.add(letters(100))
        ledger.add(executed())
        await alerts.all_told()
        assert first_lines(alerts) == ["🟩 BUY_SM executed", "🗑 Unreadable records: 10000"]
        assert "First: not JSON\nFrom: trading_signals/0/17" in alerts.texts[1]


async def test_later_unreadable_records_are_put_into_the_same_message_for_ten_minutes(
    server: RunningChat, ledger: MemoryLedger
) -> None:
    async with alerts_to(server, ledger) as alerts:
        ledger.add(letters(2))
        await alerts.all_told()
        ledger.add(letters(3))
        await alerts.all_told()
        assert first_lines(alerts) == ["🗑 Unreadable records: 5"]
        alerts.clock.skip(601)
        ledger.add(letters(4))
        await alerts.all_told()
        assert first_lines(alerts) == ["🗑 Unreadable records: 5", "🗑 Unreadable records: 4"]


async def test_a_problem_of_another_kind_is_not_hidden_behind_the_first(server: RunningChat, ledger: MemoryLedger) -> None:
    async with alerts_to(server, ledger) as alerts:
        ledger.add(letters(2, "close is 'abc': not a number"))
        await alerts.all_told()
        ledger.add(letters(900, "close is 'd'e': not a number"))
        await alerts.all_told()
        assert first_lines(alerts) == ["🗑 Unreadable records: 902"]
        found = [DeadLetter("webhook", f"webhook/{number}", "signal_type is missing", b"{}", NOON) for number in range(3)]
        ledger.add(DeadLettersFound(3, found[0], kinds_of(found)))
        await alerts.all_told()
        assert first_lines(alerts) == ["🗑 Unreadable records: 902", "🗑 Unreadable records: 905"]
        assert "• 902 × close is 'abc': not a number (trading_signals/0/17)" in alerts.texts[1]
        assert "• 3 × signal_type is missing (webhook/0)" in alerts.texts[1]
        ledger.add(letters(95, "close is 'f': not a number"), DeadLettersFound(3, found[0], kinds_of(found)))
        await alerts.all_told()
        assert first_lines(alerts) == ["🗑 Unreadable records: 902", "🗑 Unreadable records: 1003"]


def paused(seq: int) -> SignalRefused:
    return SignalRefused(signal(signal_id=f"p{seq}"), "ignored", reason("paused"), seq, priority=Priority.PAUSED)


async def test_what_a_pause_stops_is_told_folded_once_a_minute_without_a_sound(server: RunningChat, ledger: MemoryLedger) -> None:
    async with alerts_to(server, ledger) as alerts:
        ledger.add(*(paused(seq) for seq in range(9)))
        await alerts.all_told()
        began = alerts.clock.monotonic()
        ledger.add(paused(9), executed())
        await alerts.owner.wait_for("executed")
        assert alerts.clock.monotonic() - began < 30
        ledger.add(*(paused(seq) for seq in range(10, 20)))
        await alerts.all_told()
        assert alerts.clock.monotonic() - began > 55
        assert first_lines(alerts) == ["📚 9 events (UTC)", "🟩 BUY_SM executed", "📚 11 events (UTC)"]
        assert [message.silent for message in alerts.owner.received] == [True, False, True]


async def test_questions_withdrawn_before_they_could_be_asked_are_one_message(server: RunningChat, ledger: MemoryLedger) -> None:
    for number in range(4):
        one = replace(approval(token=f"t{number}"), inbox_seq=number + 1)
        gone = replace(one, state=ApprovalState.WITHDRAWN)
        ledger.add(ApprovalRequested(one, "WIF", "USDC"))
        ledger.add(ApprovalClosed(gone, "WIF", "USDC", reason("approval_withdrawn", signal_type="SELL_SM")))
    ledger.add(executed())
    async with alerts_to(server, ledger) as alerts:
        await alerts.all_told()
        assert first_lines(alerts) == ["📚 4 events (UTC)", "🟩 BUY_SM executed"]


async def test_unreadable_records_without_a_pause_are_told_all_the_same(server: RunningChat, ledger: MemoryLedger) -> None:
    async with alerts_to(server, ledger) as alerts:
        began = alerts.clock.monotonic()

        def told() -> bool:
            ledger.add(letters(1))
            return bool(alerts.texts)

        await until(told)
        assert 20 < alerts.clock.monotonic() - began < 60


async def test_what_telegram_cannot_parse_goes_as_plain_text_and_what_is_long_in_pieces(server: RunningChat) -> None:
    bot = connect(server.token, server.api_url)
    sender = RetryingBot(bot, FastClock())
    await sender.send(OWNER, ChatMessage("<b>not closed &amp; <i>crossed</b></i>"))
    await sender.send(OWNER, ChatMessage("<b>" + "🟩 a line &lt;of&gt; text\n" * 300 + "</b>"))
    await bot.request.shutdown()
    owner = ChatPerson(server.room, PEOPLE[0])
    assert owner.received[0].text == "not closed & crossed"
    assert len(owner.received) > 2
    assert "".join(message.text for message in owner.received[1:]).count("🟩 a line <of> text") == 300
