"""The state of the local chat: persons, groups, their chats with the bot, files, updates, button presses.

In memory and in one event loop; knows nothing of HTTP. The methods that call it decide what a bot may do.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from local_telegram.bot_view import membership_json, message_json
from local_telegram.conversation import Conversation
from local_telegram.entities import plain, units, with_found
from local_telegram.errors import ApiError, Json, bad_request
from local_telegram.faults import Faults, FloodLimit
from local_telegram.group import Group, bot_sees
from local_telegram.levers import Lever
from local_telegram.model import BotIdentity, Message, Person, StoredFile
from local_telegram.pictures import read_picture
from local_telegram.profile import Profile
from local_telegram.updates import UpdateQueue

OWNER = Person(1001, "Owner", "owner")
MAX_TEXT, MAX_CAPTION = 4096, 1024  # UTF-16 units, the stricter reading of "characters after entities parsing"
ANSWER_WITHIN_S = 15.0  # how long a pressed button waits for answerCallbackQuery
_FILES_BYTES = 256 * 1024 * 1024
_ACTION_S = 5.0  # https://core.telegram.org/bots/api#sendchataction


@dataclass(frozen=True)
class _Press:
    chat_id: int
    person_id: int
    pressed_at: float


class Room:
    """Everything the Bot API and the page show. Message and update ids only grow.

    `privacy`: in a group the bot receives only messages for it. `clock` gives aware UTC times, `monotonic` seconds; `flood_limit`
    switches Telegram's own limits on.
    """

    def __init__(
        self,
        people: Sequence[Person] = (OWNER,),
        groups: Sequence[Group] = (),
        *,
        privacy: bool = True,
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
        self.levers: tuple[Lever, ...] = ()
        self.privacy = privacy
        self._people = {person.user_id: person for person in people}
        self._chats = {person.user_id: Conversation(person, self._next_version) for person in people}
        self._files: dict[str, StoredFile] = {}
        self._presses: dict[str, _Press] = {}
        self._last_message_id = 0
        self._changed = asyncio.Event()
        for group in groups:
            self._found(group)

    # Reading

    @property
    def people(self) -> Sequence[Person]:
        """Returns everybody who can write to the bot; the first is the owner."""
        return tuple(self._people.values())

    def person(self, user_id: int) -> Person | None:
        """Returns a person by id."""
        return self._people.get(user_id)

    def chat(self, chat_id: int) -> Conversation | None:
        """Returns the private chat of the person with this id, or the group."""
        return self._chats.get(chat_id)

    def chats_of(self, person_id: int) -> Sequence[Conversation]:
        """Returns every chat that the person reads: the one with the bot, then the groups."""
        return [chat for chat in self._chats.values() if chat.includes(person_id)]

    def messages(self, chat_id: int) -> Sequence[Message]:
        """Returns the messages of a chat, oldest first."""
        return self._known(chat_id).messages

    def file(self, file_id: str) -> StoredFile | None:
        """Returns a file by its id; None when it was never sent or is forgotten."""
        return self._files.get(file_id)

    def as_json(self, message: Message) -> Json:
        """Returns the Bot API's Message."""
        return message_json(message, self._known(message.chat_id), self.bot, self._people)

    # A person's actions

    def send(self, person_id: int, text: str, *, chat_id: int = 0, thread_id: int = 0, reply_to: int | None = None) -> Message:
        """Sends a person's message to the bot, or into a topic of a group. Raises ApiError 400 when Telegram's own client
        would not send it."""
        kept, _ = plain(text)
        if not kept or units(kept) > MAX_TEXT:
            raise bad_request("message is too long" if kept else "message text is empty")
        draft = self._draft(person_id, chat_id, thread_id, kept)
        return self._from_person(replace(draft, reply_to=reply_to))

    def send_file(
        self, person_id: int, name: str, data: bytes, *, caption: str = "", chat_id: int = 0, thread_id: int = 0
    ) -> Message:
        """Sends a person's picture or file. Raises ApiError 400."""
        kept, _ = plain(caption)
        if units(kept) > MAX_CAPTION:
            raise bad_request("message caption is too long")
        draft = self._draft(person_id, chat_id, thread_id, kept)
        is_photo = read_picture(data) is not None
        stored = self.keep_file(name, data, photo=is_photo)
        photo, document = (stored, None) if is_photo else (None, stored)
        return self._from_person(replace(draft, photo=photo, document=document))

    def forward(self, person_id: int, message: Message, *, chat_id: int = 0, thread_id: int = 0) -> Message:
        """Forwards a message of the person's own, of somebody else or of the bot's. Raises ApiError 400."""
        draft = self._draft(person_id, chat_id, thread_id, message.text)
        draft = replace(draft, entities=message.entities, photo=message.photo, document=message.document)
        return self._from_person(replace(draft, origin=message.origin or message))

    def press(self, person_id: int, message_id: int, wanted: str, *, chat_id: int = 0) -> str:
        """Taps the inline button with this callback data, or else this text; returns the id of the query.

        Raises ApiError 400 when the message, or such a button on it, is not there (any more).
        """
        chat = self._joined(person_id, chat_id)
        message = chat.get(message_id)
        button = message.button(wanted) if message else None
        if message is None or button is None or not button.data:
            raise bad_request("no such button")
        query_id = str(secrets.randbits(62))
        self._presses[query_id] = _Press(chat.chat_id, person_id, self.monotonic())
        query = {
            "id": query_id,
            "from": self._people[person_id].as_user(),
            "message": self.as_json(message),
            "chat_instance": str(chat.chat_id),
            "data": button.data,
        }
        self.updates.put("callback_query", query)
        chat.touch()
        return query_id

    def block(self, person_id: int, *, blocked: bool = True) -> None:
        """Blocks the bot for a person, or lets it write again."""
        self._let(self._known(person_id), self._people[person_id], blocked=blocked)

    def remove_bot(self, chat_id: int, person_id: int, *, removed: bool = True) -> None:
        """Removes the bot from a group, or adds it again."""
        self._let(self._joined(person_id, chat_id), self._people[person_id], blocked=removed)

    def promote_bot(self, chat_id: int) -> None:
        """Makes the bot an administrator of a group."""
        chat = self._known(chat_id)
        if chat.group:
            chat.home = replace(chat.group, administrators=chat.group.administrators | {self.bot.user_id})

    # The bot's actions

    def publish(self, message: Message) -> Message:
        """Adds the bot's message, giving it its id."""
        chat = self._known(message.chat_id)
        chat.act(message.thread_id, "", 0.0)
        added = self._numbered(message)
        chat.put(added)
        return added

    def act(self, chat_id: int, thread_id: int, action: str) -> None:
        """Shows that the bot is at work, such as typing, until its next message or for 5 s."""
        self._known(chat_id).act(thread_id, action, self.monotonic() + _ACTION_S)

    def answer(self, query_id: str, notice: Json) -> bool:
        """Answers a pressed button; returns False when there is no such press, it is answered or too old."""
        press = self._presses.pop(query_id, None)
        self._presses = {
            key: kept for key, kept in self._presses.items() if self.monotonic() - kept.pressed_at <= ANSWER_WITHIN_S
        }
        if press is None or self.monotonic() - press.pressed_at > ANSWER_WITHIN_S:
            return False
        about = {"kind": "answer", "query_id": query_id, "person": press.person_id}
        self._known(press.chat_id).notice(about | notice)
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
        """Returns the room's time."""
        return self._clock()

    def touch(self) -> None:
        """Notes a change that every page shows."""
        self._next_version()

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

    def _known(self, chat_id: int) -> Conversation:
        chat = self._chats.get(chat_id)
        if chat is None:
            raise ApiError(400, "Bad Request: chat not found")
        return chat

    def _joined(self, person_id: int, chat_id: int) -> Conversation:
        """Returns the chat, which the person must be in; 0 is the one with the bot."""
        chat = self._known(chat_id or person_id)
        if not chat.includes(person_id):
            raise ApiError(400, "Bad Request: chat not found")
        return chat

    def _numbered(self, message: Message) -> Message:
        """Numbers a message: private chats share the bot's numbers, a supergroup has its own."""
        chat = self._known(message.chat_id)
        if chat.group:
            return replace(message, message_id=chat.next_id())
        self._last_message_id += 1
        return replace(message, message_id=self._last_message_id)

    def _draft(self, person_id: int, chat_id: int, thread_id: int, text: str) -> Message:
        chat = self._joined(person_id, chat_id)
        if thread_id and thread_id not in chat.topics:
            raise bad_request("message thread not found")
        entities = with_found(text, ())
        return Message(0, chat.chat_id, False, self.now(), text, entities, sender_id=person_id, thread_id=thread_id)

    def _from_person(self, message: Message) -> Message:
        chat = self._known(message.chat_id)
        chat.started = True
        replied = chat.get(message.reply_to or 0)
        added = self._numbered(replace(message, reply_to=replied.message_id if replied else None))
        chat.put(added)
        group = chat.group
        if group is None or (not chat.blocked and bot_sees(added, group, self.bot, replied, privacy=self.privacy)):
            self.updates.put("message", self.as_json(added))
        return added

    def _let(self, chat: Conversation, person: Person, *, blocked: bool) -> None:
        if blocked != chat.blocked:
            told = membership_json(chat, self.bot, person, self.now(), was=blocked, now=not blocked)
            self.updates.put("my_chat_member", told)
        chat.blocked = blocked
        chat.touch()

    def _found(self, group: Group) -> None:
        """Opens a group with its topics; the bot is in it from the start, without an update."""
        chat = self._chats[group.chat_id] = Conversation(group, self._next_version)
        at = self.now()
        begun = Message(0, group.chat_id, False, at, sender_id=group.creator, service="supergroup_chat_created")
        chat.put(self._numbered(begun))
        for name in group.topics:
            topic = self._numbered(replace(begun, service="forum_topic_created", text=name))
            chat.put(replace(topic, thread_id=topic.message_id))
