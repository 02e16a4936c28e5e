"""One chat of the bot, with a person or in a group, and the journal of its changes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from local_telegram.errors import Json
from local_telegram.group import Group
from local_telegram.markup import ReplyKeyboard
from local_telegram.model import Message, Person

KEPT = 2_000  # messages
_REMEMBERED = 500  # deletions and notices; a page that missed more reloads the chat
_EVERYBODY = 0


class Conversation:
    """The last KEPT messages and their attachments. `next_version` numbers every change of the room.

    `started`: the bot may write. `blocked`: the person has blocked it, or the group has removed it.
    """

    def __init__(self, home: Person | Group, next_version: Callable[[], int]) -> None:
        self.home = home
        self.started = home.started if isinstance(home, Person) else True
        self.blocked = False
        self.pinned: tuple[int, ...] = ()
        self._next_version = next_version
        self._last_id = 0
        self._messages: dict[int, Message] = {}
        self._changed: dict[int, int] = {}
        self._topics: dict[int, Message] = {}
        self._keyboards: dict[int, ReplyKeyboard] = {}
        self._actions: dict[int, tuple[str, float]] = {}
        self._deleted: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED)
        self._notices: deque[tuple[int, Json]] = deque(maxlen=_REMEMBERED)

    @property
    def chat_id(self) -> int:
        """Returns a person's user id, or a group's negative one."""
        return self.home.user_id if isinstance(self.home, Person) else self.home.chat_id

    @property
    def group(self) -> Group | None:
        """Returns the group; None for a private chat."""
        return self.home if isinstance(self.home, Group) else None

    @property
    def messages(self) -> Sequence[Message]:
        """Returns all messages that are kept, oldest first."""
        return tuple(self._messages.values())

    @property
    def topics(self) -> Mapping[int, Message]:
        """Returns a forum's topics by message_thread_id: the message that created each. "General" is not among them."""
        return self._topics

    def includes(self, person_id: int) -> bool:
        """Tells whether the person reads this chat."""
        return person_id in self.home.members if isinstance(self.home, Group) else person_id == self.home.user_id

    def get(self, message_id: int) -> Message | None:
        """Returns a message; None when there is none, or no longer."""
        return self._messages.get(message_id)

    def next_id(self) -> int:
        """Returns the id of the next message, where the chat numbers its own: in a supergroup."""
        self._last_id += 1
        return self._last_id

    def put(self, message: Message) -> None:
        """Adds a message or replaces its earlier version."""
        self._messages[message.message_id] = message
        self._changed[message.message_id] = self._next_version()
        if message.service == "forum_topic_created":
            self._topics[message.message_id] = message
        if len(self._messages) > KEPT:
            self._forget(next(iter(self._messages)))

    def delete(self, message_id: int) -> None:
        """Deletes a message for everybody, for good."""
        self._forget(message_id)
        self._deleted.append((self._next_version(), message_id))

    def notice(self, notice: Json) -> None:
        """Sends a page a notice that is not a message, such as the answer to a button; `person` names its reader."""
        self._notices.append((self._next_version(), notice))

    def touch(self) -> None:
        """Notes a change beside the messages: keyboard, pin, typing."""
        self._next_version()

    def keyboard_for(self, person_id: int) -> ReplyKeyboard:
        """Returns the reply keyboard that this person sees."""
        return self._keyboards.get(person_id) or self._keyboards.get(_EVERYBODY) or ReplyKeyboard()

    def show_keyboard(self, keyboard: ReplyKeyboard, only: Sequence[int] | None = None) -> None:
        """Shows it to everybody, or, where it is selective, to some."""
        if only is None:
            self._keyboards = {_EVERYBODY: keyboard}
        else:
            self._keyboards |= dict.fromkeys(only, keyboard)

    def act(self, thread_id: int, action: str, until: float) -> None:
        """Shows the bot typing, or doing something else, in this topic until then; an empty action ends it."""
        self._actions[thread_id] = action, until
        self.touch()

    def action_in(self, thread_id: int) -> tuple[str, float]:
        """Returns the bot's action in this topic, and its end."""
        return self._actions.get(thread_id, ("", 0.0))

    def since(self, version: int) -> tuple[Sequence[Message], Sequence[int], Sequence[Json]]:
        """Returns messages added or changed, ids deleted, and notices, after `version`."""
        messages = [message for message in self._messages.values() if self._changed[message.message_id] > version]
        deleted = [message_id for at, message_id in self._deleted if at > version]
        return messages, deleted, [notice for at, notice in self._notices if at > version]

    def knows_since(self, version: int) -> bool:
        """Tells whether `since(version)` misses nothing."""
        return len(self._deleted) < _REMEMBERED or self._deleted[0][0] <= version

    def _forget(self, message_id: int) -> None:
        del self._messages[message_id]
        del self._changed[message_id]
        self.pinned = tuple(kept for kept in self.pinned if kept != message_id)
