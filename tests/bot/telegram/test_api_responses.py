"""A Bot API that answers oddly to every request: nothing ends, and everything is sent once it is well again."""

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import count

import pytest
from telegram import InputMediaPhoto, Message, Update
from telegram.error import TelegramError
from telegram.ext import ExtBot

from bot.telegram.api_responses import RESULTS, OddAnswer, checked
from bot.telegram.client import connect
from bot.telegram.rate_limiter import RateLimiters
from bot.telegram.telegram_app import TelegramChat
from core.domain.events.approvals import ApprovalRequested
from local_telegram.errors import ApiError
from local_telegram.server import RunningChat
from tests.bot.conftest import PEOPLE, bot_on, running, until
from tests.bot.parts import OWNER, FastClock, MemoryLedger, Office, alone, approval, executed, refused
from tests.chat_client import ChatPerson
from tests.own_time import own_seconds
from tests.owner_deliveries import owners_notifier
from tests.ring import Ring
from tests.servers.odd import OddFront, Reply, any_odd, dumped, odd_front

ANSWERS = int(os.environ.get("ODD_ANSWERS", "1000"))
SEED = int(os.environ.get("ODD_SEED", "1"))
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
_ENDS_THE_START = {401, 404}  # as documented for getMe: not a bot's token


def spoil(chance: random.Random, request: str, answer: Reply) -> Reply:
    """Returns an odd answer of the Bot API: any JSON server's, or a refusal in its own text with odd ones among them."""
    if chance.random() < 0.7:
        return any_odd(chance, answer)
    code = chance.choice((400, 401, 403, 404, 409, 413, 429, 500, 0, -1, 10**30, "429", None))
    status = (
        code if isinstance(code, int) and 400 <= code < 600 and chance.random() < 0.7 else chance.choice((200, 400, 429, 502))
    )
    if request.endswith("/getMe") and code == status and status in _ENDS_THE_START:
        status, code = 502, 502
    waits = (-5, 0, 1, 3, 31_536_000, 10**400, -1_001_234_567_890, float("nan"), "soon", None, True, [5])
    asked = {chance.choice(("retry_after", "migrate_to_chat_id")): chance.choice(waits)}
    parameters: object = chance.choice((None, [], 5, asked, asked))
    words: object = chance.choice(
        (None, 5, [], "", "Bad Request: chat not found", "x" * 10_000, "Conflict: \0\ud800", {"text": "x"})
    )
    return Reply(status, dumped({"ok": False, "error_code": code, "description": words, "parameters": parameters}))


@pytest.fixture
async def front(server: RunningChat) -> AsyncIterator[OddFront]:
    """Yields odd answers in front of the local chat."""
    async with odd_front(server.port, spoil, SEED) as front:
        yield front


def true_answer(_chance: random.Random, _request: str, answer: Reply) -> Reply:
    """Changes nothing."""
    return answer


def tap(owner: ChatPerson, chance: random.Random) -> None:
    """Taps some button of the last messages, where there is one."""
    there = [(one, button) for one in owner.received[-8:] for button in one.buttons]
    with suppress(ApiError):
        if there:
            message, button = chance.choice(there)
            owner.press(message, button.text)


SAID = ("/status", "/pause", "/export", "hello", "/resume", "/chart 7d", "/mode confirm", "/balance", "/cancel")


async def test_no_odd_answer_ends_anything_and_all_is_told_in_the_end(server: RunningChat, front: OddFront) -> None:
    clock = FastClock(speed=2_000)
    office = await Office(clock).with_position()
    ledger, url = MemoryLedger(), f"http://127.0.0.1:{front.port}"
    ledger.now = clock.now
    chat = TelegramChat(connect(server.token, url), office.context, office.ledger, RateLimiters(clock), alone(clock))
    notifiers = owners_notifier(connect(server.token, url), OWNER, ledger, clock)
    owner = ChatPerson(server.room, PEOPLE[0])
    vital = [asyncio.create_task(chat.run()), asyncio.create_task(notifiers.run())]
    turns, chance = count(), random.Random(SEED)

    def keep_busy() -> bool:
        """Gives both something to send and to answer, and checks whether they live."""
        assert [task for task in vital if task.done()] == []
        turn = next(turns)
        if len(ledger.unsent) < 3:
            ledger.add(executed(), ApprovalRequested(approval(f"a{turn}"), "WIF", "USDC"), refused())
        if turn % 20 == 0:
            owner.send(chance.choice(SAID))
            tap(owner, chance)
        return front.total >= ANSWERS

    try:
        await until(keep_busy, within=240)
        front.spoiling = False
        asked = owner.send("/positions")
        await owner.wait_for("WIF", after=asked, within=30)
        await until(lambda: not ledger.unsent, within=30)
        assert notifiers.ready[0]
        assert [task for task in vital if task.done()] == []
    finally:
        for task in vital:
            task.cancel()
        await asyncio.gather(*vital, return_exceptions=True)
        await office.inbox.close()
    assert {request.rpartition("/")[2] for request in front.made} >= {"getMe", "getUpdates", "sendMessage", "setMyCommands"}


