"""The local Bot API, reached by the real python-telegram-bot over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllPrivateChats,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    MessageEntity,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    ReplyParameters,
    Update,
)
from telegram.constants import ChatAction, ParseMode
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter, TimedOut
from telegram.ext import ApplicationBuilder, CallbackQueryHandler, CommandHandler, MessageHandler, filters

from local_telegram.conversation import KEPT
from local_telegram.faults import FloodLimit
from local_telegram.room import ANSWER_WITHIN_S, OWNER, Room
from local_telegram.updates import UpdateQueue
from tests.chat_client import STRANGER, LocalChat, local_chat

APPROVE = InlineKeyboardMarkup([[InlineKeyboardButton("Approve", callback_data="approve")]])


def png(width: int, height: int) -> bytes:
    """Returns a grey picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x90" * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def bot_for(chat: LocalChat, token: str = "") -> Bot:
    return Bot(
        token or chat.token,
        base_url=f"{chat.api_url}/bot",
        base_file_url=f"{chat.api_url}/file/bot",
    )


@pytest.fixture
async def chat() -> AsyncIterator[LocalChat]:
    async with local_chat() as running:
        yield running


@pytest.fixture
async def bot(chat: LocalChat) -> AsyncIterator[Bot]:
    async with bot_for(chat) as ready:
        yield ready


@contextlib.asynccontextmanager
async def running_bot(chat: LocalChat) -> AsyncIterator[Any]:
    """Runs an application as a bot's author writes it, polling the local chat."""

    async def status(update: Update, context: Any) -> None:
        assert update.message
        await update.message.reply_html(f"<b>running</b> {' '.join(context.args)}", reply_markup=APPROVE)

    async def pressed(update: Update, context: Any) -> None:
        assert update.callback_query
        await update.callback_query.answer("Done", show_alert=True)
        await update.callback_query.edit_message_text(f"{update.callback_query.data}d")

    async def echo(update: Update, context: Any) -> None:
        assert update.message
        await update.message.reply_text(f"echo {update.message.text}", do_quote=True)

    builder = ApplicationBuilder().token(chat.token).base_url(f"{chat.api_url}/bot")
    application = builder.base_file_url(f"{chat.api_url}/file/bot").build()
    application.add_handler(CommandHandler("status", status))
    application.add_handler(CallbackQueryHandler(pressed))
    application.add_handler(MessageHandler(filters.TEXT & ~filters.COMMAND, echo))
    async with application:
        await application.start()
        assert application.updater
        await application.updater.start_polling(poll_interval=0)
        yield application
        await application.updater.stop()
        await application.stop()


async def test_a_command_is_answered_and_a_button_edits_the_message(chat: LocalChat) -> None:
    async with running_bot(chat):
        answer = await chat.owner.ask("/status now")
        assert answer.text == "running now"
        assert [(entity.type, entity.offset, entity.length) for entity in answer.entities] == [("bold", 0, 7)]
        query = chat.owner.press(answer, "approve")
        edited = await chat.owner.wait_for_edit(answer, "approved")
        assert edited.buttons == []
        assert edited.edited_at is not None
        notice = await chat.owner.wait_for_answer(query)
        assert (notice["text"], notice["alert"]) == ("Done", True)
        reply = await chat.owner.ask("hello /status")
        assert reply.text == "echo hello /status"
        assert reply.reply_to == reply.message_id - 1


async def test_two_persons_have_their_own_chats(chat: LocalChat) -> None:
    async with running_bot(chat):
        await chat.stranger.ask("/status mine")
        await chat.owner.ask("/status yours")
    assert [message.text for message in chat.stranger.received] == ["running mine"]
    assert [message.text for message in chat.owner.received] == ["running yours"]


async def test_who_the_bot_is_and_whom_it_talks_to(chat: LocalChat, bot: Bot) -> None:
    me = await bot.get_me()
    assert (me.id, me.is_bot, me.username) == (int(chat.token.partition(":")[0]), True, "marketflow_local_bot")
    full = await bot.get_chat(OWNER.user_id)
    assert (full.type, full.first_name, full.username) == ("private", "Owner", "owner")
    assert (await bot.get_chat_member(OWNER.user_id, OWNER.user_id)).status == "member"
    assert (await bot.get_webhook_info()).url == ""


@pytest.mark.parametrize("token", ["1:wrong", "no-token"])
async def test_a_wrong_token_is_refused(chat: LocalChat, token: str) -> None:
    with pytest.raises(InvalidToken):
        async with bot_for(chat, token):
            pass


