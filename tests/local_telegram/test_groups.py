"""Groups and topics of the local chat, used through the real python-telegram-bot."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeChat,
    BotCommandScopeChatAdministrators,
    BotCommandScopeChatMember,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
    ReplyKeyboardMarkup,
    ReplyParameters,
)
from telegram.error import BadRequest, Forbidden, RetryAfter

from demo.cast import ALERTS, PEOPLE, QUESTIONS, STRANGER, TRADER, TRADING_DESK, VIEWER
from local_telegram.faults import FloodLimit
from local_telegram.group import Group
from local_telegram.model import Person
from local_telegram.room import OWNER, Room
from local_telegram.server import RunningChat, running_chat
from tests.chat_client import ChatPerson

DESK = TRADING_DESK.chat_id
APPROVE = InlineKeyboardMarkup([[InlineKeyboardButton("Approve", callback_data="approve")]])


@pytest.fixture
async def server() -> AsyncIterator[RunningChat]:
    async with running_chat(Room(PEOPLE, (TRADING_DESK,))) as chat:
        yield chat


@pytest.fixture
async def bot(server: RunningChat) -> AsyncIterator[Bot]:
    async with bot_of(server) as ready:
        yield ready


def bot_of(server: RunningChat) -> Bot:
    return Bot(server.token, base_url=f"{server.api_url}/bot")


def at_desk(server: RunningChat, person: Person = OWNER, thread_id: int = 0) -> ChatPerson:
    return ChatPerson(server.room, person).at(DESK, thread_id)


async def told(bot: Bot) -> list[Message]:
    """Returns the messages that the bot received since the last time."""
    updates = await bot.get_updates()
    if updates:
        await bot.get_updates(offset=updates[-1].update_id + 1)
    return [update.message for update in updates if update.message]


async def test_who_is_in_the_group(bot: Bot) -> None:
    group = await bot.get_chat(DESK)
    assert (group.type, group.title, group.is_forum) == ("supergroup", "Trading desk", True)
    assert group.permissions is not None
    assert group.permissions.can_send_messages
    assert not group.permissions.can_pin_messages
    statuses = {person.user_id: (await bot.get_chat_member(DESK, person.user_id)).status for person in PEOPLE}
    assert statuses == {OWNER.user_id: "creator"} | dict.fromkeys([TRADER.user_id, VIEWER.user_id, STRANGER.user_id], "member")
    assert [member.user.id for member in await bot.get_chat_administrators(DESK)] == [OWNER.user_id]
    assert await bot.get_chat_member_count(DESK) == len(PEOPLE) + 1
    with pytest.raises(BadRequest, match=r"(?i)participant_id_invalid"):
        await bot.get_chat_member(DESK, 99)
    with pytest.raises(BadRequest, match=r"(?i)no administrators in the private chat"):
        await bot.get_chat_administrators(OWNER.user_id)


async def test_a_message_says_who_where_and_in_which_topic(server: RunningChat, bot: Bot) -> None:
    at_desk(server, VIEWER, ALERTS).send("/status@marketflow_local_bot")
    at_desk(server, TRADER).send("/pnl")
    in_topic, in_general = await told(bot)
    assert in_topic.from_user is not None
    assert (in_topic.from_user.id, in_topic.chat.id, in_topic.chat.is_forum) == (VIEWER.user_id, DESK, True)
    assert (in_topic.message_thread_id, in_topic.is_topic_message) == (ALERTS, True)
    assert in_topic.reply_to_message is not None  # the message that created the topic, as Telegram has it
    assert in_topic.reply_to_message.forum_topic_created is not None
    assert in_topic.reply_to_message.forum_topic_created.name == "Alerts"
    assert (in_general.message_thread_id, in_general.is_topic_message, in_general.reply_to_message) == (None, None, None)


async def test_each_supergroup_numbers_its_own_messages(server: RunningChat, bot: Bot) -> None:
    here = await bot.send_message(DESK, "in the group")
    private = [await bot.send_message(person.user_id, "in private") for person in (OWNER, TRADER)]
    assert here.message_id == QUESTIONS + 1
    assert [message.message_id for message in private] == [1, 2]


async def test_the_bot_writes_into_a_topic_and_an_answer_stays_in_its_own(server: RunningChat, bot: Bot) -> None:
    sent = await bot.send_message(DESK, "sold", message_thread_id=ALERTS)
    assert (sent.message_thread_id, sent.is_topic_message) == (ALERTS, True)
    asked = at_desk(server, TRADER, QUESTIONS).send("/why")
    answer = await bot.send_message(DESK, "because", reply_parameters=ReplyParameters(asked.message_id))
    assert answer.message_thread_id == QUESTIONS
    assert answer.reply_to_message is not None
    assert answer.reply_to_message.message_id == asked.message_id
    assert [message.text for message in at_desk(server, STRANGER, ALERTS).received] == ["sold"]
    for wrong in (1, 99):  # "General" cannot be named, as with Telegram
        with pytest.raises(BadRequest, match=r"(?i)message thread not found"):
            await bot.send_message(DESK, "x", message_thread_id=wrong)
    with pytest.raises(BadRequest, match=r"(?i)message thread not found"):
        await bot.send_message(OWNER.user_id, "x", message_thread_id=ALERTS)
    assert await bot.send_chat_action(DESK, "typing", message_thread_id=1)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("/status", True),
        ("/status@marketflow_local_bot", True),
        ("/status@Marketflow_Local_Bot now", True),
        ("/status@another_bot", False),
        ("hello", False),
        ("see /status", False),
        ("/not/a/command", False),
        ("what does @marketflow_local_bot say?", True),
        ("what does @marketflow_local_bots say?", False),
    ],
)
async def test_in_privacy_mode_the_bot_sees_what_is_for_it(server: RunningChat, bot: Bot, text: str, seen: bool) -> None:
    at_desk(server, TRADER).send(text)
    assert [message.text for message in await told(bot)] == ([text] if seen else [])


async def test_an_answer_to_the_bot_is_seen_and_an_administrator_sees_all(server: RunningChat, bot: Bot) -> None:
    assert not (await bot.get_me()).can_read_all_group_messages
    alert = await bot.send_message(DESK, "sold")
    trader = at_desk(server, TRADER)
    shown = trader.received[0]
    own = trader.send("nice")
    trader.send("why?", reply_to=shown)
    trader.send("indeed", reply_to=own)
    (seen,) = await told(bot)
    assert seen.reply_to_message is not None
    assert (seen.text, seen.reply_to_message.message_id) == ("why?", alert.message_id)
    server.room.promote_bot(DESK)
    trader.send("now it hears this")
    assert [message.text for message in await told(bot)] == ["now it hears this"]


async def test_a_bot_without_privacy_mode_sees_all() -> None:
    async with running_chat(Room(PEOPLE, (TRADING_DESK,), privacy=False)) as server, bot_of(server) as bot:
        assert (await bot.get_me()).can_read_all_group_messages
        at_desk(server, TRADER).send("hello")
        assert [message.text for message in await told(bot)] == ["hello"]


async def test_a_tap_in_a_group_is_of_who_taps(server: RunningChat, bot: Bot) -> None:
    await bot.send_message(DESK, "trade this?", message_thread_id=ALERTS, reply_markup=APPROVE)
    viewer, trader = at_desk(server, VIEWER, ALERTS), at_desk(server, TRADER, ALERTS)
    query_ids = [person.press(person.received[0], "approve") for person in (viewer, trader)]
    queries = [update.callback_query for update in await bot.get_updates() if update.callback_query]
    assert [query.from_user.id for query in queries] == [VIEWER.user_id, TRADER.user_id]
    assert {query.message.chat.id for query in queries if query.message} == {DESK}
    assert len({query.chat_instance for query in queries}) == 1
    await bot.answer_callback_query(query_ids[0], "You may only look")
    notice = await viewer.wait_for_answer(query_ids[0])
    assert (notice["text"], notice["person"]) == ("You may only look", VIEWER.user_id)


async def test_what_only_an_administrator_may(server: RunningChat, bot: Bot) -> None:
    mine = await bot.send_message(DESK, "mine")
    others = at_desk(server, TRADER).send("/status")
    with pytest.raises(BadRequest, match=r"(?i)not enough rights to manage pinned messages in the chat"):
        await mine.pin()
    with pytest.raises(BadRequest, match=r"(?i)message can't be deleted"):
        await bot.delete_message(DESK, others.message_id)
    assert await mine.delete()
    server.room.promote_bot(DESK)
    assert await bot.pin_chat_message(DESK, others.message_id)
    assert await bot.delete_message(DESK, others.message_id)


async def test_a_bot_that_was_removed_is_told_and_turned_away(server: RunningChat, bot: Bot) -> None:
    server.room.remove_bot(DESK, OWNER.user_id)
    at_desk(server).send("/status")
    (update,) = await bot.get_updates()
    assert update.my_chat_member is not None
    assert update.my_chat_member.new_chat_member.status == "kicked"
    with pytest.raises(Forbidden, match="bot was kicked from the supergroup chat"):
        await bot.send_message(DESK, "x")
    server.room.remove_bot(DESK, OWNER.user_id, removed=False)
    assert await bot.send_message(DESK, "back")
    server.room.block(TRADER.user_id)
    member = (await bot.get_updates(offset=update.update_id + 1))[-1].my_chat_member
    assert member is not None
    assert (member.chat.id, member.new_chat_member.status) == (TRADER.user_id, "kicked")


async def test_who_is_not_in_a_group_is_kept_out() -> None:
    club = Group(-1001000000043, "Club", (OWNER.user_id,))
    async with running_chat(Room(PEOPLE, (club,))) as server:
        outsider = ChatPerson(server.room, TRADER).at(club.chat_id)
        with pytest.raises(Exception, match="chat not found"):
            outsider.send("/status")
        async with bot_of(server) as bot:
            assert (await bot.get_chat_member(club.chat_id, TRADER.user_id)).status == "left"
            assert (await bot.get_chat(club.chat_id)).is_forum is None


async def test_a_group_has_menus_of_its_own(server: RunningChat, bot: Bot) -> None:
    scopes = [
        ("all", BotCommandScopeAllGroupChats()),
        ("desk", BotCommandScopeChat(DESK)),
        ("admins", BotCommandScopeChatAdministrators(DESK)),
        ("trader", BotCommandScopeChatMember(DESK, TRADER.user_id)),
    ]

    def menu(person: Person) -> list[str]:
        found = server.room.profile.commands_for(person.user_id, "en", TRADING_DESK)
        return [command["command"] for command in found]

    seen = []
    for name, scope in scopes:
        await bot.set_my_commands([BotCommand(name, "x")], scope=scope)
        seen.append([menu(person) for person in (OWNER, TRADER, VIEWER)])
    assert seen == [
        [["all"], ["all"], ["all"]],
        [["desk"], ["desk"], ["desk"]],
        [["admins"], ["desk"], ["desk"]],
        [["admins"], ["trader"], ["desk"]],
    ]
    assert server.room.profile.commands_for(TRADER.user_id, "en") == []
    with pytest.raises(BadRequest, match=r"(?i)can't use specified scope in private chats"):
        await bot.set_my_commands([("x", "x")], scope=BotCommandScopeChatMember(OWNER.user_id, OWNER.user_id))
    with pytest.raises(BadRequest, match=r"(?i)chat not found"):
        await bot.set_my_commands([("x", "x")], scope=BotCommandScopeChat(STRANGER.user_id))  # never started


async def test_a_selective_keyboard_is_for_whom_it_answers(server: RunningChat, bot: Bot) -> None:
    asked = at_desk(server, TRADER).send("/start")
    keys = ReplyKeyboardMarkup([["/status"]], selective=True)
    await bot.send_message(DESK, "here", reply_markup=keys, reply_parameters=ReplyParameters(asked.message_id))
    chat = server.room.chat(DESK)
    assert chat is not None
    rows = {person.user_id: chat.keyboard_for(person.user_id).rows for person in (TRADER, VIEWER)}
    assert rows == {TRADER.user_id: (("/status",),), VIEWER.user_id: ()}


async def test_a_group_takes_twenty_messages_a_minute() -> None:
    seconds = [0.0]
    limit = FloodLimit(lambda: seconds[0])
    async with running_chat(Room(PEOPLE, (TRADING_DESK,), flood_limit=limit)) as server, bot_of(server) as bot:
        for _ in range(20):
            await bot.send_message(DESK, "x")
        with pytest.raises(RetryAfter):
            await bot.send_message(DESK, "x")
        seconds[0] += 4
        await bot.send_message(DESK, "x")


@pytest.mark.parametrize(
    ("method", "arguments", "reason"),
    [
        ("sendMessage", {"text": "x", "colour": "red"}, "sendMessage has no parameter colour"),
        ("sendMessage", {"text": "x", "entities": [{"type": "bald", "offset": 0, "length": 1}]}, "Unsupported type"),
        ("sendMessage", {"text": "x", "reply_parameters": {"message_id": 1, "quote": "x"}}, "has no quote"),
        ("setMyCommands", {"commands": [], "language_code": "english"}, "invalid language code specified"),
    ],
)
async def test_what_is_not_known_is_refused(bot: Bot, method: str, arguments: dict[str, Any], reason: str) -> None:
    place = {"chat_id": DESK} if method.startswith("send") else {}
    with pytest.raises(BadRequest, match=rf"(?i){reason}"):
        await bot._post(method, place | arguments)