CALLS: Mapping[str, Callable[[ExtBot[None]], Awaitable[object]]] = {
    "getMe": lambda bot: bot.get_me(),
    "getUpdates": lambda bot: bot.get_updates(),
    "getChat": lambda bot: bot.get_chat(OWNER),
    "sendMessage": lambda bot: bot.send_message(OWNER, "x"),
    "sendPhoto": lambda bot: bot.send_photo(OWNER, PICTURE),
    "sendDocument": lambda bot: bot.send_document(OWNER, b"a,b", filename="a.csv"),
    "editMessageText": lambda bot: bot.edit_message_text("y", OWNER, 1),
    "editMessageMedia": lambda bot: bot.edit_message_media(InputMediaPhoto(PICTURE), OWNER, 1),
    "editMessageReplyMarkup": lambda bot: bot.edit_message_reply_markup(OWNER, 1),
    "deleteMessage": lambda bot: bot.delete_message(OWNER, 1),
    "deleteWebhook": lambda bot: bot.delete_webhook(),
    "answerCallbackQuery": lambda bot: bot.answer_callback_query("1"),
    "setMyCommands": lambda bot: bot.set_my_commands([("status", "how it is")]),
    "deleteMyCommands": lambda bot: bot.delete_my_commands(),
}
TRUE: Mapping[str, object] = {
    "sendPhoto": (MESSAGE := {"message_id": 7, "date": 1_700_000_000, "chat": {"id": OWNER, "type": "private"}}),
    "sendDocument": MESSAGE,
    "editMessageText": MESSAGE,
    "editMessageMedia": MESSAGE,
    "editMessageReplyMarkup": True,
    "deleteMessage": True,
    "answerCallbackQuery": True,
}