async def test_refusals_on_the_wire_are_the_real_ones(chat: LocalChat) -> None:
    async with httpx.AsyncClient(base_url=chat.api_url) as http:
        wrong = await http.get("/bot1:wrong/getMe")
        assert wrong.status_code == 401
        assert wrong.json() == {"ok": False, "error_code": 401, "description": "Unauthorized"}
        unknown = await http.post(f"/bot{chat.token}/flyToTheMoon")
        assert unknown.json() == {"ok": False, "error_code": 404, "description": "Not Found"}


@pytest.mark.parametrize("how", ["query", "form", "json", "multipart"])
async def test_arguments_come_in_every_form_the_api_takes(chat: LocalChat, how: str) -> None:
    arguments = {"chat_id": str(OWNER.user_id), "text": "a < b & c", "reply_markup": '{"remove_keyboard": true}'}
    async with httpx.AsyncClient(base_url=chat.api_url) as http:
        path = f"/bot{chat.token}/SENDmessage"
        if how == "query":
            answer = await http.get(path, params=arguments)
        elif how == "form":
            answer = await http.post(path, data=arguments)
        elif how == "json":
            answer = await http.post(path, json=arguments)
        else:
            answer = await http.post(path, data=arguments, files={"chat_id": (None, arguments["chat_id"])})
    assert answer.json()["result"]["text"] == "a < b & c"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"text": "<b>x"}, "Can't parse entities: can't find end tag corresponding to start tag \"b\""),
        ({"text": "1 <x> 2"}, 'Can\'t parse entities: unsupported start tag "x" at byte offset 2'),
        ({"text": " \n "}, "Message text is empty"),
        ({"text": "<b></b>"}, "Message text is empty"),
        ({"text": "x" * 4097}, "Message is too long"),
        ({"text": "x", "chat_id": 5}, "Chat not found"),
        ({"text": "x", "chat_id": "@nobody"}, "Chat not found"),
        ({"text": "x", "parse_mode": "Poem"}, "Unsupported parse_mode"),
        ({"text": "x", "reply_parameters": ReplyParameters(99)}, "Message to be replied not found"),
    ],
)
async def test_a_bad_message_is_refused_in_telegrams_words(
    bot: Bot, chat: LocalChat, arguments: dict[str, Any], reason: str
) -> None:
    merged: dict[str, Any] = {"chat_id": OWNER.user_id, "parse_mode": ParseMode.HTML} | arguments
    with pytest.raises(BadRequest) as refused:
        await bot.send_message(**merged)
    assert refused.value.message.lower() == reason.lower()
    assert chat.owner.received == []


async def test_the_limit_counts_what_is_shown_not_the_markup(bot: Bot) -> None:
    sent = await bot.send_message(OWNER.user_id, f"<b>{'&lt;' * 4096}</b>", parse_mode=ParseMode.HTML)
    assert sent.text == "<" * 4096
    assert sent.text_html == f"<b>{'&lt;' * 4096}</b>"


@pytest.mark.parametrize(("data", "fits"), [("x" * 64, True), ("x" * 65, False), ("ж" * 33, False)])
async def test_callback_data_holds_64_bytes(bot: Bot, data: str, fits: bool) -> None:
    keyboard = InlineKeyboardMarkup.from_button(InlineKeyboardButton("go", callback_data=data))
    refused = contextlib.nullcontext() if fits else pytest.raises(BadRequest, match=r"(?i)button_data_invalid")
    with refused:
        await bot.send_message(OWNER.user_id, "x", reply_markup=keyboard)


async def test_what_cannot_be_edited(chat: LocalChat, bot: Bot) -> None:
    sent = await bot.send_message(OWNER.user_id, "same", reply_markup=APPROVE)
    with pytest.raises(BadRequest, match=r"(?i)message is not modified: specified new message content and reply"):
        await sent.edit_text("same", reply_markup=APPROVE)
    with pytest.raises(BadRequest, match=r"(?i)message to edit not found"):
        await bot.edit_message_text("x", OWNER.user_id, 4711)
    mine = chat.owner.send("mine")
    keyboard = await bot.send_message(OWNER.user_id, "x", reply_markup=ReplyKeyboardMarkup([["a"]]))
    for message_id in (mine.message_id, keyboard.message_id):
        with pytest.raises(BadRequest, match=r"(?i)message can't be edited"):
            await bot.edit_message_text("y", OWNER.user_id, message_id)
    with pytest.raises(BadRequest, match=r"(?i)there is no caption"):
        await sent.edit_caption("x")


