"""Telegram: it accepts messages, loses some answers, asks for patience, and delivers commands and taps until they are
acknowledged."""

import json
from dataclasses import dataclass, field
from typing import Any

from telegram.error import NetworkError, TimedOut
from telegram.ext import ExtBot
from telegram.request import BaseRequest, RequestData

from bot.views.chat_message import ChatMessage as Shown
from tests.simulation.machine import Fate

CHAT_ID = 1001
TOKEN = "1000000:simulated-token-simulated-token"


@dataclass(frozen=True, slots=True)
class Update:
    """A command that a person typed, or the data of a button that was tapped: the same `number` when it is delivered again."""

    number: int
    person: int
    data: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The bot's answer to what a person `said`, with the data of its buttons."""

    person: int
    said: str
    text: str
    buttons: tuple[str, ...]


@dataclass(slots=True)
class ChatMessage:
    """A message in the chat; `texts` are all its versions, the last one is shown until it `is_gone`."""

    number: int
    texts: list[str]
    buttons: list[str] = field(default_factory=list)
    is_gone: bool = False


class Chat:
    """One chat. `away` answers nobody."""

    def __init__(self, fate: Fate) -> None:
        self.fate = fate
        self.away = False
        self.messages: dict[int, ChatMessage] = {}
        self.updates: list[Update] = []
        self.replies: list[Reply] = []
        self.arrived = 0
        """The last update that the bot has acknowledged."""
        self._patience_until = 0.0

    def do(self, person: int, data: str) -> None:
        """Types a command, or taps a button."""
        self.updates.append(Update(len(self.updates) + 1, person, data))

    async def reply(self, person: int, said: str, shown: Shown) -> None:
        """Answers a person; while nobody is there to receive it, it is lost."""
        await self.fate.pause(0.02, 0.2)
        if not self.away:
            buttons = tuple(button.data for row in shown.keyboard for button in row)
            self.replies.append(Reply(person, said, shown.text, buttons))

    async def updates_from(self, number: int | None) -> list[Update]:
        """Returns the updates from number `number` on, which tells Telegram that the earlier ones have arrived; None: Telegram
        does not learn this."""
        await self.fate.pause(0.05, 0.5)
        self.arrived = max(self.arrived, (number or 0) - 1)
        if self.away or self.fate.strikes("lost updates", 0.01):
            await self.fate.pause(1.0, 5.0)
            return []
        return self.updates[self.arrived :]

    async def answer(self, method: str, parameters: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Returns HTTP status and body."""
        fate, now = self.fate, self.fate.loop.time()
        await fate.pause(0.02, 0.2)
        if self.away or fate.strikes("chat unreachable", 0.01):
            await fate.pause(0.5, 5.0)
            raise NetworkError("simulated: unreachable")
        if now < self._patience_until or fate.strikes("chat asks for patience", 0.02):
            self._patience_until = max(self._patience_until, now + fate.random.randint(1, 8))
            wait = max(1, round(self._patience_until - now))
            return 429, {"ok": False, "description": "Too Many Requests", "parameters": {"retry_after": wait}}
        if fate.strikes("chat gateway", 0.01):
            return 502, {"ok": False, "description": "Bad Gateway"}
        await fate.may_die(0.002)
        result = self._taken(method, parameters)
        if result is None:
            return 400, {"ok": False, "description": "Bad Request: message not found"}
        await fate.may_die(0.004)
        if fate.strikes("chat answer lost", 0.01):
            raise TimedOut
        return 200, {"ok": True, "result": result}

    def _taken(self, method: str, parameters: dict[str, Any]) -> object:
        """Returns the result; None where the message is gone."""
        if method not in {"sendMessage", "editMessageText", "deleteMessage"}:
            raise AssertionError(f"the simulated chat knows no {method}")
        if method != "sendMessage" and self.messages[int(parameters["message_id"])].is_gone:
            return None
        if method == "deleteMessage":
            gone = self.messages[int(parameters["message_id"])]
            gone.is_gone, gone.buttons = True, []
            return True
        text, markup = parameters["text"], parameters.get("reply_markup")
        rows = (json.loads(markup) if isinstance(markup, str) else markup or {}).get("inline_keyboard", [])
        buttons = [button["callback_data"] for row in rows for button in row]
        if method == "sendMessage":
            message = ChatMessage(len(self.messages) + 1, [text], buttons)
            self.messages[message.number] = message
        else:
            message = self.messages[int(parameters["message_id"])]
            message.texts.append(text)
            message.buttons = buttons
        return {"message_id": message.number, "date": 0, "chat": {"id": CHAT_ID, "type": "private"}, "text": text}


class ChatRequest(BaseRequest):
    """Connects python-telegram-bot to the simulated chat."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat

    @property
    def read_timeout(self) -> float | None:
        return 5.0

    async def initialize(self) -> None: ...

    async def shutdown(self) -> None: ...

    async def do_request(  # type: ignore[override]
        self, url: str, method: str, request_data: RequestData | None = None, **_timeouts: object
    ) -> tuple[int, bytes]:
        parameters = dict(request_data.json_parameters) if request_data is not None else {}
        status, body = await self._chat.answer(url.rpartition("/")[2], parameters)
        return status, json.dumps(body).encode()


def bot_in(chat: Chat) -> ExtBot[None]:
    """Returns a real bot, in the simulated chat."""
    return ExtBot(TOKEN, request=ChatRequest(chat), get_updates_request=ChatRequest(chat))