async def test_every_method_has_telegrams_word_or_an_error_of_telegrams(server: RunningChat, front: OddFront) -> None:
    assert set(CALLS) == set(RESULTS)
    many = max(ANSWERS // 50, 5)
    bot = connect(server.token, f"http://127.0.0.1:{front.port}")
    await bot.request.initialize()
    ends = Counter[str]()
    for call in CALLS.values():
        for _ in range(many):
            server.room.updates.put("message", server.room.as_json(server.room.send(OWNER, "hello")))
            try:
                await call(bot)
            except TelegramError as error:
                ends[type(error).__name__] += 1
    await bot.request.shutdown()
    await bot._request[0].shutdown()
    assert front.total == len(CALLS) * many
    assert ends["OddAnswer"] > front.total / 4


@pytest.mark.parametrize("method", RESULTS)
def test_what_is_handed_to_the_library_can_be_read_by_it(method: str) -> None:
    """Feeds the reader directly, without a connection: ten thousand a second."""
    chance = random.Random(SEED)
    user = {"id": 5, "is_bot": False, "first_name": "A", "username": "a_bot"}
    said = MESSAGE | {"from": user, "text": "/status", "reply_to_message": MESSAGE}
    tap = {"id": "1", "from": user, "chat_instance": "x", "data": "/status", "message": MESSAGE}
    updates = [{"update_id": 1, "message": said}, {"update_id": 2, "callback_query": tap}]
    true = {"getMe": user, "getUpdates": updates, "getChat": MESSAGE["chat"], "sendMessage": said}
    body = dumped({"ok": True, "result": TRUE.get(method, true.get(method, True))})
    assert json.loads(checked(method, 200, body))["ok"] is True
    odd = 0
    for _ in range(ANSWERS):
        answer = spoil(chance, f"POST /x/{method}", Reply(200, body))
        try:
            result = json.loads(checked(method, answer.status, answer.body))
        except OddAnswer:
            odd += 1
            continue
        if result["ok"] and method == "getUpdates":
            read = Update.de_list(result["result"], None)
            assert all(0 < update.update_id < 2**53 for update in read)
        elif result["ok"] and isinstance(result["result"], dict) and "message_id" in result["result"]:
            assert isinstance(Message.de_json(result["result"], None).message_id, int)
        elif not result["ok"]:
            assert 1 <= result["parameters"].get("retry_after", 1) <= 3600
            assert result["parameters"].get("migrate_to_chat_id", -1) < 0
    assert odd > ANSWERS / 4


async def test_an_update_that_cannot_be_read_is_passed_over_by_its_number(server: RunningChat, office: Office) -> None:
    server.room.updates.put("message", {"message_id": "poison"})
    async with bot_on(server, office) as bot:
        assert "WIF" in (await bot.owner.ask("/positions")).text


def later(clock: FastClock) -> datetime:
    """Returns a time at which nothing is late enough to be batched."""
    return clock.now() + timedelta(hours=3)


async def test_a_taken_alert_with_an_unreadable_answer_is_not_said_for_ever(server: RunningChat) -> None:
    def just_true(_chance: random.Random, request: str, answer: Reply) -> Reply:
        return Reply(200, b'{"ok":true,"result":true}') if request.endswith("/sendMessage") else answer

    clock, ledger = FastClock(50), MemoryLedger()
    ledger.now = partial(later, clock)
    ledger.add(executed(), refused())
    async with odd_front(server.port, just_true, SEED) as front:
        notifiers = owners_notifier(connect(server.token, f"http://127.0.0.1:{front.port}"), OWNER, ledger, clock)
        async with running(notifiers.run()):
            await until(lambda: not ledger.unsent)
    said = [one.text.splitlines()[0] for one in ChatPerson(server.room, PEOPLE[0]).received]
    assert said == ["🟩 BUY_SM executed"] * 3 + ["🚫 BUY_SM denied"] * 3


async def test_one_message_that_is_never_taken_keeps_no_other(server: RunningChat) -> None:
    """Refuses one message, like a firewall that dislikes a word."""
    clock, ledger = FastClock(500), MemoryLedger()
    ledger.now = partial(later, clock)
    ledger.add(executed(), refused())
    async with odd_front(server.port, true_answer, SEED) as front:
        front.dislikes = b"BUY_SM+executed"
        notifiers = owners_notifier(connect(server.token, f"http://127.0.0.1:{front.port}"), OWNER, ledger, clock)
        async with running(notifiers.run()):
            await until(lambda: not ledger.unsent)
    said = [one.text.splitlines()[0] for one in ChatPerson(server.room, PEOPLE[0]).received]
    assert "(order_executed, no. 1)" in said[0]
    assert said[1] == "🚫 BUY_SM denied"


async def test_a_page_of_a_firewall_is_not_taken_for_a_person_who_left(server: RunningChat) -> None:
    for status in (401, 403, 404):
        with pytest.raises(OddAnswer):
            checked("sendMessage", status, b"<html>Access denied</html>")
        with pytest.raises(OddAnswer):
            checked("sendMessage", status, b'{"error": "denied by policy"}')


def ordered(ring: Ring, times: int) -> bool:
    """Tells whether the exchange was asked for that many orders."""
    return ring.posts() == times


async def test_signals_are_traded_while_the_bot_api_is_odd(ring: Ring) -> None:
    async with odd_front(int(ring.chat.api_url.rpartition(":")[2]), spoil, SEED) as front:
        program = await ring.start(TG_API_URL=f"http://127.0.0.1:{front.port}")
        for number in range(6):
            began = own_seconds(program.last_pid)
            await ring.publish(("BUY_SM", "SELL_SM")[number % 2], 0.4801)
            await until(partial(ordered, ring, number + 1))
            assert own_seconds(program.last_pid) - began < 2
            assert program.is_alive
        assert front.total >= 3
        assert await program.stop() == 0


async def test_check_says_what_is_odd_in_a_line(ring: Ring) -> None:
    def no_type(_chance: random.Random, request: str, answer: Reply) -> Reply:
        return Reply(200, b'{"ok":true,"result":{"id":1}}') if request.endswith("/getChat") else answer

    def old(_chance: random.Random, request: str, answer: Reply) -> Reply:
        whole = b'{"ok":true,"result":{"id":1,"type":"private","first_name":"Ann"}}'
        return Reply(200, whole) if request.endswith("/getChat") else answer

    port = int(ring.chat.api_url.rpartition(":")[2])
    async with odd_front(port, no_type, SEED) as front:
        ended = await ring.command("check", TG_API_URL=f"http://127.0.0.1:{front.port}")
    assert (ended.code, "Traceback" in ended.stderr) == (1, False)
    assert "FAIL  telegram" in ended.stdout
    assert "answers, but not as the Bot API does (getChat: a result that is not as documented (KeyError 'type'))" in ended.stdout
    assert "ok    binance" in ended.stdout
    async with odd_front(port, old, SEED) as front:
        ended = await ring.command("check", TG_API_URL=f"http://127.0.0.1:{front.port}")
    assert "alerts go to Ann (private)" in ended.stdout