async def test_an_edit_without_a_keyboard_removes_it(chat: LocalChat, bot: Bot) -> None:
    sent = await bot.send_message(OWNER.user_id, "asks", reply_markup=APPROVE)
    assert chat.owner.received[0].button("approve")
    await sent.edit_reply_markup(None)
    assert chat.owner.received[0].buttons == []
    with pytest.raises(Exception, match="no such button"):
        chat.owner.press(chat.owner.received[0], "approve")


async def test_a_press_is_answered_once_and_in_time() -> None:
    seconds = [0.0]
    async with local_chat(monotonic=lambda: seconds[0]) as chat, bot_for(chat) as bot:
        await bot.send_message(OWNER.user_id, "asks", reply_markup=APPROVE)
        asked = chat.owner.received[0]
        once = chat.owner.press(asked, "Approve")
        await bot.answer_callback_query(once, "yes")
        late = chat.owner.press(asked, "approve")
        seconds[0] += ANSWER_WITHIN_S + 1
        for query in (once, late, "17"):
            with pytest.raises(BadRequest, match=r"(?i)query is too old and response timeout expired or query id is inv"):
                await bot.answer_callback_query(query)


async def test_a_photo_goes_and_comes_back(chat: LocalChat, bot: Bot) -> None:
    picture = png(40, 30)
    sent = await bot.send_photo(OWNER.user_id, picture, caption="<i>chart</i>", parse_mode=ParseMode.HTML)
    assert (sent.photo[-1].width, sent.photo[-1].height, sent.caption) == (40, 30, "chart")
    assert bytes(await (await sent.photo[-1].get_file()).download_as_bytearray()) == picture
    again = await bot.send_photo(OWNER.user_id, sent.photo[-1].file_id)
    assert again.photo[-1].file_id == sent.photo[-1].file_id
    newer = png(20, 20)
    await sent.edit_media(InputMediaPhoto(newer, caption="new"))
    shown = chat.owner.received[0]
    assert shown.photo is not None
    assert (shown.text, shown.photo.data) == ("new", newer)
    await sent.edit_caption("newer")
    assert chat.owner.received[0].text == "newer"


async def test_entities_that_are_listed_are_shown(chat: LocalChat, bot: Bot) -> None:
    bold, link = MessageEntity("bold", 2, 4), MessageEntity("text_link", 7, 4, url="https://example.com")
    sent = await bot.send_message(OWNER.user_id, "  bold link /pnl", entities=[bold, link])
    assert sent.text_html == '<b>bold</b> <a href="https://example.com/">link</a> /pnl'
    photo = await bot.send_photo(OWNER.user_id, png(9, 9), caption="bold", caption_entities=[MessageEntity("bold", 0, 4)])
    assert photo.caption_html == "<b>bold</b>"
    with pytest.raises(BadRequest, match=r"(?i)entity beginning at utf-16 offset 0 has wrong length"):
        await bot.send_message(OWNER.user_id, "x", entities=[MessageEntity("bold", 0, 0)])


async def test_pictures_that_are_none_are_refused(bot: Bot) -> None:
    for data, reason in [(b"no picture", "image_process_failed"), (png(1, 400), "photo_invalid_dimensions")]:
        with pytest.raises(BadRequest, match=rf"(?i){reason}"):
            await bot.send_photo(OWNER.user_id, data)
    with pytest.raises(BadRequest, match=r"(?i)caption is too long"):
        await bot.send_photo(OWNER.user_id, png(9, 9), caption="x" * 1025)


async def test_a_document_keeps_name_and_bytes(chat: LocalChat, bot: Bot) -> None:
    sent = await bot.send_document(OWNER.user_id, b"a,b\n1,2\n", filename="trades.csv", caption="October")
    assert sent.document is not None
    assert (sent.document.file_name, sent.document.mime_type) == ("trades.csv", "text/csv")
    assert bytes(await (await sent.document.get_file()).download_as_bytearray()) == b"a,b\n1,2\n"
    mine = chat.owner.send_file("notes.txt", b"hello")
    update = (await bot.get_updates())[-1]
    assert update.message
    assert update.message.document
    assert (update.message.message_id, update.message.document.file_name) == (mine.message_id, "notes.txt")


async def test_confirmed_updates_are_forgotten(chat: LocalChat, bot: Bot) -> None:
    for text in ("one", "two", "three"):
        chat.owner.send(text)
    first = await bot.get_updates(limit=2)
    assert [update.message.text for update in first if update.message] == ["one", "two"]
    rest = await bot.get_updates(offset=first[-1].update_id + 1)
    assert [update.message.text for update in rest if update.message] == ["three"]
    assert [update.update_id for update in await bot.get_updates()] == [rest[0].update_id]
    chat.owner.send("four")
    assert len(await bot.get_updates(offset=-1)) == 1
    assert (await bot.get_webhook_info()).pending_update_count == 1
    await bot.delete_webhook(drop_pending_updates=True)
    assert await bot.get_updates() == ()


