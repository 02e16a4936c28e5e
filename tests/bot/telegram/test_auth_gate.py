"""The gate, over HTTP: who gets an answer, who may do what, what comes too late, and that the token is in no log."""

import asyncio
import logging
from itertools import count
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.telegram.client import connect
from bot.telegram.rate_limiter import RateLimiters
from bot.telegram.telegram_app import TelegramChat
from core.domain.access import Role
from core.domain.errors import ConfigurationError
from core.domain.trading_state import Mode, Pause
from local_telegram.room import Room
from local_telegram.server import RunningChat, running_chat
from tests.bot.conftest import PEOPLE, Bot, bot_on, until
from tests.bot.firm import Firm
from tests.bot.parts import OWNER, STRANGER, TRADER, VIEWER, FastClock, Office, alone, approval
from tests.own_time import own_seconds


async def test_a_stranger_gets_nothing_and_is_recorded_once_also_after_a_restart(server: RunningChat) -> None:
    office = Office(FastClock())
    for _ in range(2):
        async with bot_on(server, office) as bot:
            stranger = bot.person(STRANGER)
            for text in ("/start", "/status", "hello", "/pause"):
                stranger.send(text)
            await bot.owner.ask("/status")  # sent after these, so they have been handled
            assert stranger.received == []
    assert office.ledger.strangers == {STRANGER: "<b>Mallory</b> @<b>mallory</b>"}
    assert office.ledger.new_strangers == 1
    assert office.trading.handled == []


async def test_a_strangers_tap_gets_no_answer_either(bot: Bot) -> None:
    put_tap(bot, STRANGER, "/mode auto", query_id="123")
    put_tap(bot, STRANGER, "ap:a1b2c3d4e5f6g7h8:y", query_id="124")
    await bot.owner.ask("/status")
    chat = bot.room.chat(STRANGER)
    assert chat is not None
    assert chat.since(0) == ([], [], [])
    assert bot.office.trading.handled == []
    assert STRANGER in bot.office.ledger.strangers


async def test_a_stranger_is_recorded_later_when_the_ledger_is_away(bot: Bot) -> None:
    bot.office.ledger.down = True
    bot.person(STRANGER).send("/start")
    await bot.owner.ask("/positions")
    bot.office.ledger.down = False
    assert STRANGER not in bot.office.ledger.strangers
    bot.person(STRANGER).send("/start")
    await bot.owner.ask("/positions")
    assert STRANGER in bot.office.ledger.strangers


