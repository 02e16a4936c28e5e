"""The test side of the local chat: persons who write, tap and wait for the bot. No polling, no patching."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from telegram.ext import ExtBot
from telegram.request import HTTPXRequest

from local_telegram.model import Message, Person
from local_telegram.room import OWNER, Room
from local_telegram.server import RunningChat, running_chat

STRANGER = Person(2002, "Stranger", "stranger", language_code="ru", started=False)
_T = TypeVar("_T")
Matcher = Callable[[Message], bool]


@dataclass(frozen=True)
class ChatPerson:
    """One person at their phone, in the chat with the bot or `at` a topic of a group. Every wait checks the existing messages
    and then each change."""

    room: Room
    person: Person
    group_id: int = 0
    thread_id: int = 0

    @property
    def id(self) -> int:
        """Returns the user id, which is also the id of the private chat with the bot."""
        return self.person.user_id

    def at(self, group_id: int, thread_id: int = 0) -> ChatPerson:
        """Returns the same person in a group; 0 is its topic "General", or all of it where it has no topics."""
        return replace(self, group_id=group_id, thread_id=thread_id)

    @property
    def messages(self) -> Sequence[Message]:
        """Returns the whole chat, or topic, oldest first."""
        messages = self.room.messages(self.group_id or self.id)
        return [message for message in messages if message.thread_id == self.thread_id]

    @property
    def received(self) -> Sequence[Message]:
        """Returns the bot's messages, oldest first."""
        return [message for message in self.messages if message.from_bot]

    def now(self, message: Message) -> Message | None:
        """Returns the current form of a message; None when it was deleted."""
        return next((kept for kept in self.messages if kept.message_id == message.message_id), None)

    def send(self, text: str, *, reply_to: Message | None = None) -> Message:
        """Writes to the bot."""
        place = {"chat_id": self.group_id, "thread_id": self.thread_id}
        return self.room.send(self.id, text, reply_to=reply_to.message_id if reply_to else None, **place)

    def forward(self, message: Message) -> Message:
        """Forwards a message."""
        return self.room.forward(self.id, message, chat_id=self.group_id, thread_id=self.thread_id)

    def send_file(self, name: str, data: bytes, *, caption: str = "") -> Message:
        """Sends a picture or a file."""
        return self.room.send_file(self.id, name, data, caption=caption, chat_id=self.group_id, thread_id=self.thread_id)

    def press(self, message: Message, button: str) -> str:
        """Taps the button with this callback data, or text; returns the id of the query. Raises ApiError if it is gone."""
        return self.room.press(self.id, message.message_id, button, chat_id=self.group_id)

    async def ask(self, text: str, *, within: float = 10) -> Message:
        """Writes to the bot and waits for its next message."""
        sent = self.send(text)
        return await self.wait_for(lambda message: True, after=sent, within=within)

    async def wait_for(self, wanted: Matcher | str, *, after: Message | None = None, within: float = 10) -> Message:
        """Returns the first message of the bot, in its current form, that matches or contains the wanted text.

        Only messages newer than `after` count. An edit counts as soon as the message matches. Fails the test with the last
        messages after `within` seconds.
        """
        fits: Matcher = (lambda message: wanted in message.text) if isinstance(wanted, str) else wanted
        newer = after.message_id if after else 0

        def found() -> Message | None:
            return next((one for one in self.received if one.message_id > newer and fits(one)), None)

        return await self._until(found, within, f"no message with {wanted!r}")

    async def wait_for_edit(self, message: Message, wanted: Matcher | str = "", *, within: float = 10) -> Message:
        """Returns the message once it differs from the form given here, and matches or contains the wanted text."""
        fits: Matcher = (lambda one: wanted in one.text) if isinstance(wanted, str) else wanted

        def found() -> Message | None:
            present = self.now(message)
            return present if present and present != message and fits(present) else None

        return await self._until(found, within, "no such edit")

    async def wait_for_answer(self, query_id: str, *, within: float = 10) -> dict[str, Any]:
        """Returns the bot's answer to a pressed button: `text`, `alert`, `url`."""
        chat = self.room.chat(self.group_id or self.id)
        assert chat is not None

        def found() -> dict[str, Any] | None:
            return next((notice for notice in chat.since(0)[2] if notice.get("query_id") == query_id), None)

        return await self._until(found, within, "the button was not answered")

    async def wait_until_gone(self, message: Message, *, within: float = 10) -> None:
        """Returns when the message is deleted."""
        await self._until(lambda: self.now(message) is None or None, within, "the message is still there")

    async def _until(self, found: Callable[[], _T | None], within: float, missing: str) -> _T:
        try:
            async with asyncio.timeout(within):
                while (result := found()) is None:
                    await self.room.changed_since(self.room.version)
                return result
        except TimeoutError:
            last = "\n".join(f"  {'bot' if one.from_bot else 'me '} {one.text!r}" for one in self.messages[-10:])
            raise AssertionError(f"{missing} within {within} s; the chat ends with\n{last or '  nothing'}") from None


@dataclass(frozen=True)
class LocalChat:
    """A running local chat with its owner and a stranger who has not written to the bot yet."""

    server: RunningChat
    owner: ChatPerson
    stranger: ChatPerson

    @property
    def room(self) -> Room:
        """Returns the state behind it: faults, files, updates."""
        return self.server.room

    @property
    def token(self) -> str:
        """Returns the bot's token, for TG_TOKEN."""
        return self.server.token

    @property
    def api_url(self) -> str:
        """Returns the value for TG_API_URL."""
        return self.server.api_url

    @property
    def page_url(self) -> str:
        """Returns the owner's page; add `?as=<id>` for somebody else."""
        return self.server.page_url


def api_of(server: RunningChat) -> ExtBot[None]:
    """Returns the whole Bot API, as python-telegram-bot calls it. The program's own bot lets through only the methods that it
    uses."""
    slow = HTTPXRequest(connection_pool_size=32, read_timeout=15)
    return ExtBot(server.token, base_url=f"{server.api_url}/bot", base_file_url=f"{server.api_url}/file/bot", request=slow)


@contextlib.asynccontextmanager
async def local_chat(*, port: int = 0, **room: Any) -> AsyncIterator[LocalChat]:
    """Runs a local chat on a free port; further arguments go to Room."""
    async with running_chat(Room((OWNER, STRANGER), **room), port=port) as server:
        people = (ChatPerson(server.room, person) for person in (OWNER, STRANGER))
        yield LocalChat(server, *people)
