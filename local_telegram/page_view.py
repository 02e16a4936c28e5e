"""A room as the page receives it: everything, or the changes since a cursor. Data only, no markup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from local_telegram.conversation import Conversation
from local_telegram.errors import Json
from local_telegram.model import Message, Person, StoredFile
from local_telegram.room import Room

FIRST_PAGE = 150  # messages that a fresh page gets at once; older ones come as it scrolls up
_SERVICES = {"forum_topic_created": "made_topic", "supergroup_chat_created": "made_group"}  # the page's names for them


@dataclass(frozen=True)
class Seat:
    """A person looking at a chat and one of its topics."""

    person: Person
    chat: Conversation
    thread_id: int = 0

    @property
    def messages(self) -> Sequence[Message]:
        """Returns the messages seen from here, oldest first."""
        return [message for message in self.chat.messages if message.thread_id == self.thread_id]


def cursor_of(room: Room) -> str:
    """Names this moment; another run of the server has another epoch."""
    return f"{room.epoch}:{room.version}"


def delta(room: Room, seat: Seat, cursor: str) -> Json:
    """Returns the chat since `cursor`; the whole of it, marked `reset`, when the cursor is empty, foreign or too old."""
    epoch, _, version = cursor.partition(":")
    known = epoch == room.epoch and version.isdecimal() and seat.chat.knows_since(int(version))
    body = {"cursor": cursor_of(room), "reset": not known} | _surroundings(room, seat)
    if known:
        messages, deleted, notices = seat.chat.since(int(version))
        return body | {
            "messages": [view(room, seat, message) for message in messages if message.thread_id == seat.thread_id],
            "deleted": list(deleted),
            "notices": [notice for notice in notices if notice["person"] == seat.person.user_id],
        }
    messages = seat.messages
    latest = messages[-FIRST_PAGE:]
    return body | {
        "messages": [view(room, seat, message) for message in latest],
        "more": len(messages) > len(latest),
        "deleted": [],
        "notices": [],
        "bot": {"name": room.bot.first_name, "username": room.bot.username},
        "me": seat.person.user_id,
        "chat": seat.chat.chat_id,
        "topic": seat.thread_id,
        "members": len(seat.chat.group.members) + 1 if seat.chat.group else 0,
        "people": [{"id": person.user_id, "name": person.first_name} for person in room.people],
    }


def earlier(room: Room, seat: Seat, before: int) -> Json:
    """Returns the page of messages just older than message `before`."""
    older = [message for message in seat.messages if message.message_id < before]
    kept = older[-FIRST_PAGE:]
    return {"messages": [view(room, seat, message) for message in kept], "more": len(older) > len(kept)}


def view(room: Room, seat: Seat, message: Message) -> Json:
    """Returns one message as the page draws it; times in milliseconds since 1970."""
    body: Json = {
        "id": message.message_id,
        "mine": not message.from_bot and message.sender == seat.person.user_id,
        "sender": room.bot.user_id if message.from_bot else message.sender,
        "name": _name(room, message),
        "at": int(message.sent_at.timestamp() * 1000),
        "text": message.text,
        "entities": [entity.as_json() for entity in message.entities],
        "buttons": [[button.as_json() for button in row] for row in message.keyboard],
        "edited": message.edited_at is not None,
        "silent": message.silent,
        "reactions": message.reactions,
    }
    if message.service:
        body["service"] = _SERVICES[message.service]
    if message.photo:
        body["photo"] = _file(message.photo) | {"width": message.photo.width, "height": message.photo.height}
    if message.document:
        body["document"] = _file(message.document)
    if message.reply_to:
        body["reply"] = _quote(room, seat.chat, message.reply_to)
    return body


def _file(stored: StoredFile) -> Json:
    return {"url": f"/api/file/{stored.file_id}", "name": stored.name, "size": len(stored.data)}


def _name(room: Room, message: Message) -> str:
    person = room.person(message.sender)
    return room.bot.first_name if message.from_bot or person is None else person.first_name


def _quote(room: Room, chat: Conversation, message_id: int) -> Json:
    """Returns the line above a reply."""
    original = chat.get(message_id)
    if original is None:
        return {"id": message_id, "name": "", "text": "", "kind": "deleted"}
    return {"id": message_id, "name": _name(room, original)} | _excerpt(original)


def _excerpt(message: Message) -> Json:
    """Returns a line of it; where there is no text, `kind` names its content."""
    text = " ".join(message.text.split())[:120] or (message.document.name if message.document else "")
    return {"text": text, "kind": "photo" if message.photo and not text else ""}


def _surroundings(room: Room, seat: Seat) -> Json:
    """Returns the data besides messages that is small enough to send each time."""
    chat, person = seat.chat, seat.person
    pinned = chat.get(chat.pinned[-1]) if chat.pinned else None
    language = person.language_code
    action, until = chat.action_in(seat.thread_id)
    keyboard = chat.keyboard_for(person.user_id)
    bringing = chat.get(keyboard.message_id)
    shown = bringing is None or bringing.thread_id == seat.thread_id
    return {
        "commands": room.profile.commands_for(person.user_id, language, chat.group),
        "description": {} if chat.group else room.profile.description,
        "started": chat.started,
        "keyboard": (keyboard if shown else type(keyboard)()).as_json(),
        "pinned": {"id": pinned.message_id} | _excerpt(pinned) if pinned else None,
        "action": action,
        "action_ms": max(0, int((until - room.monotonic()) * 1000)),
        "levers": [lever.as_json() for lever in room.levers],
        "menu": chat.group is None and room.profile.menu_button.get("type") in ("commands", "default"),
        "places": [place for one in room.chats_of(person.user_id) for place in _places(room, person, one)],
    }


def _places(room: Room, person: Person, chat: Conversation) -> list[Json]:
    """Returns where the person can go: the chat with the bot, a group, or each of a forum's topics. `newest` is the id of the
    last message there that is not the person's own."""
    newest: dict[int, int] = {}
    for message in chat.messages:
        if not message.service and (message.from_bot or message.sender != person.user_id):
            newest[message.thread_id] = message.message_id
    if chat.group is None:
        titles = {0: room.bot.first_name}
    elif chat.group.is_forum:
        titles = {0: "General"} | {thread_id: made.text for thread_id, made in chat.topics.items()}
    else:
        titles = {0: chat.group.title}
    group = chat.group.title if chat.group else ""
    return [
        {"chat": chat.chat_id, "topic": topic, "title": title, "group": group, "newest": newest.get(topic, 0)}
        for topic, title in titles.items()
    ]