async def test_a_gate_that_fails_lets_nobody_through(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> bool:
        raise RuntimeError("a bug")

    monkeypatch.setattr(bot.office.ledger, "first_time_stranger", fail)
    stranger = bot.person(STRANGER)
    stranger.send("/status")
    stranger.send("/pause")
    await bot.owner.ask("/positions")
    assert stranger.received == []
    assert bot.office.trading.handled == []


@pytest.mark.parametrize("said", ["/pause", "/PAUSE", "/pause@marketflow_local_bot", "/resume", "/mode auto"])
async def test_a_viewer_may_look_and_change_nothing(bot: Bot, said: str) -> None:
    viewer = bot.person(VIEWER)
    needed = "trader" if "pause" in said.lower() else "owner"
    assert f"needs the role {needed}; yours is viewer" in (await viewer.ask(said)).text
    assert "Open positions" in (await viewer.ask("/status")).text
    assert bot.office.trading.handled == []


@pytest.mark.parametrize("content", [{"message_id": "x"}, {"message_id": 1, "date": 0, "chat": "?"}, {}])
async def test_an_update_that_cannot_be_read_is_passed_over(bot: Bot, content: dict[str, object]) -> None:
    bot.room.updates.put("message", content)
    bot.room.updates.put("message", content)
    assert "Open positions" in (await bot.owner.ask("/status")).text


async def test_a_trader_may_stop_and_only_an_owner_goes_on(bot: Bot) -> None:
    trader = bot.person(TRADER)
    assert "PAUSED" in (await trader.ask("/pause")).text
    assert "needs the role owner" in (await trader.ask("/resume")).text
    asked = await bot.owner.ask("/resume")
    bot.owner.press(asked, "✅ Confirm")
    assert "Not paused" in (await bot.owner.wait_for_edit(asked)).text


async def test_a_viewers_taps_change_nothing(bot: Bot) -> None:
    bot.office.portfolio.approvals["a1b2c3d4e5f6g7h8"] = approval()
    viewer = bot.person(VIEWER)
    to_owner, to_viewer = await bot.owner.ask("/mode"), await viewer.ask("/mode")
    button = to_owner.button("observe")
    assert button is not None
    assert to_viewer.button("observe") is None
    put_tap(bot, VIEWER, button.data, query_id="124")
    put_tap(bot, VIEWER, "ap:a1b2c3d4e5f6g7h8:y", query_id="125")
    await viewer.ask("/status")
    assert bot.office.trading.handled == []
    assert bot.office.portfolio.trading_state.mode is Mode.AUTO


async def test_a_trader_may_pause(bot: Bot) -> None:
    assert "PAUSED" in (await bot.person(TRADER).ask("/pause")).text


A_BOT = {"id": 77, "is_bot": True, "first_name": "inline", "username": "inline_bot"}
SOMEBODY = {"type": "user", "date": 1, "sender_user": {"id": STRANGER, "is_bot": False, "first_name": "Mallory"}}
NOT_OWN: dict[str, dict[str, Any]] = {
    "forwarded": {"forward_origin": SOMEBODY},
    "forwarded by a hidden user": {"forward_origin": {"type": "hidden_user", "date": 1, "sender_user_name": "x"}},
    "forwarded by a channel": {"is_automatic_forward": True},
    "through a bot": {"via_bot": A_BOT},
    "by a business bot": {"sender_business_bot": A_BOT},
    "anonymous": {"sender_chat": {"id": -100, "type": "channel", "title": "x"}},
    "edited": {"edit_date": 1},
    "a quotation": {"quote": {"text": "/pause", "position": 0}},
    "an answer to another chat": {"external_reply": {"origin": SOMEBODY}},
}
"""Fields that make a message somebody else's words, or nobody's."""


@pytest.mark.parametrize("change", NOT_OWN.values(), ids=NOT_OWN)
@pytest.mark.parametrize("said", ["/pause", "/mode observe", "⏸ Pause"])
async def test_words_of_others_are_no_commands(bot: Bot, said: str, change: dict[str, Any]) -> None:
    put_message(bot, OWNER, said, change)
    await bot.owner.ask("/positions")
    assert bot.office.trading.handled == []


async def test_who_forwards_a_command_is_told_why_it_does_nothing(bot: Bot) -> None:
    said = bot.person(VIEWER).send("/pause")
    bot.owner.forward(said)
    assert "Nothing was done" in (await bot.owner.wait_for("forwarded")).text
    bot.owner.forward(bot.person(VIEWER).send("good morning"))
    await bot.owner.ask("/positions")
    assert len(bot.owner.received) == 2
    bot.person(STRANGER).forward(said)
    await bot.owner.ask("/positions")
    assert bot.person(STRANGER).received == []
    assert bot.office.trading.handled == []


async def test_a_code_that_is_forwarded_is_none(bot: Bot) -> None:
    bot.owner.forward(bot.person(VIEWER).send("123456"))
    assert "Nothing was done" in (await bot.owner.wait_for("forwarded")).text


@pytest.mark.parametrize(
    "change",
    [
        {"sender_chat": {"id": -100, "type": "channel", "title": "x"}},
        {"from": {"id": OWNER, "is_bot": True, "first_name": "a bot"}},
        {"from": None},
    ],
    ids=["anonymous", "another bot", "nobody"],
)
async def test_nobody_in_person_gets_nothing(bot: Bot, change: dict[str, Any]) -> None:
    put_message(bot, OWNER, "/pause", change)
    await bot.owner.ask("/status")
    assert bot.office.trading.handled == []


@pytest.mark.parametrize("kind", ["edited_message", "channel_post"])
async def test_only_new_messages_are_commands(bot: Bot, kind: str) -> None:
    bot.room.updates.want([kind, "message", "callback_query"])  # as a server would that kept an older setting
    put_message(bot, OWNER, "/pause", {"edit_date": int(bot.room.now().timestamp())}, kind=kind)
    await bot.owner.ask("/status")
    assert bot.office.trading.handled == []


async def test_in_a_group_the_person_counts_and_other_bots_commands_are_theirs(bot: Bot) -> None:
    group = {"chat": {"id": -42, "type": "group", "title": "<all>"}}
    put_message(bot, STRANGER, "/pause", group)
    put_message(bot, VIEWER, "/pause", group)
    put_message(bot, OWNER, "/pause@some_other_bot", group)
    put_message(bot, OWNER, "let us /pause", group)
    await bot.owner.ask("/status")
    assert bot.office.trading.handled == []
    put_message(bot, OWNER, "/pause@MarketFlow_local_bot", group)
    await until(lambda: bot.office.portfolio.trading_state.pause is Pause.ALL)


async def test_a_command_that_is_old_is_not_done_but_a_question_is_answered(bot: Bot) -> None:
    old = {"date": int(bot.room.now().timestamp()) - 3_600}
    put_message(bot, OWNER, "/pause", old)
    assert "This message is 1 h old, so /pause was not done" in (await bot.owner.wait_for("old")).text
    put_message(bot, OWNER, "/status", old)
    await bot.owner.wait_for("Open positions")
    assert bot.office.trading.handled == []


async def test_a_tap_that_telegram_calls_too_old_changes_nothing(bot: Bot) -> None:
    put_tap(bot, OWNER, "/mode observe", query_id="999")  # the server knows no such query
    assert (await bot.owner.wait_for("too old")).text == (
        "This tap is too old, so nothing was done. Tap again if you still want it."
    )
    assert bot.office.trading.handled == []


@pytest.mark.parametrize(
    "data",
    [
        *("", "ap:", "ap::y", "ap:../../x:y", "ap:a1b2c3d4e5f6g7h8:yes", "ap:a1b2c3d4e5f6g7h8:y:n", "ap:x:y\n"),
        *("\x00", "/nosuch", "Ж" * 32, "/"),
    ],
)
async def test_forged_buttons_do_nothing(bot: Bot, data: str) -> None:
    bot.office.portfolio.approvals["a1b2c3d4e5f6g7h8"] = approval()
    put_tap(bot, OWNER, data, query_id="77")
    await bot.owner.ask("/status")
    assert bot.office.trading.handled == []
    assert bot.owner.received[-1].text.startswith("MarketFlow")


async def test_one_slow_command_does_not_hold_up_the_next(bot: Bot) -> None:
    bot.office.trading.hold = asyncio.Event()
    bot.owner.send("/pause")
    assert "MarketFlow" in (await bot.owner.ask("/status", within=3)).text
    assert not any("PAUSED" in message.text for message in bot.owner.messages if message.from_bot)
    bot.office.trading.hold.set()
    await bot.owner.wait_for("PAUSED")


async def test_telegram_away_at_the_start_and_later(server: RunningChat) -> None:
    server.room.faults.cut("getMe", times=3)
    server.room.faults.bad_gateway("deleteWebhook", times=2)
    async with bot_on(server, Office(FastClock(speed=100))) as bot:
        assert bot.chat.ready == (True, "answers")
        server.room.faults.bad_gateway("getUpdates", times=3)
        server.room.faults.cut("sendMessage", times=1)
        bot.owner.send("/mode")
        bot.owner.send("/mode")
        await until(lambda: len(bot.owner.received) == 2)
        server.room.faults.flood("getUpdates", times=10_000, retry_after=60)
        bot.owner.send("/mode")
        await until(lambda: not bot.chat.ready[0] and "RetryAfter" in bot.chat.ready[1])


async def test_a_token_that_telegram_does_not_know_is_named_but_not_shown(server: RunningChat) -> None:
    office, token = Office(FastClock()), "123456:not-the-token-of-this-server"
    chat = TelegramChat(
        connect(token, server.api_url),
        office.context,
        office.ledger,
        RateLimiters(office.context.clock),
        alone(office.context.clock),
    )
    with pytest.raises(ConfigurationError, match="TG_TOKEN") as caught:
        await chat.run()
    assert token not in str(caught.value)
    assert not chat.ready[0]
    assert token not in chat.ready[1]
    await office.inbox.close()


async def test_a_token_that_is_taken_back_later_ends_nothing(server: RunningChat) -> None:
    async with bot_on(server, Office(FastClock(speed=100))) as bot:
        good, server.room.token = server.room.token, "1:another"
        bot.owner.send("/status")  # ends the wait for updates
        await until(lambda: "InvalidToken" in bot.chat.ready[1], within=60)
        server.room.token = good
        await until(lambda: bot.chat.ready[0])
        assert "MarketFlow" in (await bot.owner.ask("/status")).text


async def test_an_answer_outlasts_an_outage(server: RunningChat) -> None:
    async with bot_on(server, Office(FastClock(speed=100))) as bot:
        server.room.faults.cut("sendMessage", times=12)
        bot.owner.send("/pause")
        assert "PAUSED" in (await bot.owner.wait_for("PAUSED")).text
        assert len(bot.owner.received) == 1


async def test_the_end_does_not_wait_for_an_answer_that_nobody_takes(server: RunningChat) -> None:
    async with bot_on(server, Office(FastClock())) as bot:
        server.room.faults.cut("sendMessage", times=10_000)
        bot.owner.send("/pause")
        await until(lambda: bot.office.portfolio.trading_state.pause is Pause.ALL)
        begun = own_seconds()
    assert own_seconds() - begun < 5


async def test_the_token_is_in_no_log_whatever_happens(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as ours:
        async with running_chat(Room(PEOPLE)) as server:
            server.room.faults.cut("getMe")
            server.room.faults.bad_gateway("deleteWebhook")
            async with bot_on(server, Office(FastClock(speed=100))) as bot:
                server.room.faults.bad_gateway("sendMessage")
                await bot.owner.ask("/status")
                server.room.faults.bad_gateway("sendMessage", times=20)
                bot.owner.send("/status")
                await until(lambda: "an answer could not be given" in str(ours))
    assert "telegram.ext.Application" in {record.name for record in caplog.records}
    assert not [record for record in caplog.records if server.token in logging.Formatter().format(record)]
    assert server.token not in str(ours)


def test_roles_rise() -> None:
    assert Role.VIEWER < Role.TRADER < Role.OWNER


_NUMBERS = count(90_000)  # of messages: one with the number of another is the same one again


def put_message(bot: Bot | Firm, person_id: int, text: str, change: dict[str, Any], kind: str = "message") -> None:
    """Queues an update as Telegram would send it, for what the local chat's people cannot do."""
    chat = bot.person(person_id).person
    body = {
        "message_id": next(_NUMBERS),
        "date": int(bot.room.now().timestamp()),
        "chat": chat.as_chat(),
        "from": chat.as_user(),
        "text": text,
    }
    body |= change
    bot.room.updates.put(kind, {key: value for key, value in body.items() if value is not None})


def put_tap(bot: Bot | Firm, person_id: int, data: str, query_id: str) -> None:
    """Queues the tap of a button that no message of ours has."""
    person = bot.person(person_id).person
    message = {"message_id": 90_001, "date": int(bot.room.now().timestamp()), "chat": person.as_chat(), "text": "x"}
    query = {"id": query_id, "from": person.as_user(), "message": message, "chat_instance": "1", "data": data}
    bot.room.updates.put("callback_query", query)