async def test_only_wanted_kinds_of_updates_come(chat: LocalChat, bot: Bot) -> None:
    await bot.get_updates(allowed_updates=["callback_query"])
    chat.owner.send("unheard")
    sent = await bot.send_message(OWNER.user_id, "asks", reply_markup=APPROVE)
    chat.room.press(OWNER.user_id, sent.message_id, "approve")
    (update,) = await bot.get_updates()
    assert update.callback_query
    assert update.callback_query.data == "approve"


async def test_a_long_poll_ends_with_the_update(chat: LocalChat, bot: Bot) -> None:
    waiting = asyncio.create_task(bot.get_updates(timeout=20))
    await bot.get_me()
    chat.owner.send("/now")
    (update,) = await asyncio.wait_for(waiting, 5)
    assert update.message
    assert update.message.entities[0].type == "bot_command"


async def test_the_older_of_two_readers_gets_a_conflict(chat: LocalChat, bot: Bot) -> None:
    older = asyncio.create_task(bot.get_updates(timeout=20))
    async with bot_for(chat) as second:
        while chat.room.updates.readers == 0:
            await second.get_me()
        newer = asyncio.create_task(second.get_updates(timeout=20))
        with pytest.raises(Conflict, match="terminated by other getUpdates request"):
            await asyncio.wait_for(older, 5)
        chat.owner.send("hello")
        assert len(await asyncio.wait_for(newer, 5)) == 1


async def test_who_does_not_wait_disturbs_nobody(chat: LocalChat, bot: Bot) -> None:
    waiting = asyncio.create_task(bot.get_updates(offset=1, timeout=20))
    async with bot_for(chat) as second:
        while chat.room.updates.readers == 0:
            await second.get_me()
        assert await second.get_updates(offset=2) == ()
        chat.owner.send("hello")
        assert len(await asyncio.wait_for(waiting, 5)) == 1
        assert len(await second.get_updates(offset=2)) == 1  # nobody has confirmed yet that it arrived


async def test_conflicts_that_follow_each_other_are_held_back_as_is_who_asks_the_same_again() -> None:
    now = 0.0
    queue = UpdateQueue(lambda: now)

    async def poll(offset: int, seconds: float) -> list[dict[str, object]]:
        return await queue.get(offset, 100, seconds)

    polls = [asyncio.create_task(poll(number, 20)) for number in range(3)]
    done, _ = await asyncio.wait(polls, return_when=asyncio.FIRST_EXCEPTION)
    assert len(done) == 1
    done, _ = await asyncio.wait(polls, timeout=1)
    assert len(done) == 1  # the second conflict comes later
    now = 100.0
    queue.put("message", {})
    queue.put("message", {})
    assert len(await poll(5, 0)) == 2
    assert len(await poll(5, 0)) == 1  # the same again, at once
    queue.close()
    await asyncio.gather(*polls, return_exceptions=True)


async def test_commands_by_scope_and_language(chat: LocalChat, bot: Bot) -> None:
    await bot.set_my_commands([BotCommand("status", "Shows all")])
    await bot.set_my_commands([BotCommand("status", "Всё")], language_code="ru")
    assert chat.room.profile.commands_for(OWNER.user_id, "en")[0]["description"] == "Shows all"
    assert chat.room.profile.commands_for(STRANGER.user_id, "ru")[0]["description"] == "Всё"
    private = BotCommandScopeAllPrivateChats()
    await bot.set_my_commands([BotCommand("pnl", "Profit")], scope=private)
    assert [command["command"] for command in chat.room.profile.commands_for(1001, "en")] == ["pnl"]
    await bot.delete_my_commands(scope=private)
    assert [command.description for command in await bot.get_my_commands()] == ["Shows all"]
    for bad in (("Status", "x"), ("x" * 33, "x"), ("ok", "")):
        with pytest.raises(BadRequest, match=r"(?i)bot_command"):
            await bot.set_my_commands([bad])


