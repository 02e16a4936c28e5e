"""The state of the local chat: persons, their chats with the bot, files, updates, button presses.

In memory and in one event loop; it knows no HTTP. What a bot may do is decided by the methods that call it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from demo.chat.entities import plain, units, with_found
from demo.chat.errors import ApiError, Json, bad_request
from demo.chat.faults import Faults, FloodLimit
from demo.chat.model import BotIdentity, Message, Person, StoredFile
from demo.chat.pictures import read_picture
from demo.chat.private_chat import PrivateChat
from demo.chat.profile import Profile
from demo.chat.updates import UpdateQueue

OWNER = Person(1001, "Owner", "owner")
MAX_TEXT, MAX_CAPTION = 4096, 1024  # UTF-16 units, the stricter reading of "characters after entities parsing"
ANSWER_WITHIN_S = 15.0  # how long a pressed button waits for answerCallbackQuery
_FILES_BYTES = 256 * 1024 * 1024
_TYPING_S = 5.0  # https://core.telegram.org/bots/api#sendchataction


@dataclass(frozen=True)
class _Press:
    person_id: int
    pressed_at: float


class Room:
    """Everything the Bot API and the page show. Message and update ids only grow.

    `clock` gives aware UTC times, `monotonic` seconds; `flood_limit` switches Telegram's own limits on.
    """

    def __init__(
        self,
        people: Sequence[Person] = (OWNER,),
        *,
        bot: BotIdentity | None = None,
        token: str = "",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        flood_limit: FloodLimit | None = None,
    ) -> None:
        self.bot = bot or BotIdentity(7_000_000_001, "MarketFlow", "marketflow_local_bot")
        self.token = token or f"{self.bot.user_id}:{secrets.token_urlsafe(26)}"
        self.epoch = secrets.token_hex(4)
        self.version = 0
        self.faults = Faults(monotonic)
        self.flood_limit = flood_limit
        self.updates = UpdateQueue()
        self.profile = Profile()
        self.closed = False
        self._clock, self.monotonic = clock, monotonic
        self.levers: dict[str, Callable[[], None]] = {}
        """What a visitor may have happen, by the words on its button."""
        self._chats = {person.user_id: PrivateChat(person, self._next_version) for person in people}
        self._files: dict[str, StoredFile] = {}
        self._presses: dict[str, _Press] = {}
        self._last_message_id = 0
        self._changed = asyncio.Event()

    # Reading

    @property
    def people(self) -> Sequence[Person]:
        """Everybody who can write to the bot; the first is the owner."""
        return tuple(chat.person for chat in self._chats.values())

    def chat(self, chat_id: int) -> PrivateChat | None:
        """The private chat of the person with this id."""
        return self._chats.get(chat_id)

    def messages(self, chat_id: int) -> Sequence[Message]:
        """The messages of a chat, oldest first."""
        return self._known(chat_id).messages

    def file(self, file_id: str) -> StoredFile | None:
        """A file by its id; None when it was never sent or is forgotten."""
        return self._files.get(file_id)

    def as_json(self, message: Message, *, with_reply: bool = True) -> Json:
        """The Bot API's Message."""
        person = self._known(message.chat_id).person
        body: Json = {
            "message_id": message.message_id,
            "date": int(message.sent_at.timestamp()),
            "chat": person.as_chat(),
            "from": self.bot.as_user() if message.from_bot else person.as_user(),
        }
        named = ("caption", "caption_entities") if message.file else ("text", "entities")
        if message.text:
            body[named[0]] = message.text
        if message.entities:
            body[named[1]] = [entity.as_json() for entity in message.entities]
        if message.photo:
            body["photo"] = message.photo.as_photo()
        if message.document:
            body["document"] = message.document.as_document()
        if message.keyboard:
            rows = [[button.as_json() for button in row] for row in message.keyboard]
            body["reply_markup"] = {"inline_keyboard": rows}
        if message.edited_at:
            body["edit_date"] = int(message.edited_at.timestamp())
        original = self._known(message.chat_id).get(message.reply_to or 0)
        if with_reply and original:
            body["reply_to_message"] = self.as_json(original, with_reply=False)
        return body

    # What a person does

    def send(self, person_id: int, text: str, *, reply_to: int | None = None) -> Message:
        """A person writes to the bot. Raises ApiError 400 when Telegram's own client would not send it."""
        kept, _ = plain(text)
        if not kept or units(kept) > MAX_TEXT:
            raise bad_request("message is too long" if kept else "message text is empty")
        return self._from_person(person_id, Message(0, person_id, False, self.now(), kept, reply_to=reply_to))

    def send_file(self, person_id: int, name: str, data: bytes, *, caption: str = "") -> Message:
        """A person sends the bot a picture or a file. Raises ApiError 400."""
        kept, _ = plain(caption)
        if units(kept) > MAX_CAPTION:
            raise bad_request("message caption is too long")
        is_photo = read_picture(data) is not None
        stored = self.keep_file(name, data, photo=is_photo)
        photo, document = (stored, None) if is_photo else (None, stored)
        draft = Message(0, person_id, False, self.now(), kept, photo=photo, document=document)
        return self._from_person(person_id, draft)

    def press(self, person_id: int, message_id: int, wanted: str) -> str:
        """A person taps the inline button with this callback data, or else this text; the id of the query.

        Raises ApiError 400 when the message, or such a button on it, is not there (any more).
        """
        chat = self._known(person_id)
        message = chat.get(message_id)
        button = message.button(wanted) if message else None
        if message is None or button is None or not button.data:
            raise bad_request("no such button")
        query_id = str(secrets.randbits(62))
        self._presses[query_id] = _Press(person_id, self.monotonic())
        query = {
            "id": query_id,
            "from": chat.person.as_user(),
            "message": self.as_json(message),
            "chat_instance": str(person_id),
            "data": button.data,
        }
        self.updates.put("callback_query", query)
        chat.touch()
        return query_id

    def block(self, person_id: int, *, blocked: bool = True) -> None:
        """A person blocks the bot, or lets it write again."""
        self._known(person_id).blocked = blocked

    # What the bot does

    def publish(self, message: Message) -> Message:
        """Adds the bot's message, giving it its id."""
        chat = self._known(message.chat_id)
        chat.typing_until = 0.0
        added = self._numbered(message)
        chat.put(added)
        return added

    def typing(self, chat_id: int) -> None:
        """Shows that the bot is at work, until its next message or for 5 s."""
        chat = self._known(chat_id)
        chat.typing_until = self.monotonic() + _TYPING_S
        chat.touch()

    def answer(self, query_id: str, notice: Json) -> bool:
        """Answers a pressed button; False when there is no such press, it is answered or too old."""
        press = self._presses.pop(query_id, None)
        self._presses = {
            key: kept for key, kept in self._presses.items() if self.monotonic() - kept.pressed_at <= ANSWER_WITHIN_S
        }
        if press is None or self.monotonic() - press.pressed_at > ANSWER_WITHIN_S:
            return False
        self._known(press.person_id).notice({"kind": "answer", "query_id": query_id} | notice)
        return True

    def keep_file(self, name: str, data: bytes, *, photo: bool, mime: str = "") -> StoredFile:
        """Stores a file under new ids, forgetting the oldest beyond 256 MiB in all."""
        picture = read_picture(data) if photo else None
        mime = picture.mime if picture else mime or "application/octet-stream"
        width, height = (picture.width, picture.height) if picture else (0, 0)
        ids = secrets.token_urlsafe(24), secrets.token_urlsafe(8)
        stored = StoredFile(*ids, name, mime, data, width, height)
        self._files[stored.file_id] = stored
        while sum(len(kept.data) for kept in self._files.values()) > _FILES_BYTES and len(self._files) > 1:
            del self._files[next(iter(self._files))]
        return stored

    # Waiting

    def now(self) -> datetime:
        """By the room's clock."""
        return self._clock()

    async def changed_since(self, version: int) -> None:
        """Returns when the room is past `version`, or closed."""
        while self.version <= version and not self.closed:
            await self._changed.wait()

    def close(self) -> None:
        """Ends every wait; for the end of the server."""
        self.closed = True
        self.updates.close()
        self._next_version()

    def _next_version(self) -> int:
        self.version += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        return self.version

    def _known(self, chat_id: int) -> PrivateChat:
        chat = self._chats.get(chat_id)
        if chat is None:
            raise ApiError(400, "Bad Request: chat not found")
        return chat

    def _numbered(self, message: Message) -> Message:
        self._last_message_id += 1
        return replace(message, message_id=self._last_message_id)

    def _from_person(self, person_id: int, message: Message) -> Message:
        chat = self._known(person_id)
        chat.started = True
        if message.reply_to is not None and chat.get(message.reply_to) is None:
            message = replace(message, reply_to=None)
        added = self._numbered(replace(message, entities=with_found(message.text, ())))
        chat.put(added)
        self.updates.put("message", self.as_json(added))
        return added
