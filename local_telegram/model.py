"""The types of the local chat: persons, files, messages. Immutable; an edit makes a new message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from local_telegram.entities import Entity
from local_telegram.errors import Json


@dataclass(frozen=True)
class BotIdentity:
    """The bot's identity; `user_id` is the number before the colon of its token."""

    user_id: int
    first_name: str
    username: str

    def as_user(self) -> Json:
        """Returns the Bot API's User."""
        return {
            "id": self.user_id,
            "is_bot": True,
            "first_name": self.first_name,
            "username": self.username,
        }


@dataclass(frozen=True)
class Person:
    """Somebody with a private chat with the bot, whose id is the chat's.

    `started`: has pressed Start already, so the bot may write first. `username` and `last_name` may be empty.
    """

    user_id: int
    first_name: str
    username: str = ""
    last_name: str = ""
    language_code: str = "en"
    started: bool = True

    def _names(self) -> Json:
        names = {"first_name": self.first_name, "last_name": self.last_name, "username": self.username}
        return {key: name for key, name in names.items() if name}

    def as_user(self) -> Json:
        """Returns the Bot API's User."""
        return {"id": self.user_id, "is_bot": False} | self._names() | {"language_code": self.language_code}

    def as_chat(self) -> Json:
        """Returns the Bot API's Chat, of type private."""
        return {"id": self.user_id, "type": "private"} | self._names()


@dataclass(frozen=True)
class StoredFile:
    """A file that was sent. `width` and `height` (pixels) are 0 if it is not a picture."""

    file_id: str
    unique_id: str
    name: str
    mime: str
    data: bytes
    width: int = 0
    height: int = 0

    @property
    def path(self) -> str:
        """Returns the path under /file/bot<token>/, as getFile answers it."""
        suffix = self.name.rpartition(".")[2] if "." in self.name else "bin"
        kind = "photos" if self.width else "documents"
        return f"{kind}/{self.file_id}.{suffix if suffix.isascii() and suffix.isalnum() else 'bin'}"

    def _ids(self) -> Json:
        return {"file_id": self.file_id, "file_unique_id": self.unique_id, "file_size": len(self.data)}

    def as_file(self) -> Json:
        """Returns the Bot API's File."""
        return self._ids() | {"file_path": self.path}

    def as_photo(self) -> list[Json]:
        """Returns the Bot API's list of PhotoSize; the local chat keeps the one size that was sent."""
        return [self._ids() | {"width": self.width, "height": self.height}]

    def as_document(self) -> Json:
        """Returns the Bot API's Document."""
        return self._ids() | {"file_name": self.name, "mime_type": self.mime}


@dataclass(frozen=True)
class Button:
    """One inline button: exactly one of `data` (callback), `url` and `copy` is not empty."""

    text: str
    data: str = ""
    url: str = ""
    copy: str = ""
    style: str = ""

    def as_json(self) -> Json:
        """Returns the Bot API's InlineKeyboardButton."""
        optional = {"callback_data": self.data, "url": self.url, "style": self.style}
        button = {"text": self.text} | {key: value for key, value in optional.items() if value}
        return button | {"copy_text": {"text": self.copy}} if self.copy else button


InlineKeyboard = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True)
class Message:
    """One message. `text` is the caption when there is a photo or a document.

    `sender_id`: the person who wrote it; 0 in a private chat, whose id says it. `thread_id`: the topic of a forum, 0 for
    "General". `service`: the field of the Bot API's Message for Telegram's own notices, such as forum_topic_created, whose name
    is the text. `plain_keyboard`: sent with a reply keyboard, which bars it from being edited. `origin`: the message that was
    forwarded.
    """

    message_id: int
    chat_id: int
    from_bot: bool
    sent_at: datetime
    text: str = ""
    entities: tuple[Entity, ...] = ()
    photo: StoredFile | None = None
    document: StoredFile | None = None
    keyboard: InlineKeyboard = ()
    reply_to: int | None = None
    edited_at: datetime | None = None
    reactions: tuple[str, ...] = ()
    silent: bool = False
    plain_keyboard: bool = False
    sender_id: int = 0
    thread_id: int = 0
    service: str = ""
    origin: Message | None = None

    @property
    def sender(self) -> int:
        """Returns the user id of the person who wrote it."""
        return self.sender_id or self.chat_id

    @property
    def file(self) -> StoredFile | None:
        """Returns the photo or the document."""
        return self.photo or self.document

    @property
    def buttons(self) -> Sequence[Button]:
        """Returns the inline buttons, row after row."""
        return [button for row in self.keyboard for button in row]

    def button(self, wanted: str) -> Button | None:
        """Returns the inline button with this callback data or, failing that, this text."""
        by_data = (button for button in self.buttons if button.data == wanted)
        by_text = (button for button in self.buttons if button.text == wanted)
        return next(by_data, None) or next(by_text, None)