async def test_reply_keyboard_reaction_pin_typing(chat: LocalChat, bot: Bot) -> None:
    sent = await bot.send_message(OWNER.user_id, "x", reply_markup=ReplyKeyboardMarkup([["/pnl", "/status"]]))
    state = chat.room.chat(OWNER.user_id)
    assert state is not None
    assert state.keyboard_for(OWNER.user_id).rows == (("/pnl", "/status"),)
    await bot.send_message(OWNER.user_id, "y", reply_markup=ReplyKeyboardRemove())
    assert not state.keyboard_for(OWNER.user_id).rows
    mine = chat.owner.send("thanks")
    await bot.set_message_reaction(OWNER.user_id, mine.message_id, "👍")
    assert chat.owner.messages[-1].reactions == ("👍",)
    with pytest.raises(BadRequest, match=r"(?i)reaction_invalid"):
        await bot.set_message_reaction(OWNER.user_id, mine.message_id, "x")
    await bot.pin_chat_message(OWNER.user_id, sent.message_id)
    pinned = (await bot.get_chat(OWNER.user_id)).pinned_message
    assert pinned is not None
    assert pinned.message_id == sent.message_id
    await bot.send_chat_action(OWNER.user_id, ChatAction.TYPING)
    assert state.action_in(0)[0] == "typing"
    await sent.delete()
    assert not state.pinned
    with pytest.raises(BadRequest, match=r"(?i)message to delete not found"):
        await sent.delete()


async def test_a_person_who_never_wrote_or_blocked_the_bot(chat: LocalChat, bot: Bot) -> None:
    with pytest.raises(BadRequest, match=r"(?i)chat not found"):
        await bot.send_message(STRANGER.user_id, "hello")
    chat.stranger.send("/start")
    await bot.send_message(STRANGER.user_id, "hello")
    chat.room.block(STRANGER.user_id)
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(STRANGER.user_id, "hello")


async def test_faults_at_the_wire_hit_so_many_calls(chat: LocalChat, bot: Bot) -> None:
    faults = chat.room.faults
    faults.flood("sendMessage", times=2, retry_after=7)
    for _ in range(2):
        with pytest.raises(RetryAfter, match="Retry in 0:00:07"):
            await bot.send_message(OWNER.user_id, "x")
    faults.bad_gateway("sendMessage")
    with pytest.raises(NetworkError, match="502"):
        await bot.send_message(OWNER.user_id, "x")
    faults.cut("sendMessage")
    with pytest.raises(NetworkError):
        await bot.send_message(OWNER.user_id, "x")
    assert (await bot.get_me()).is_bot
    assert chat.owner.received == []
    faults.cut("sendMessage", applied=True)
    with pytest.raises(NetworkError):
        await bot.send_message(OWNER.user_id, "delivered, but the answer is lost")
    assert [message.text for message in chat.owner.received] == ["delivered, but the answer is lost"]
    faults.hang("sendMessage", seconds=30)
    with pytest.raises(TimedOut):
        await bot.send_message(OWNER.user_id, "x", read_timeout=0.2)
    await bot.send_message(OWNER.user_id, "all is well")
    assert len(chat.owner.received) == 2


async def test_down_until_it_is_up() -> None:
    seconds = [0.0]
    async with local_chat(monotonic=lambda: seconds[0]) as chat:
        chat.room.faults.down_for(30)
        async with httpx.AsyncClient(base_url=chat.api_url) as http:
            with pytest.raises(httpx.TransportError):
                await http.get(f"/bot{chat.token}/getMe")
            assert (await http.get("/")).status_code == 200
            seconds[0] += 31
            assert (await http.get(f"/bot{chat.token}/getMe")).json()["ok"]


async def test_telegrams_own_flood_limit() -> None:
    seconds = [0.0]

    def clock() -> float:
        return seconds[0]

    async with local_chat(flood_limit=FloodLimit(clock), monotonic=clock) as chat, bot_for(chat) as bot:
        for _ in range(5):
            await bot.send_message(OWNER.user_id, "x")
        with pytest.raises(RetryAfter):
            await bot.send_message(OWNER.user_id, "x")
        seconds[0] += 2
        await bot.send_message(OWNER.user_id, "x")


async def test_dates_are_those_of_the_rooms_clock() -> None:
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    times = iter(noon + timedelta(minutes=minute) for minute in range(9))
    async with local_chat(clock=lambda: next(times)) as chat, bot_for(chat) as bot:
        sent = await bot.send_message(OWNER.user_id, "x")
        edited = await sent.edit_text("y")
        assert sent.date == noon
        assert isinstance(edited, type(sent))
        assert edited.edit_date == noon + timedelta(minutes=1)


def test_memory_is_bounded_and_ids_grow() -> None:
    room = Room()
    for number in range(KEPT + 10):
        room.send(OWNER.user_id, str(number))
    kept = room.messages(OWNER.user_id)
    assert len(kept) == KEPT
    assert kept[-1].message_id == KEPT + 10
    assert kept[0].text == "10"
