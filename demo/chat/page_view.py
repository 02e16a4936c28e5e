"""What the page is told of a room: everything, or what changed since a cursor. Data only, no markup."""

from __future__ import annotations

from demo.chat.errors import Json
from demo.chat.model import Message, StoredFile
from demo.chat.private_chat import PrivateChat
from demo.chat.room import Room

FIRST_PAGE = 150  # messages that a fresh page gets at once; older ones come as it scrolls up


def cursor_of(room: Room) -> str:
    """Names this moment; another run of the server has another epoch."""
    return f"{room.epoch}:{room.version}"


def delta(room: Room, chat: PrivateChat, cursor: str) -> Json:
    """The chat since `cursor`; the whole of it, marked `reset`, when the cursor is empty, foreign or too old."""
    epoch, _, version = cursor.partition(":")
    known = epoch == room.epoch and version.isdecimal() and chat.knows_since(int(version))
    body = {"cursor": cursor_of(room), "reset": not known} | _surroundings(room, chat)
    if known:
        messages, deleted, notices = chat.since(int(version))
        return body | {
            "messages": [view(room, message) for message in messages],
            "deleted": list(deleted),
            "notices": list(notices),
        }
    latest = chat.messages[-FIRST_PAGE:]
    return body | {
        "messages": [view(room, message) for message in latest],
        "more": len(chat.messages) > len(latest),
        "deleted": [],
        "notices": [],
        "bot": {"name": room.bot.first_name, "username": room.bot.username},
        "me": chat.person.user_id,
        "people": [{"id": person.user_id, "name": person.first_name} for person in room.people],
    }


def earlier(room: Room, chat: PrivateChat, before: int) -> Json:
    """The page of messages just older than message `before`."""
    older = [message for message in chat.messages if message.message_id < before]
    kept = older[-FIRST_PAGE:]
    return {"messages": [view(room, message) for message in kept], "more": len(older) > len(kept)}


def view(room: Room, message: Message) -> Json:
    """One message as the page draws it; times in milliseconds since 1970."""
    body: Json = {
        "id": message.message_id,
        "mine": not message.from_bot,
        "at": int(message.sent_at.timestamp() * 1000),
        "text": message.text,
        "entities": [entity.as_json() for entity in message.entities],
        "buttons": [[button.as_json() for button in row] for row in message.keyboard],
        "edited": message.edited_at is not None,
        "silent": message.silent,
        "reactions": message.reactions,
    }
    if message.photo:
        body["photo"] = _file(message.photo) | {"width": message.photo.width, "height": message.photo.height}
    if message.document:
        body["document"] = _file(message.document)
    if message.reply_to:
        body["reply"] = _quote(room, message.chat_id, message.reply_to)
    return body


def _file(stored: StoredFile) -> Json:
    return {"url": f"/api/file/{stored.file_id}", "name": stored.name, "size": len(stored.data)}


def _quote(room: Room, chat_id: int, message_id: int) -> Json:
    """The line that stands above a reply."""
    chat = room.chat(chat_id)
    original = chat.get(message_id) if chat else None
    if chat is None or original is None:
        return {"id": message_id, "name": "", "text": "Deleted message"}
    name = room.bot.first_name if original.from_bot else chat.person.first_name
    return {"id": message_id, "name": name, "text": _excerpt(original)}


def _excerpt(message: Message) -> str:
    kind = "Photo" if message.photo else message.document.name if message.document else ""
    return " ".join(message.text.split())[:120] or kind


def _surroundings(room: Room, chat: PrivateChat) -> Json:
    """What is not a message and small enough to be told each time."""
    pinned = chat.get(chat.pinned[-1]) if chat.pinned else None
    language = chat.person.language_code
    return {
        "commands": room.profile.commands_for(chat.person.user_id, language),
        "description": room.profile.description_for(language),
        "keyboard": chat.keyboard.as_json(),
        "pinned": {"id": pinned.message_id, "text": _excerpt(pinned)} if pinned else None,
        "typing_ms": max(0, int((chat.typing_until - room.monotonic()) * 1000)),
        "levers": list(room.levers),
        "menu": room.profile.menu_button.get("type") in ("commands", "default"),
    }
