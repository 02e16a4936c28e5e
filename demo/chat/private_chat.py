"""One person's chat with the bot, and the journal of what changed in it since when."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from demo.chat.errors import Json
from demo.chat.markup import ReplyKeyboard
from demo.chat.model import Message, Person

KEPT = 2_000  # messages
_REMEMBERED = 500  # deletions and notices; a page that missed more reads the chat anew


class PrivateChat:
    """The last KEPT messages and what hangs on them. `next_version` numbers every change of the room."""

    def __init__(self, person: Person, next_version: Callable[[], int]) -> None:
        self.person = person
        self.started = person.started
        self.blocked = False
        self.keyboard = ReplyKeyboard()
        self.pinned: tuple[int, ...] = ()
        self.typing_until = 0.0
        self._next_version = next_version
        self._messages: dict[int, Message] = {}
        self._changed: dict[int, int] = {}
        self._deleted: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED)
        self._notices: deque[tuple[int, Json]] = deque(maxlen=_REMEMBERED)

    @property
    def messages(self) -> Sequence[Message]:
        """All that is kept, oldest first."""
        return tuple(self._messages.values())

    def get(self, message_id: int) -> Message | None:
        """None when there is no such message, or no longer."""
        return self._messages.get(message_id)

    def put(self, message: Message) -> None:
        """Adds a message or takes its new form."""
        self._messages[message.message_id] = message
        self._changed[message.message_id] = self._next_version()
        if len(self._messages) > KEPT:
            self._forget(next(iter(self._messages)))

    def delete(self, message_id: int) -> None:
        """For everybody, for good."""
        self._forget(message_id)
        self._deleted.append((self._next_version(), message_id))

    def notice(self, notice: Json) -> None:
        """Tells the person's page something that is no message, such as the answer to a button."""
        self._notices.append((self._next_version(), notice))

    def touch(self) -> None:
        """Something beside the messages changed: keyboard, pin, typing."""
        self._next_version()

    def since(self, version: int) -> tuple[Sequence[Message], Sequence[int], Sequence[Json]]:
        """Messages added or changed, ids deleted, and notices, after `version`."""
        messages = [message for message in self._messages.values() if self._changed[message.message_id] > version]
        deleted = [message_id for at, message_id in self._deleted if at > version]
        return messages, deleted, [notice for at, notice in self._notices if at > version]

    def knows_since(self, version: int) -> bool:
        """Whether `since(version)` misses nothing."""
        return len(self._deleted) < _REMEMBERED or self._deleted[0][0] <= version

    def _forget(self, message_id: int) -> None:
        del self._messages[message_id]
        del self._changed[message_id]
        self.pinned = tuple(kept for kept in self.pinned if kept != message_id)
