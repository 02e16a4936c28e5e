"""The bot in a local chat: the owner, a trader, a viewer and a stranger, all over HTTP."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest

from bot.reports import chart_process
from bot.telegram.client import connect
from bot.telegram.rate_limiter import RateLimiters
from bot.telegram.single_instance import SingleInstance
from bot.telegram.telegram_app import TelegramChat
from local_telegram.group import Group
from local_telegram.model import Person
from local_telegram.room import Room
from local_telegram.server import RunningChat, running_chat
from tests.bot.parts import OWNER, STRANGER, TRADER, VIEWER, FastClock, Office, alone
from tests.chat_client import ChatPerson

PEOPLE = tuple(
    Person(user_id, name, name.lower())
    for user_id, name in ((OWNER, "Owner"), (TRADER, "Trader"), (VIEWER, "Viewer"), (STRANGER, "<b>Mallory</b>"))
)

DESK = Group(-1001000000077, "Desk", tuple(person.user_id for person in PEOPLE), topics=("Alerts", "Questions"))


@dataclass
class Bot:
    """A running bot, its parts, and everybody who may write to it."""

    server: RunningChat
    office: Office
    chat: TelegramChat
    alone: SingleInstance

    @property
    def room(self) -> Room:
        return self.server.room

    def person(self, user_id: int) -> ChatPerson:
        return next(ChatPerson(self.room, person) for person in PEOPLE if person.user_id == user_id)

    @property
    def owner(self) -> ChatPerson:
        return self.person(OWNER)


@contextlib.asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    """Runs `work` beside the block and raises its errors there."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(true: Callable[[], bool], within: float = 10) -> None:
    """Waits for a condition that only the program knows; fails the test after `within` seconds."""
    async with asyncio.timeout(within):
        while not true():  # noqa: ASYNC110 - the program tells nobody of it
            await asyncio.sleep(0.005)


@pytest.fixture(autouse=True)
def _time_to_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a chart take its time: the process that draws it yields to all others, and here there are many."""
    monkeypatch.setattr(chart_process, "SECONDS", 60.0)


@pytest.fixture
async def server() -> AsyncIterator[RunningChat]:
    """Yields a Bot API server with the four people, each of whom has started the bot, and a group of them all."""
    async with running_chat(Room(PEOPLE, (DESK,))) as running_server:
        yield running_server


@contextlib.asynccontextmanager
async def bot_on(server: RunningChat, office: Office) -> AsyncIterator[Bot]:
    """Yields the bot on a server, reached; stops it after the block."""
    clock = office.context.clock
    beside = alone(clock)
    chat = TelegramChat(connect(server.token, server.api_url), office.context, office.ledger, RateLimiters(clock), beside)
    async with running(chat.run()) as task:
        await until(lambda: chat.ready[0] or task.done())
        yield Bot(server, office, chat, beside)
    await office.inbox.close()


@pytest.fixture
async def office() -> Office:
    """Returns an office at real speed, with a position of 19.98 WIF."""
    return await Office(FastClock()).with_position()


@pytest.fixture
async def bot(server: RunningChat, office: Office) -> AsyncIterator[Bot]:
    """Yields the bot, running on `office`."""
    async with bot_on(server, office) as running_bot:
        yield running_bot
